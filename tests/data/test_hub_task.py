import json

import pytest

from kglm.data.hub_task import HubTask, example_of_row
from kglm.errors import BadQuestionError, ConfigError, DataError

pytest.importorskip("datasets", reason="the extra 'datasets' is not installed")

CHOICES = {"label": ["A", "B"], "text": ["yes", "no"]}


def row(name, field="question", **changes):
    return {"id": name, field: f"question {name}?", "choices": CHOICES, "answerKey": "B", **changes}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in the Hub's layout: one file a split."""
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    splits = {
        "train": [row(name, question_concept="thing") for name in "abc"],
        "validation": [row("d")],
        "test": [row("e", answerKey="")],
    }
    for split, rows in splits.items():
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    return tmp_path


def task(folder, **changes):
    fields = {"train": "train", "dev": "validation", "test": "test", "subset": None, **changes}
    return HubTask(name="t", dataset=str(folder), **fields)


def test_splits_are_read(folder):
    splits = task(folder).load()
    assert {name: [one.id for one in found] for name, found in splits.items()} == {
        "train": ["a", "b", "c"], "dev": ["d"], "test": ["e"],
    }  # fmt: skip
    first, last = splits["train"][0], splits["test"][0]
    assert (first.question, first.choices, first.label) == ("question a?", ("yes", "no"), 1)
    assert first.question_concept == "thing"
    assert last.label is None


def test_the_last_training_questions_can_be_set_aside(folder):
    splits = task(folder, dev=None, dev_size=1, test="validation").load()
    assert [[one.id for one in splits[name]] for name in ("train", "dev", "test")] == [["a", "b"], ["c"], ["d"]]
    with pytest.raises(ConfigError, match="dev_size"):
        task(folder, dev_size=1)


def test_openbookqas_name_of_the_question_is_known():
    assert example_of_row(row("a", field="question_stem")).question == "question a?"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"choices": {"label": ["A"], "text": ["yes", "no"]}}, ValueError),
        ({"choices": None}, TypeError),
        ({"answerKey": "C"}, ValueError),
        ({"question": None}, TypeError),
        ({"id": 3}, TypeError),
        ({"question": " "}, BadQuestionError),
    ],
)
def test_a_malformed_row_is_refused(changes, error):
    with pytest.raises(error):
        example_of_row(row("a", **changes))


def test_errors_tell_where(folder):
    with pytest.raises(DataError, match="split 'nosuch' of data set"):
        task(folder, train="nosuch").load()
    (folder / "test.jsonl").write_text(json.dumps(row("e", answerKey="Z")) + "\n")
    with pytest.raises(DataError, match=r"row 0 of split 'test' of data set .* is no question"):
        task(folder).load()
