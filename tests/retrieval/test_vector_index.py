import shutil
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest

from kglm.errors import (
    ConfigError,
    DataError,
    EncoderMismatchError,
    FingerprintMismatchError,
    MissingExtraError,
    RetrievalIndexError,
)
from kglm.retrieval import VectorIndex
from kglm.retrieval.faiss_library import gpu_count
from kglm.retrieval.faiss_opening import _is_plain_ivf

PLANS = {
    "exact": {"preset": "exact"},
    "hnsw": {"preset": "hnsw"},
    "ivf_pq": {"preset": "ivf_pq"},
    "sq8": {"factory": "IVF8,SQ8", "search": "nprobe=8"},
    "sharded": {"factory": "IVF8,SQ8", "search": "nprobe=8", "shard_size": 400},
    "sharded, transformed, refined": {
        "factory": "PCA8,IVF8,Flat",
        "search": "nprobe=8",
        "shard_size": 700,
        "refine": 9,
    },
    "faiss's own refinement": {"factory": "IVF8,PQ8x4fs,RFlat", "search": "nprobe=8,k_factor_rf=9"},
}


def recall(ids, expected):
    return np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(ids.tolist(), expected.tolist(), strict=True)])


@pytest.fixture(scope="module", params=PLANS)
def index(request, vectors, tmp_path_factory):
    return VectorIndex.build(vectors, tmp_path_factory.mktemp("index") / "i", **PLANS[request.param])


def test_each_kind_finds_the_nearest(index, vectors, queries, naive):
    scores, ids = index.search(queries, 5)
    assert scores.shape == ids.shape == (40, 5)
    assert (scores.dtype, ids.dtype) == (np.float32, np.int64)
    everything = naive(vectors, queries, "cosine")
    assert recall(ids, np.argsort(-everything, axis=1)[:, :5]) > 0.9
    assert (np.diff(scores, axis=1) <= 0).all()
    np.testing.assert_allclose(scores, np.take_along_axis(everything, ids, axis=1), atol=0.05)


def test_one_by_one_is_as_together(index, queries):
    together = index.search(queries, 5)
    for row in range(0, 40, 13):
        alone = index.search(queries[row : row + 1], 5)
        assert (alone.ids[0] == together.ids[row]).all()
        np.testing.assert_allclose(alone.scores[0], together.scores[row], atol=1e-5)


def test_it_lies_in_files_and_may_be_moved(index, queries, tmp_path, capfd):
    moved = shutil.copytree(index.folder, tmp_path / "elsewhere")
    again = VectorIndex.open(moved)
    assert (again.search(queries, 5).ids == index.search(queries, 5).ids).all()
    assert again.plan == index.plan
    assert len(again) == 1500
    assert again.problems() == []
    assert capfd.readouterr().out == ""


def test_threads_search_at_once(index, queries):
    expected = index.search(queries, 5).ids
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: index.search(queries, 5).ids, range(8)):
            assert (found == expected).all()


def test_any_damage_is_refused(index, tmp_path):
    names = [path.name for path in index.folder.iterdir() if path.name != "checked.json"]
    draw = np.random.default_rng(0)
    for name in names:
        for damage in ("flip", "cut", "remove"):
            broken = tmp_path / f"{name}-{damage}"
            shutil.copytree(index.folder, broken)
            path, content = broken / name, bytearray((index.folder / name).read_bytes())
            if damage == "flip":
                content[draw.integers(len(content))] ^= 0xFF
            if damage == "cut":
                del content[draw.integers(len(content)) :]
            path.write_bytes(content)
            if damage == "remove":
                path.unlink()
            with pytest.raises(RetrievalIndexError, match=r"damaged|missing|cannot be read|manifest"):
                VectorIndex.open(broken)


@pytest.mark.parametrize("metric", ["cosine", "inner_product", "l2"])
def test_metrics_are_exact_in_exact_search(vectors, queries, naive, tmp_path, metric):
    index = VectorIndex.build(vectors, tmp_path / "i", preset="exact", metric=metric)
    expected = naive(vectors, queries, metric)
    scores, ids = index.search(queries, 6)
    assert (ids == np.argsort(-expected, axis=1)[:, :6]).all()
    np.testing.assert_allclose(scores, -np.sort(-expected, axis=1)[:, :6], rtol=1e-4, atol=1e-4)


def test_a_stream_is_the_same_as_an_array(vectors, queries, tmp_path):
    alive = []

    def stream():
        for start in range(0, 1500, 100):
            alive.append(start)
            yield vectors[start : start + 100].astype(np.float64)

    streamed = VectorIndex.build(stream(), tmp_path / "a", preset="exact")
    whole = VectorIndex.build(vectors, tmp_path / "b", preset="exact")
    assert len(alive) == 15
    assert (streamed.search(queries).ids == whole.search(queries).ids).all()


