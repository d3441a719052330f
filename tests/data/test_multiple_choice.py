import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.data.multiple_choice import MultipleChoiceExample, read_examples
from kglm.errors import BadQuestionError, DataError

ROW = {
    "id": "q1",
    "question": {
        "stem": "What do I dig with?",
        "question_concept": "dig",
        "choices": [{"label": "A", "text": "trowel"}, {"label": "B", "text": "pillow"}],
    },
    "answerKey": "A",
}


def changed(**changes):
    row = json.loads(json.dumps(ROW))
    for key, value in changes.items():
        (row if key in row else row["question"])[key] = value
    return row


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_reads_the_commonsense_qa_shape(tmp_path):
    (example,) = read_examples(write(tmp_path / "q.jsonl", ROW))
    assert example == MultipleChoiceExample(
        "q1", "What do I dig with?", ("trowel", "pillow"), ("A", "B"), label=0, question_concept="dig"
    )


def test_reads_gzip_and_passes_over_empty_lines(tmp_path):
    path = tmp_path / "q.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as handle:
        handle.write("\n" + json.dumps(ROW) + "\n\n")
    assert [example.id for example in read_examples(path)] == ["q1"]


def test_a_question_without_a_key_has_no_label(tmp_path):
    row = {key: value for key, value in ROW.items() if key != "answerKey"}
    assert read_examples(write(tmp_path / "q.jsonl", row))[0].label is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (changed(answerKey="Z"), "answerKey 'Z' is none of"),
        (changed(stem="  "), "the question is empty"),
        (changed(choices=ROW["question"]["choices"][:1]), "1 choice"),
        (changed(choices=[{"label": chr(65 + i), "text": f"c{i}"} for i in range(11)]), "11 choice"),
        (changed(choices=[{"label": "A", "text": ""}, {"label": "B", "text": "b"}]), "choice 1 is empty"),
        (changed(choices=[{"label": "A", "text": 3}, {"label": "B", "text": "b"}]), "3 is not text"),
        (changed(choices=[{"label": "A", "text": "a"}, {"label": "A", "text": "b"}]), "expected different ones"),
        (changed(choices="trowel"), "not a question"),
        ({"id": "q1"}, "question"),
        ([1, 2], "not a question"),
    ],
)
def test_a_malformed_question_is_named_with_its_line(tmp_path, row, message):
    path = write(tmp_path / "q.jsonl", changed(id="q0"), row)
    with pytest.raises(DataError, match=message) as raised:
        read_examples(path)
    assert f"{path}:2:" in str(raised.value)


def test_a_line_that_is_not_json_is_named_with_its_column(tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_text('{"id": \n')
    with pytest.raises(DataError, match=r"q.jsonl:1: not JSON .* column"):
        read_examples(path)


def test_repeated_ids_and_empty_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="'q1' stands twice"):
        read_examples(write(tmp_path / "twice.jsonl", ROW, ROW))
    with pytest.raises(DataError, match="holds no question"):
        read_examples(write(tmp_path / "empty.jsonl"))


def test_a_missing_file_proposes_its_neighbour(tmp_path):
    write(tmp_path / "train.jsonl", ROW)
    with pytest.raises(DataError, match=r"did you mean 'train.jsonl'"):
        read_examples(tmp_path / "tran.jsonl")


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_but_data_errors(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "q.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError):
        read_examples(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["id", "question", "answerKey", "stem", "choices"]), json_values)
def test_any_value_in_any_field_is_read_or_refused(tmp_path_factory, field, value):
    path = write(tmp_path_factory.mktemp("fuzz") / "q.jsonl", changed(**{field: value}))
    try:
        examples = read_examples(path)
    except DataError:
        return
    assert len(examples) == 1
    assert 2 <= len(examples[0].choices) <= 10


def test_a_file_may_repeat_a_choice_as_commonsense_qa_does(tmp_path):
    choices = [{"label": "A", "text": "jewelry box"}, {"label": "B", "text": "jewelry box"}]
    row = {**changed(choices=choices), "answerKey": None}
    assert read_examples(write(tmp_path / "q.jsonl", row))[0].choices == ("jewelry box", "jewelry box")


def test_a_users_own_question_gets_letters():
    example = MultipleChoiceExample.from_texts("Why?", ["yes", "no", "maybe"])
    assert example.choice_labels == ("A", "B", "C")
    assert example.label is None


@pytest.mark.parametrize(
    ("question", "choices", "message"),
    [
        ("", ["a", "b"], "the question is empty"),
        ("Why?", ["a"], "1 choice"),
        ("Why?", ["a", " "], "choice 2 is empty"),
        ("Why?", ["a", "A "], "'a' stands twice"),
    ],
)
def test_a_users_bad_question_says_what_is_wrong(question, choices, message):
    with pytest.raises(BadQuestionError, match=message):
        MultipleChoiceExample.from_texts(question, choices)
