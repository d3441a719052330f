import json

import pytest

from kglm.inspection.report.runs import find_runs


@pytest.fixture
def text_run(kglm, tmp_path, quick):
    outcome = kglm("train", "experiment=csqa_text", "task.dev_size=8", *quick, "run_dir=text")
    assert outcome.code == 0, outcome.err
    return tmp_path / "text"


def test_a_report_on_real_runs(kglm, tmp_path, trained, text_run, compiled):
    places = (str(text_run), str(trained))
    outcome = kglm("report", *places, "--out", "out", "--graph", str(compiled), "--mistakes", "2")
    assert outcome.code == 0, outcome.err
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {"report.md", "report.html", "report.json"}
    assert (tmp_path / "out" / "report.md").read_text() == outcome.out
    figures = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [row["name"] for row in figures["experiments"]] == ["csqa_text", "csqa_kagnet"]
    for row, place in zip(figures["experiments"], places, strict=True):
        (run,) = find_runs([place])
        assert row["score"]["mean"] == pytest.approx(run.metrics["splits"]["test"]["accuracy"])
    assert "### Accuracy by direct edge" in outcome.out
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Worst mistakes of csqa_kagnet" in page
    assert page.count("<article>") == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "folder of runs 'nowhere' does not exist"),
        (("{trained}", "--split", "train"), "did not report on split 'train' (it has: dev, test)"),
        (("{trained}", "--baseline", "x"), "unknown experiment 'x'"),
        (("{trained}", "--graph", "nograph"), "there is no graph 'nograph'"),
        (("{trained}", "--mistakes", "1"), "name a folder for it with --out"),
        (("{trained}", "--out", "{trained}/config.json"), "is a file, not a folder"),
    ],
)
def test_wrong_input_is_refused(kglm, tmp_path, trained, arguments, message):
    outcome = kglm("report", *(argument.format(trained=trained) for argument in arguments))
    assert outcome.code == 1
    assert message in outcome.err
    assert outcome.out == ""
    assert list(tmp_path.iterdir()) == []
