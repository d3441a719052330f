import numpy as np
import pytest
from made_runs import write_run

from kglm.errors import DataError, UnknownNameError
from kglm.inspection.report.experiments import group_runs
from kglm.inspection.report.runs import find_runs
from kglm.inspection.report.slices import Slice
from kglm.inspection.report.summary import summarize
from kglm.inspection.report.tables import report_tables, to_markdown


@pytest.fixture
def experiments(tmp_path):
    generator = np.random.default_rng(0)
    for seed in range(3):
        base = generator.random(60) < 0.5
        write_run(tmp_path / f"text{seed}", base, seed=seed)
        write_run(tmp_path / f"kagnet{seed}", base | (generator.random(60) < 0.6), name="kag|net", seed=seed)
    return group_runs(find_runs(sorted(tmp_path.iterdir())))


def test_figures_are_those_of_the_predictions(experiments):
    half = Slice("hops", "1 hop", frozenset(f"q{n}" for n in range(30)))
    none = Slice("hops", "2 hops", frozenset({"elsewhere"}))
    summary = summarize(experiments, "test", baseline="text", slices=[half, none])
    assert [row.name for row in summary.experiments] == ["text", "kag|net"]
    text, kagnet = summary.experiments
    ids = [f"q{n}" for n in range(60)]
    correct = next(one for one in experiments if one.name == "text").correctness("test", ids)
    assert text.score.mean == pytest.approx(correct.mean())
    assert text.score.deviation == pytest.approx(correct.mean(axis=1).std(ddof=1))
    assert text.difference is None
    assert kagnet.difference.mean == pytest.approx(kagnet.score.mean - text.score.mean)
    assert kagnet.difference.p_value < 0.05
    assert [(cut.name, cut.score.questions) for cut in text.slices] == [("1 hop", 30)]
    assert text.slices[0].score.mean == pytest.approx(correct[:, :30].mean())


def test_markdown_holds_every_figure_and_no_broken_row(experiments):
    half = Slice("hops", "1 hop", frozenset(f"q{n}" for n in range(30)))
    summary = summarize(experiments, "test", baseline="text", slices=[half])
    text = to_markdown(report_tables(summary))
    row = next(line for line in text.splitlines() if line.startswith("| kag\\|net | 3 |"))
    assert f"{100 * summary.experiments[1].score.mean:.1f} ±" in row
    assert f"{100 * summary.experiments[1].difference.mean:+.1f}" in row
    for block in text.strip().split("\n\n"):
        lines = [line.replace("\\|", "") for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1
    assert "### Accuracy by hops" in text
    assert "1 hop (30)" in text


def test_what_cannot_be_compared_is_refused(experiments, tmp_path):
    with pytest.raises(UnknownNameError, match="unknown experiment 'txt'"):
        summarize(experiments, "test", baseline="txt")
    write_run(tmp_path / "other", [1, 0], name="other")
    with pytest.raises(DataError, match="answered different questions"):
        summarize([*experiments, *group_runs(find_runs([tmp_path / "other"]))], "test")
    write_run(tmp_path / "empty", [], name="empty")
    with pytest.raises(DataError, match="no labelled question in split 'test'"):
        summarize(group_runs(find_runs([tmp_path / "empty"])), "test")
