import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import DataError
from kglm.linking.evaluation.sense_tagged import part_of_speech, read_sense_tagged

tokens = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=1, max_size=6)


def write(path, *rows):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def test_semcor_and_the_evaluation_sets_are_read(tmp_path):
    path = write(
        tmp_path / "text.jsonl",
        {
            "id": "brown1.br-a01.s1",
            "tokens": ["The", "Fulton_County", "did", "well", "."],
            "senses": [
                [1, "group", "NNP", "group%1:03:00::", "n00031264", "group"],
                [2, "Do", "VB", "do%2:36:01::|do%2:36:02::", "v1|v2"],
                [3, "well", "RB", "old%4:02:00::", ""],
            ],
        },
        {"id": "d000.s001", "tokens": ["ran"], "senses": [[0, "run", "VERB", "k", "v3", "d000.s001.t000"]]},
    )
    first, second = read_sense_tagged(path)
    assert first.text == "The Fulton County did well ."
    assert [first.text[word.start : word.end] for word in first.words] == ["Fulton County", "did", "well"]
    assert [word[2:] for word in first.words] == [
        ("group", "n", ("n00031264",), ""),
        ("do", "v", ("v1", "v2"), ""),
        ("well", "r", (), ""),
    ]
    assert (first.document, second.document) == ("brown1.br-a01", "d000")
    assert second.words[0][2:] == ("run", "v", ("v3",), "d000.s001.t000")
    packed = tmp_path / "text.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_sense_tagged(packed) == [first, second]


@given(tokens)
def test_places_are_those_of_the_tokens(tmp_path_factory, words):
    senses = [[index, "x", "NN", "k", "n1"] for index in range(len(words))]
    path = write(tmp_path_factory.mktemp("any") / "t.jsonl", {"id": "d.s", "tokens": words, "senses": senses})
    (sentence,) = read_sense_tagged(path)
    assert [sentence.text[word.start : word.end] for word in sentence.words] == [w.replace("_", " ") for w in words]
    assert sentence.text == " ".join(words).replace("_", " ")


@pytest.mark.parametrize(
    "line",
    ["[", "{}", '{"id": "a.b", "tokens": ["x"], "senses": [[1, "x", "NN", "k", "n1"]]}',
     '{"id": "a.b", "tokens": ["x"], "senses": [[0, "x", "ZZ", "k", ""]]}',
     '{"id": "a.b", "tokens": ["x"], "senses": [[0, "x"]]}', '{"id": 7, "tokens": [], "senses": []}'],
)  # fmt: skip
def test_a_malformed_line_is_refused_with_its_number(tmp_path, line):
    path = tmp_path / "text.jsonl"
    path.write_text('{"id": "a.a", "tokens": [], "senses": []}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"text\.jsonl.*2.*no sense-tagged sentence"):
        read_sense_tagged(path)


def test_nothing_and_damage_are_refused(tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(DataError, match="has no sentence"):
        read_sense_tagged(tmp_path / "empty.jsonl")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"id": 1}' * 99)[:-9])
    with pytest.raises(DataError, match="cannot be read"):
        read_sense_tagged(tmp_path / "cut.jsonl.gz")
    with pytest.raises(DataError, match="missing"):
        read_sense_tagged(tmp_path / "missing.jsonl")


@pytest.mark.parametrize(
    ("tag", "pos"),
    [("NOUN", "n"), ("NNP", "n"), ("VBD", "v"), ("JJ", "a"), ("ADJ", "a"), ("ADV", "r"), ("RB", "r")],
)
def test_parts_of_speech(tag, pos):
    assert part_of_speech(tag) == pos


@pytest.mark.data
def test_the_dev_set_is_whole(data_dir):
    sentences = read_sense_tagged(data_dir / "wsd_eval" / "semeval2007.jsonl")
    words = [word for sentence in sentences for word in sentence.words]
    assert (len(sentences), len(words)) == (135, 455)
    assert len({word.id for word in words}) == 455
    assert {word.pos for word in words} == {"n", "v"}