def test_a_stream_is_never_held_in_memory(tmp_path):
    chunk = np.random.default_rng(0).standard_normal((2_000, 64), dtype=np.float32)
    tracemalloc.start()
    try:
        index = VectorIndex.build((chunk for _ in range(40)), tmp_path / "i", preset="exact")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(index) == 80_000  # 20 MB
    assert peak < 6 * chunk.nbytes


def test_shards_are_the_same_as_one_piece(vectors, queries, tmp_path, capfd):
    options = {"factory": "IVF8,SQ8", "search": "nprobe=3"}
    whole = VectorIndex.build(vectors, tmp_path / "a", **options)
    merged = VectorIndex.build(vectors, tmp_path / "b", shard_size=333, **options)
    assert (merged.folder / "lists.ivfdata").is_file()
    assert {path.name for path in merged.folder.iterdir()} == {
        "index.faiss", "lists.ivfdata", "list_sizes.npy", "manifest.json", "checked.json",
    }  # fmt: skip
    for found, expected in zip(merged.search(queries), whole.search(queries), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert capfd.readouterr().out == ""


def test_the_same_seed_gives_the_same_index(vectors, queries, tmp_path):
    options = {"factory": "IVF8,PQ4x4", "train_size": 700}
    found = [VectorIndex.build(vectors, tmp_path / n, seed=3, **options).search(queries).scores for n in "ab"]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("plan", ["exact", "hnsw", "sq8"])
def test_own_ids_and_more_asked_for_than_there_are(vectors, tmp_path, plan):
    ids = np.arange(100) * 7 + 10**12
    options = {"factory": "IVF2,SQ8", "search": "nprobe=2"} if plan == "sq8" else PLANS[plan]
    index = VectorIndex.build(vectors[:100], tmp_path / "i", ids=ids, **options)
    result = index.search(vectors[:6], 120)
    assert result.ids[:, 0].tolist() == ids[:6].tolist()
    for row in range(6):
        found = result.ids[row] != -1
        assert set(result.ids[row][found]) <= set(ids.tolist())
        assert not found[100:].any()
        assert np.isneginf(result.scores[row][~found]).all()
        assert len(result.hits(row)) == found.sum()
    assert result.hits(0)[0].id == 10**12


def test_search_parameters_may_be_changed_at_opening(vectors, queries, naive, tmp_path):
    VectorIndex.build(vectors, tmp_path / "i", factory="IVF32,Flat", search="nprobe=1")
    truth = np.argsort(-naive(vectors, queries, "cosine"), axis=1)[:, :5]
    few, all_lists = (VectorIndex.open(tmp_path / "i", search=s).search(queries, 5).ids for s in (None, "nprobe=32"))
    assert recall(all_lists, truth) == 1
    assert recall(few, truth) < 1
    with pytest.raises(ConfigError, match="efSearch"):
        VectorIndex.open(tmp_path / "i", search="efSearch=3")
    with pytest.raises(ConfigError, match="no whole vectors"):
        VectorIndex.open(tmp_path / "i", refine=2)


def test_what_it_was_not_made_for_is_refused(vectors, tmp_path):
    VectorIndex.build(vectors, tmp_path / "i", fingerprint="f" * 64, encoder="e" * 64)
    VectorIndex.open(tmp_path / "i", fingerprint="f" * 64, encoder="e" * 64, dim=16)
    with pytest.raises(
        FingerprintMismatchError, match=r"fingerprint ffffffffffff, .* has 0000.* Build the index again"
    ):
        VectorIndex.open(tmp_path / "i", fingerprint="0" * 64)
    with pytest.raises(
        EncoderMismatchError, match=r"digest eeeeeeeeeeee, but the one of digest 1111.*build the index"
    ):
        VectorIndex.open(tmp_path / "i", encoder="1" * 64)
    with pytest.raises(DataError, match="16 dimensions, but queries have 8"):
        VectorIndex.open(tmp_path / "i", dim=8)


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        (np.zeros((2, 5)), "5 dimensions; expected 16"),
        (np.zeros(16), r"shape \[16\]"),
        (np.full((1, 16), np.nan), "vector 0 holds NaN"),
        (np.full((1, 16), np.inf), "vector 0 holds NaN, infinity"),
    ],
)
def test_wrong_queries(index, queries, message):
    with pytest.raises(DataError, match=message):
        index.search(queries)


