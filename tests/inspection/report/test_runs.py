import json

import pytest
from made_runs import write_run

from kglm.errors import DataError
from kglm.inspection.report.experiments import group_runs
from kglm.inspection.report.runs import find_runs


def test_what_is_no_question_run_is_passed_over(tmp_path):
    write_run(tmp_path / "qa", [1])
    (tmp_path / "kge").mkdir()
    (tmp_path / "kge" / "metrics.json").write_text('{"mrr": 0.3}')
    assert [run.name for run in find_runs([tmp_path])] == ["text"]


def test_unlabelled_questions_are_left_out(tmp_path):
    folder = write_run(tmp_path / "run", [1, 0])
    path = folder / "predictions_test.jsonl"
    row = json.loads(path.read_text().splitlines()[0])
    path.write_text(path.read_text() + json.dumps({**row, "id": "q9", "label": None}) + "\n")
    (run,) = find_runs([folder])
    assert [row.id for row in run.predictions("test")] == ["q0", "q1"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "config.json").write_text("{"), "config.json:1: not JSON"),
        (lambda run: (run / "config.json").write_text("[]"), "is no configuration of a run"),
        (lambda run: (run / "config.json").unlink(), "config.json' cannot be read"),
        (lambda run: (run / "metrics.jsonl").write_text('{}\n{"a"'), "metrics.jsonl:2: not JSON"),
        (lambda run: (run / "predictions_test.jsonl").write_bytes(b"\xff"), "cannot be read"),
        (lambda run: (run / "predictions_test.jsonl").write_text('{"id": "q0"}\n'), "jsonl:1: not a prediction"),
        (lambda run: (run / "predictions_test.jsonl").write_text(""), "no prediction for question 'q0'"),
    ],
)
def test_damage_is_told_with_its_place(tmp_path, damage, message):
    run = write_run(tmp_path / "run", [1, 0])
    damage(run)
    with pytest.raises(DataError, match=message):
        group_runs(find_runs([run]))[0].correctness("test", ["q0"])


def test_nothing_to_report_on_is_told(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        find_runs([tmp_path / "nowhere"])
    with pytest.raises(DataError, match="holds no finished run"):
        find_runs([tmp_path])
