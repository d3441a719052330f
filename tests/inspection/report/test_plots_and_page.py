import xml.etree.ElementTree as ElementTree

import numpy as np
from made_runs import write_run

from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.inference.answer import Answer, ChoiceScore, EvidencePath
from kglm.inspection.report.experiments import group_runs
from kglm.inspection.report.mistakes import Mistake
from kglm.inspection.report.page import render_report
from kglm.inspection.report.plots import report_plots
from kglm.inspection.report.runs import find_runs
from kglm.inspection.report.slices import Slice
from kglm.inspection.report.summary import summarize
from kglm.inspection.report.tables import report_tables


def made(tmp_path):
    generator = np.random.default_rng(0)
    for seed in range(2):
        write_run(tmp_path / f"a{seed}", generator.random(20) < 0.5, seed=seed)
        write_run(tmp_path / f"b{seed}", generator.random(20) < 0.7, name="<b>&", seed=seed)
    experiments = group_runs(find_runs(sorted(tmp_path.iterdir())))
    half = Slice("hops", "1 hop", frozenset(f"q{n}" for n in range(10)))
    return experiments, summarize(experiments, "test", slices=[half])


def test_plots_are_svg_and_repeat(tmp_path):
    experiments, summary = made(tmp_path)
    plots = report_plots(experiments, summary)
    assert list(plots) == ["Learning curves", "Calibration", "Accuracy by hops"]
    for svg in plots.values():
        assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert report_plots(experiments, summary) == plots


def test_the_page_escapes_all_text_and_shows_mistakes(tmp_path):
    _, summary = made(tmp_path)
    path = EvidencePath("B", ("dig", "<spade>"), ("dig", "<spade>"), (("UsedFor",),), 0.5, "dig ← <spade>", "…")
    choices = (ChoiceScore("A", "trowel", 0.0, 0.2), ChoiceScore("B", "<spade>", 1.0, 0.8))
    answer = Answer("q1", "dig <script>?", choices, 1, paths=(path,), notes=("a & b",))
    example = MultipleChoiceExample("q1", "dig <script>?", ("trowel", "<spade>"), ("A", "B"), 0)
    page = render_report("<title>", report_tables(summary), {}, {"<b>&": [Mistake(example, "trowel", 0.2, answer)]})
    assert "<script" not in page
    assert "<b>" not in page
    assert "dig ← &lt;spade&gt;" in page
    assert 'class="right">A trowel' in page
    assert 'class="chosen">B &lt;spade&gt;' in page
    assert "a &amp; b" in page
    assert "Worst mistakes" not in render_report("t", report_tables(summary), {}, {"text": []})
