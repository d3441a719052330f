import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.data.entity_inputs import encode_linked
from kglm.data.entity_names import EntityNames
from kglm.data.relation_examples import MARKERS, hash_share, mark_relation, read_relations, split_by_hash
from kglm.data.relation_task import RelationTask
from kglm.errors import ConfigError, DataError, UnknownNameError
from kglm.kg.records import Triple

WORDS = ["New", "York", "\n ", "borders", "New", "Jersey", "."]
WIKI80 = {
    "token": WORDS,
    "h": {"name": "x", "id": "Q1", "pos": [0, 2]},
    "t": {"id": "Q2", "pos": [4, 6]},
    "relation": "r",
}
FEWREL = {"r": [{"tokens": WORDS, "h": ["x", "Q1", [[0, 1]]], "t": ["y", "Q2", [[4, 5], [0]]]}]}


def write_relations(path, count=40):
    """Sentences about the entities Q0 to Q4, in wiki80's format."""
    with open(path, "w") as file:
        for i in range(count):
            head, tail = f"Q{i % 5}", f"Q{(i + 1 + i // 5) % 5}"
            words = [f"w{i}", head.lower(), ("borders", "made")[i % 2], "the", tail.lower(), "."]
            row = {
                "token": words,
                "h": {"id": head, "pos": [1, 2]},
                "t": {"id": tail, "pos": [4, 5]},
                "relation": ("borders", "made by")[i % 2],
            }
            file.write(json.dumps(row) + "\n")


@pytest.mark.parametrize("content", [json.dumps(WIKI80) + "\n", json.dumps(FEWREL), json.dumps(FEWREL, indent=1)])
def test_both_formats_are_the_same_sentence(tmp_path, content):
    path = tmp_path / "relations.json"
    path.write_text(content)
    [example] = read_relations(path)
    assert example.text == "New York borders New Jersey ."
    assert example.text[slice(*example.head)] == "New York"
    assert example.text[slice(*example.tail)] == "New Jersey"
    assert (example.entities, example.relation) == (("Q1", "Q2"), "r")


def test_mentions_are_marked_and_linked(tmp_path, graph_of, tokenizer):
    path = tmp_path / "relations.json"
    path.write_text(json.dumps(WIKI80))
    [example] = read_relations(path)
    names = EntityNames(graph_of(Triple("Q2", "r", "Q3")))
    marked = mark_relation(example, "symbols", names)
    assert marked.text == "@ New York @ borders # New Jersey # ."
    [mention] = marked.mentions
    assert (mention.text, mention.candidates[0].entity) == ("New Jersey", names.find("Q2"))
    assert mark_relation(example, "none", None).text == example.text
    assert mark_relation(example, "tokens", None).text.startswith("[HEAD] New York [/HEAD] borders [TAIL] New")
    [encoded] = encode_linked([marked], tokenizer, 64)
    first, last = encoded.spans[0]
    said = tokenizer.decode(encoded.input_ids[first:last]).replace(" ", "").replace("##", "")
    assert said.casefold().replace("<unk>", "j") == "newjersey"


def test_new_marker_tokens_are_one_token_each(tiny_encoder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    markers = [marker for pair in MARKERS["tokens"] for marker in pair]
    tokenizer.add_special_tokens({"extra_special_tokens": markers})
    tokens = tokenizer.tokenize("[HEAD] New York [/HEAD] borders [TAIL] x [/TAIL]")
    assert [token for token in tokens if token in markers] == markers


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no sentence"),
        ('{"token": ["a"]}', r"relations.json:1: not a sentence of wiki80's format \(no field 'h'\)"),
        (json.dumps({**WIKI80, "t": {"id": "Q2", "pos": [6, 9]}}), "the words 6 to 9 of 7"),
        (json.dumps({**WIKI80, "t": {"id": "Q2", "pos": [2, 3]}}), "a mention is empty"),
        (json.dumps({"r": [{"tokens": ["a"], "h": ["x", "Q", []]}]}), "sentence 0 of relation 'r' is not of FewRel"),
        ("{\n", "is neither JSON lines nor one JSON object"),
    ],
)
def test_mistakes_are_named(tmp_path, content, message):
    path = tmp_path / "relations.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_relations(path)


@given(st.lists(st.text(), max_size=20))
def test_the_split_is_a_texts_own(texts):
    from kglm.data.relation_examples import RelationExample

    examples = [RelationExample(str(i), text, (0, 1), (0, 1), ("a", "b"), "r") for i, text in enumerate(texts)]
    parts = split_by_hash(examples, {"a": 0.6, "b": 0.2, "c": 0.2})
    assert sorted(example.id for part in parts.values() for example in part) == sorted(e.id for e in examples)
    for example in examples:
        share = hash_share(example.text)
        assert example in parts["a" if share < 0.6 else "b" if share < 0.8 else "c"]


