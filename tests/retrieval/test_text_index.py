import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from kglm.errors import (
    ConfigError,
    DataError,
    EncoderMismatchError,
    FingerprintMismatchError,
    RetrievalIndexError,
)
from kglm.kg import Triple
from kglm.retrieval import Document, TextIndex, fuse

TEXTS = [
    "a spade digs holes in the garden", "a knife cuts bread", "bread is baked in the oven", "the garden has flowers",
    "holes in cheese", "a trowel plants flowers", "water boils in a kettle",
]  # fmt: skip


@pytest.fixture
def index(tmp_path, encoder):
    return TextIndex.build(TEXTS, tmp_path / "i", encoder=encoder, source="somewhere")


def test_vectors_words_and_both(index, encoder):
    queries = ["digs in a garden", "bread"]
    vectors, texts = encoder.encode(TEXTS), encoder.encode(queries)
    dense = index.search(queries, 7, mode="dense")
    assert (dense.ids == np.argsort(-(texts @ vectors.T), axis=1)).all()
    words = index.search(queries, 7, mode="bm25")
    assert set(words.ids[1].tolist()) == {1, 2, -1}
    expected = fuse([index._rank("dense", queries, 100), index._rank("bm25", queries, 100)], 3)
    for mode in ("hybrid", "auto"):
        found = index.search(queries, 3, mode=mode)
        np.testing.assert_array_equal(found.ids, expected.positions)
        np.testing.assert_array_equal(found.scores, expected.scores)
    weighted = index.search(queries, 7, fusion="score", weights=[1, 0])
    assert weighted.ids[:, 0].tolist() == dense.ids[:, 0].tolist()


def test_hits_tell_texts(index):
    hits = index.search("cuts bread", 2, mode="bm25").hits(0)
    assert [(hit.id, hit.text, hit.key) for hit in hits] == [(1, TEXTS[1], ""), (2, TEXTS[2], "")]
    assert hits[0].score > hits[1].score > 0
    assert len(index.search("cuts bread", 7, mode="bm25").hits(0)) == 2
    assert index.search([], 3).ids.shape == (0, 3)


def test_vectors_may_be_given(index, encoder):
    assert index.search_vectors(encoder.encode([TEXTS[4]]), 1).hits(0)[0].text == TEXTS[4]
    with pytest.raises(DataError, match="5 dimensions; expected 32"):
        index.search_vectors(np.zeros((1, 5)))


def test_opened_again(index, encoder, encoder_class):
    again = TextIndex.open(index.folder, encoder=encoder)
    assert again.search("bread", 3).ids.tolist() == index.search("bread", 3).ids.tolist()
    assert again.manifest["source"] == "somewhere"
    alone = TextIndex.open(index.folder)
    assert alone.search("bread", 2).ids.tolist() == index.search("bread", 2, mode="bm25").ids.tolist()
    with pytest.raises(ConfigError, match=r"mode is 'dense', but the index '.*' was opened without its encoder"):
        alone.search("bread", mode="dense")
    with pytest.raises(EncoderMismatchError, match="Search with the encoder that made it"):
        TextIndex.open(index.folder, encoder=encoder_class(seed="1"))


def test_own_ids_and_keys(tmp_path, encoder):
    documents = [Document(10 + 5 * i, f"k{i}", text) for i, text in enumerate(TEXTS)]
    for bm25, mode in ((True, "auto"), (False, "dense")):
        index = TextIndex.build(documents, tmp_path / "i", encoder=encoder, bm25=bm25)
        hit = index.search(TEXTS[3], 1, mode=mode).hits(0)[0]
        assert (hit.id, hit.key, hit.text) == (25, "k3", TEXTS[3])
    assert TextIndex.build(documents, tmp_path / "j").search("zebra", 2).ids.tolist() == [[-1, -1]]


def test_a_reranker_orders_the_candidates_anew(index):
    seen = []

    def longest(pairs):
        seen.extend(pairs)
        return np.array([len(text) for _, text in pairs])

    found = index.search(["bread", "garden"], 2, mode="bm25", reranker=longest)
    assert [hit.text for hit in found.hits(0)] == [TEXTS[2], TEXTS[1]]
    assert found.scores[0].tolist() == [len(TEXTS[2]), len(TEXTS[1])]
    assert set(seen) == {("bread", TEXTS[1]), ("bread", TEXTS[2]), ("garden", TEXTS[0]), ("garden", TEXTS[3])}
    assert index.search("zebra", 2, mode="bm25", reranker=longest).ids.tolist() == [[-1, -1]]
    with pytest.raises(DataError, match=r"scores of shape \[3\]; expected \[2\]"):
        index.search("bread", mode="bm25", reranker=lambda pairs: [1, 2, 3])