def test_no_queries_and_no_results(index):
    assert index.search(np.zeros((0, 16)), 3).ids.shape == (0, 3)
    with pytest.raises(ConfigError, match="k is 0"):
        index.search(np.zeros((1, 16)), 0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"metric": "dot"}, ConfigError, "metric is 'dot'; allowed: cosine"),
        ({"factory": "HSNW32"}, ConfigError, "cannot make an index 'HSNW32' of 16 dimensions"),
        ({"factory": "IVF4000,Flat"}, ConfigError, "cannot be trained on 1,500 vectors"),
        ({"factory": "IVF8,Flat", "train_size": 0}, ConfigError, "train_size is 0"),
        ({"preset": "hnsw", "shard_size": 10}, ConfigError, "cannot merge 'HNSW32,Flat' on disk; allowed: IVF"),
        ({"preset": "ivf_pq", "shard_size": 10}, ConfigError, "cannot merge"),
        ({"ids": np.arange(3)}, DataError, r"shape \[3\].*expected integers \[1500\]"),
        ({"ids": np.arange(1500) - 1}, DataError, "id -1 is negative"),
    ],
)
def test_wrong_options_leave_the_old_index(vectors, queries, tmp_path, options, error, message):
    VectorIndex.build(vectors[:50], tmp_path / "i")
    with pytest.raises(error, match=message):
        VectorIndex.build(vectors, tmp_path / "i", **options)
    assert len(VectorIndex.open(tmp_path / "i")) == 50
    assert [path.name for path in tmp_path.iterdir()] == ["i"]


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([], "no vectors"),
        ([np.zeros((0, 4))], "no vectors"),
        ([np.ones((2, 4)), np.ones((2, 5))], "5 dimensions; expected 4"),
        ([np.ones((2, 4)), np.array([[1, 2, 3, 4], [1, np.nan, 1, 1]])], "vector 3 holds NaN"),
    ],
)
def test_wrong_vectors(chunks, message, tmp_path):
    with pytest.raises(DataError, match=message):
        VectorIndex.build(iter(chunks), tmp_path / "i")
    assert list(tmp_path.iterdir()) == []


def test_nothing_else_is_overwritten(vectors, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match="holds something other than an index"):
        VectorIndex.build(vectors, tmp_path / "notes")
    assert (tmp_path / "notes" / "a.txt").read_text(encoding="utf-8") == "mine"


def test_a_folder_without_an_index(tmp_path):
    with pytest.raises(RetrievalIndexError, match=r"holds no index \(manifest.json is missing\)"):
        VectorIndex.open(tmp_path)


def test_without_faiss_the_extra_is_named(vectors, tmp_path, monkeypatch):
    VectorIndex.build(vectors, tmp_path / "i")
    monkeypatch.setitem(sys.modules, "faiss", None)
    for call in (
        lambda: VectorIndex.build(vectors, tmp_path / "j"),
        lambda: VectorIndex.open(tmp_path / "i").search(vectors),
    ):
        with pytest.raises(MissingExtraError, match=r"needs faiss, which is not installed; .*'kglm\[cpu\]'"):
            call()


@pytest.mark.skipif(hasattr(faiss, "StandardGpuResources"), reason="this faiss has GPU support")
def test_a_gpu_is_refused_where_faiss_has_no_support(index):
    with pytest.raises(ConfigError, match=r"no GPU support; install it with pip install 'kglm\[gpu\]'"):
        VectorIndex.open(index.folder, gpu=0)


@pytest.mark.gpu
@pytest.mark.parametrize("plan", ["exact", "sq8"])
def test_on_a_gpu_the_same_is_found(vectors, queries, tmp_path, plan):
    if not gpu_count():
        pytest.skip("faiss sees no GPU")
    index = VectorIndex.build(vectors, tmp_path / "i", **PLANS[plan])
    there = VectorIndex.open(index.folder, gpu=0)
    assert recall(there.search(queries, 5).ids, index.search(queries, 5).ids) > 0.95
    with pytest.raises(ConfigError, match=f"GPU {gpu_count()} does not exist"):
        VectorIndex.open(index.folder, gpu=gpu_count())


@pytest.mark.parametrize(
    ("factory", "plain"),
    [
        ("IVF16,Flat", True),
        ("OPQ16,IVF16_HNSW32,PQ16", True),
        ("IVF16,PQ8x4fs", False),
        ("IVF16,PQ8,RFlat", False),
        ("IVF16,PQ8,Refine(SQ8)", False),
        ("HNSW32,Flat", False),
        ("SQ8", False),
    ],
)
def test_which_indexes_are_but_inverted_lists(factory, plain):
    assert _is_plain_ivf(factory) == plain
