"""``kglm report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kglm.cli.settings import task
from kglm.errors import ConfigError, DataError, require_file_place
from kglm.files import atomic_write_json, atomic_write_text

if TYPE_CHECKING:
    from kglm.data.multiple_choice import MultipleChoiceExample
    from kglm.inspection.report.experiments import Experiment
    from kglm.inspection.report.slices import Slice

REPORT_MD, REPORT_HTML, REPORT_JSON = "report.md", "report.html", "report.json"


def write_report(
    places: Sequence[Path],
    folder: Path | None,
    *,
    split: str,
    baseline: str | None,
    graph: str | None,
    mistakes: int,
) -> str:
    """Return the report on finished runs as Markdown; write it as Markdown, HTML and JSON where a folder is given.

    Args:
        places: folders of runs.
        folder: gets ``report.md``, ``report.html`` and ``report.json``.
        split: the split of the task to report on.
        baseline: experiment that the others are compared with; the first one found by default.
        graph: cuts the questions into slices; None makes no slices.
        mistakes: how many of each experiment's worst mistakes the page shows.

    Raises:
        KglmError: runs are missing, damaged or of different tasks; there is no such graph, split or baseline.
    """
    from kglm.inspection.report.experiments import group_runs
    from kglm.inspection.report.mistakes import worst_mistakes
    from kglm.inspection.report.page import render_report
    from kglm.inspection.report.plots import report_plots
    from kglm.inspection.report.runs import find_runs
    from kglm.inspection.report.summary import summarize
    from kglm.inspection.report.tables import report_tables, to_markdown

    if mistakes and folder is None:
        raise ConfigError("mistakes are shown on the page; name a folder for it with --out")
    if folder is not None:
        for name in (REPORT_MD, REPORT_HTML, REPORT_JSON):
            require_file_place(str(folder / name), "report")
    experiments = group_runs(find_runs(places))
    _require_split(experiments, split)
    examples = _questions(experiments, split) if graph is not None or mistakes else []
    slices = [] if graph is None else _slices(examples, graph)
    summary = summarize(experiments, split, baseline=baseline, slices=slices)
    tables = report_tables(summary)
    markdown = to_markdown(tables)
    if folder is not None:
        found = {one.name: worst_mistakes(one, split, examples, mistakes) for one in experiments} if mistakes else {}
        title = f"{_task_name(experiments)}, {split}: {len(experiments)} experiments"
        page = render_report(title, tables, report_plots(experiments, summary), found)
        atomic_write_text(folder / REPORT_HTML, page)
        atomic_write_text(folder / REPORT_MD, markdown)
        atomic_write_json(folder / REPORT_JSON, summary.to_dict())
    return markdown


def _require_split(experiments: Sequence[Experiment], split: str) -> None:
    for run in (run for experiment in experiments for run in experiment.runs):
        if split not in run.splits:
            raise DataError(f"run '{run.folder}' did not report on split '{split}' (it has: {', '.join(run.splits)})")


def _questions(experiments: Sequence[Experiment], split: str) -> list[MultipleChoiceExample]:
    values: Any = experiments[0].runs[0].config.get("task")
    if not isinstance(values, dict):
        raise DataError(f"the configuration of run '{experiments[0].runs[0].folder}' tells no task")
    return task(values).split(split)


def _task_name(experiments: Sequence[Experiment]) -> str:
    values: Any = experiments[0].runs[0].config.get("task")
    return str(values.get("name", "task")) if isinstance(values, dict) else "task"


def _slices(examples: Sequence[MultipleChoiceExample], graph: str) -> list[Slice]:
    from kglm.cli.graph.opening import open_graph
    from kglm.inspection.report.slices import slice_questions

    return slice_questions(examples, open_graph(graph))