@pytest.mark.parametrize("what", ["entities", "triples"])
def test_graphs(graph_of, tmp_path, encoder, what):
    graph = graph_of(Triple("trowel", "UsedFor", "digging"), Triple("garden", "HasA", "trowel"))
    index = TextIndex.of_graph(graph, what, tmp_path / "i", encoder=encoder)
    texts = [text for chunk in index.texts.chunks() for text in chunk]
    if what == "entities":
        assert texts == ["digging", "garden", "trowel"]
        assert index.search("trowel", 1).ids[0, 0] == graph.entity_id("trowel")
    else:
        assert texts == ["garden has trowel", "trowel is used for digging"]
        triples = list(graph.triples())
        hit = index.search("used digging", 1).hits(0)[0]
        assert hit.key == " ".join(triples[hit.id][:3])
    assert TextIndex.open(index.folder, graph=graph).manifest["graph"]["fingerprint"] == graph.fingerprint
    other = graph_of(Triple("a", "IsA", "b"))
    with pytest.raises(FingerprintMismatchError, match="Build the index again"):
        TextIndex.open(index.folder, graph=other)


def test_any_damage_is_refused(index, tmp_path, encoder):
    draw = np.random.default_rng(0)
    names = [
        str(p.relative_to(index.folder)) for p in index.folder.rglob("*") if p.is_file() and p.name != "checked.json"
    ]
    assert {"texts.arrow", "vectors/vectors.npy", "manifest.json", "bm25/vocab.index.json"} <= set(names)
    for name in names:
        for damage in ("flip", "cut", "remove"):
            broken = shutil.copytree(index.folder, tmp_path / "broken")
            content = bytearray((broken / name).read_bytes())
            if damage == "flip":
                content[draw.integers(len(content))] ^= 0xFF
            if damage == "cut":
                del content[draw.integers(len(content)) :]
            (broken / name).write_bytes(content)
            if damage == "remove":
                (broken / name).unlink()
            with pytest.raises(RetrievalIndexError, match=r"damaged|missing|cannot be read|is not a|version"):
                TextIndex.open(broken, encoder=encoder)
            shutil.rmtree(broken)


def test_another_version_or_kind(index):
    path = index.folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, "version": 99}), encoding="utf-8")
    with pytest.raises(RetrievalIndexError, match="version 99, this kglm reads version 1; build it again"):
        TextIndex.open(index.folder)
    with pytest.raises(RetrievalIndexError, match="is not a kglm-text-index"):
        TextIndex.open(index.folder / "vectors")


@pytest.mark.parametrize(
    ("texts", "options", "error", "message"),
    [
        ([], {}, DataError, "no texts"),
        (TEXTS, {"bm25": False}, ConfigError, "needs an encoder, or bm25"),
        (TEXTS, {"preset": "hnsw"}, ConfigError, "preset apply to vectors, but there is no encoder"),
        (["a\ud800"], {}, DataError, "lone surrogate"),
        (["the"], {}, DataError, "no text holds a word"),
    ],
)
def test_what_cannot_be_built_leaves_nothing(tmp_path, texts, options, error, message):
    with pytest.raises(error, match=message):
        TextIndex.build(texts, tmp_path / "i", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "sparse"}, "mode is 'sparse'; allowed: auto"),
        ({"k": 0}, "k is 0"),
        ({"pool": 0}, "pool 0"),
        ({"mode": "bm25", "weights": [1, 2]}, "weights apply to the mode 'hybrid'"),
        ({"fusion": "max"}, "fusion is 'max'"),
    ],
)
def test_what_cannot_be_asked(index, options, message):
    with pytest.raises(ConfigError, match=message):
        index.search("bread", **options)


def test_a_part_that_was_not_built(tmp_path, encoder):
    TextIndex.build(TEXTS, tmp_path / "words")
    words = TextIndex.open(tmp_path / "words", encoder=encoder)
    with pytest.raises(ConfigError, match=r"mode is 'hybrid', but the index '.*' was built without vectors"):
        words.search("bread", mode="hybrid")
    with pytest.raises(ConfigError, match="holds no vectors"):
        words.search_vectors(np.zeros((1, 32)))
    vectors = TextIndex.build(TEXTS, tmp_path / "vectors", encoder=encoder, bm25=False)
    with pytest.raises(ConfigError, match="was built without BM25"):
        vectors.search("bread", mode="bm25")
    with pytest.raises(ConfigError, match="open it with its encoder"):
        TextIndex.open(tmp_path / "vectors").search("bread")


def test_importing_it_loads_neither_torch_nor_faiss():
    code = "import sys, kglm.retrieval; print({'torch', 'faiss', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
