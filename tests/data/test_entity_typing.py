import json

import pytest

from kglm.data.entity_names import EntityNames
from kglm.data.entity_typing import read_typing, to_classification, typing_labels
from kglm.errors import DataError
from kglm.kg.records import Triple

ROW = {"sent": "He met Ada Lovelace in London.", "start": 7, "end": 19, "labels": ["person", "woman"],
       "ents": [["Q1", 7, 19, 0.8], ["Q2", 23, 29, 0.9], ["Q3", 0, 2, 0.1]]}  # fmt: skip


@pytest.mark.parametrize("content", [json.dumps([ROW]), json.dumps([ROW], indent=2), json.dumps(ROW) + "\n"])
def test_both_layouts(tmp_path, content):
    path = tmp_path / "typing.json"
    path.write_text(content)
    [example] = read_typing(path)
    assert example.text[slice(*example.span)] == "Ada Lovelace"
    assert example.types == ("person", "woman")
    assert example.entities[1] == ("Q2", 23, 29)


def test_the_mention_is_marked_and_links_stay_in_place(tmp_path, graph_of):
    path = tmp_path / "typing.json"
    path.write_text(json.dumps([ROW, {**ROW, "ents": [], "labels": ["new"]}]))
    examples = read_typing(path)
    labels = typing_labels(examples[:1])
    names = EntityNames(graph_of(Triple("Q1", "r", "Q2")))
    first, second = to_classification(examples, labels, names)
    assert first.text.text == "He met # Ada Lovelace # in London."
    assert [mention.text for mention in first.text.mentions] == ["Ada Lovelace", "London"]
    assert (first.label, first.slice) == ((1, 1), "mention linked")
    assert (second.label, second.slice) == ((0, 0), "mention not linked")
    assert to_classification(examples, labels, None)[0].text.mentions == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "has no example"),
        (json.dumps([{"sent": "x"}]), r"typing.json:1: not an example .*no field 'start'"),
        (json.dumps([{**ROW, "end": 99}]), "the characters 7 to 99 of a text of 30"),
        ("[1", "is not JSON"),
    ],
)
def test_mistakes_are_named(tmp_path, content, message):
    path = tmp_path / "typing.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_typing(path)