def test_the_parts_of_a_task_share_no_sentence(tmp_path):
    write_relations(tmp_path / "all.json")
    write_relations(tmp_path / "dev.json", 20)
    task = RelationTask(name="x", train=str(tmp_path / "all.json"), dev=str(tmp_path / "dev.json"))
    parts = task.load()
    assert (len(parts["train"]), len(parts["dev"]) + len(parts["test"])) == (20, 20)
    alone = RelationTask(name="x", train=str(tmp_path / "all.json")).load()
    texts = [example.text for part in alone.values() for example in part]
    assert len(texts) == len(set(texts)) == 40
    with pytest.raises(ConfigError, match="a file 'test' but none 'dev'"):
        RelationTask(name="x", train="a", test="b")
    with pytest.raises(UnknownNameError, match="kind of markers 'symbol'; did you mean 'symbols'"):
        RelationTask(name="x", train="a", markers="symbol")


def test_several_files_are_one_task_and_relations_get_their_names(tmp_path):
    write_relations(tmp_path / "a.json", 20)
    write_relations(tmp_path / "b.json")
    (tmp_path / "names.json").write_text(json.dumps({"made by": ["creator", "who made it"]}))
    files = (str(tmp_path / "a.json"), str(tmp_path / "b.json"))
    parts = RelationTask(name="x", train=files, relation_names=str(tmp_path / "names.json")).load()
    found = [example for part in parts.values() for example in part]
    assert sorted(example.text for example in found) == sorted(e.text for e in read_relations(files[1]))
    assert sum(example.id.startswith("a.json") for example in found) == 20
    assert {example.relation for example in found} == {"borders", "creator"}
    for text, message in (("[]", "holds list"), ('{"r": "x"}', "relation 'r' has 'x'"), ("x", "is not JSON")):
        (tmp_path / "names.json").write_text(text)
        with pytest.raises(DataError, match=message):
            RelationTask(name="x", train=files, relation_names=str(tmp_path / "names.json")).load()


def test_over_the_folds_each_sentence_is_tested_once(tmp_path):
    write_relations(tmp_path / "all.json", 60)
    folds = [RelationTask(name="x", train=str(tmp_path / "all.json"), fold=fold).load() for fold in range(5)]
    for part in ("dev", "test"):
        assert sorted(e.id for parts in folds for e in parts[part]) == sorted(
            e.id for e in read_relations(tmp_path / "all.json")
        )
    for parts, following in itertools.pairwise(folds):
        assert [e.id for e in parts["dev"]] == [e.id for e in following["test"]]
    with pytest.raises(ConfigError, match=r"relations.fold is 5; allowed: a whole number from 0 to 4"):
        RelationTask(name="x", train="a", fold=5)
    with pytest.raises(ConfigError, match="the task has a file 'dev'"):
        RelationTask(name="x", train="a", dev="b", fold=1)


def test_only_linked_sentences_and_slices(tmp_path, graph_of):
    write_relations(tmp_path / "all.json")
    names = EntityNames(graph_of(Triple("Q1", "r", "Q2"), Triple("Q3", "r", "Q2")))
    task = RelationTask(name="x", train=str(tmp_path / "all.json"))
    examples = read_relations(task.train)
    labels = task.labels({"train": examples})
    assert labels == ["borders", "made by"]
    rows = task.examples(examples, labels, names)
    assert len(rows) == 40
    for row, example in zip(rows, examples, strict=True):
        known = sum(name in ("Q1", "Q2", "Q3") for name in example.entities)
        assert row.slice.startswith(("no ", "one ", "both ")[known])
        assert len(row.text.mentions) == known
    only = RelationTask(name="x", train=task.train, linked_only=True)
    assert {row.slice for row in only.examples(examples, labels, names)} == {"both entities linked"}
    with pytest.raises(ConfigError, match="needs a graph"):
        only.examples(examples, labels, None)
    with pytest.raises(UnknownNameError, match="negative relation"):
        RelationTask(name="x", train="a", negative="none").labels({"train": examples})


@pytest.mark.data
def test_wiki80_and_fewrel_of_the_data_folder(data_dir):
    train = read_relations(data_dir / "wiki80" / "train_0.1.txt")
    assert (len(train), len({example.relation for example in train})) == (80 * 49, 80)
    fewrel = read_relations(data_dir / "fewrel" / "val_wiki.json")
    assert (len(fewrel), len({example.relation for example in fewrel})) == (16 * 700, 16)
    task = RelationTask(
        name="wiki80",
        train=str(data_dir / "wiki80" / "train_0.1.txt"),
        dev=str(data_dir / "wiki80" / "dev.txt"),
    )
    parts = task.load()
    assert len(parts["dev"]) + len(parts["test"]) == 80 * 70
    assert abs(len(parts["dev"]) - 2800) < 200
