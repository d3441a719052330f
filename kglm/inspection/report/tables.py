"""A report's tables, as rows of text that Markdown and HTML share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kglm.inspection.report.significance import Difference
from kglm.inspection.report.summary import Score, Summary


@dataclass(frozen=True)
class ReportTable:
    """A table with a title.

    Attributes:
        title: what it shows.
        columns: headings.
        rows: cells; the first column is flush left, all others are numbers.
        note: how to read it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def report_tables(summary: Summary) -> list[ReportTable]:
    """Return the table of experiments, then one for each group of slices."""
    groups = dict.fromkeys(cut.group for row in summary.experiments for cut in row.slices)
    return [_experiments(summary), *(_slices(summary, group) for group in groups)]


def _experiments(summary: Summary) -> ReportTable:
    columns = ("experiment", "seeds", "accuracy %", f"against {summary.baseline}", "95 % interval", "p", "ECE", "s")
    rows = []
    for one in summary.experiments:
        difference = _difference(one.difference)
        error = f"{one.calibration.error:.3f}"
        rows.append((one.name, str(len(one.seeds)), _score(one.score), *difference, error, f"{one.seconds:.0f}"))
    note = (
        "Mean over seeds ± sample deviation. The interval and p are of a paired bootstrap over questions and seeds. "
        "ECE: expected calibration error. s: wall-clock seconds of training."
    )
    return ReportTable(f"Accuracy on {summary.split}, {summary.questions:,} questions", columns, tuple(rows), note)


def _slices(summary: Summary, group: str) -> ReportTable:
    cuts = {cut.name: cut.score.questions for row in summary.experiments for cut in row.slices if cut.group == group}
    columns = ("experiment", *(f"{name} ({count:,})" for name, count in cuts.items()))
    rows = []
    for one in summary.experiments:
        by_name = {cut.name: cut for cut in one.slices if cut.group == group}
        cells = [_score(by_name[name].score) + _mark(by_name[name].difference) for name in cuts]
        rows.append((one.name, *cells))
    note = f"In brackets the number of questions; * differs from {summary.baseline} with p < 0.05."
    return ReportTable(f"Accuracy by {group}", columns, tuple(rows), note)


def to_markdown(tables: Sequence[ReportTable]) -> str:
    """Return the tables as Markdown."""
    return "\n\n".join(map(_markdown, tables)) + "\n"


def _markdown(table: ReportTable) -> str:
    lines = [f"### {table.title}", "", _line(table.columns), _line(["---", *["---:"] * (len(table.columns) - 1)])]
    lines += map(_line, table.rows)
    return "\n".join([*lines, *(["", table.note] if table.note else [])])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _score(score: Score) -> str:
    deviation = "" if score.deviation is None else f" ± {100 * score.deviation:.1f}"
    return f"{100 * score.mean:.1f}{deviation}"


def _difference(difference: Difference | None) -> tuple[str, str, str]:
    if difference is None:
        return ("–", "–", "–")
    interval = f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}"
    p_value = "< 0.001" if difference.p_value < 0.001 else f"{difference.p_value:.3f}"
    return (f"{100 * difference.mean:+.1f}", interval, p_value)


def _mark(difference: Difference | None) -> str:
    return " *" if difference is not None and difference.p_value < 0.05 else ""
