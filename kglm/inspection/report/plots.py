"""A report's plots: learning curves, calibration, and accuracy by slice."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Sequence

import matplotlib

from kglm.inspection.report.experiments import Experiment
from kglm.inspection.report.runs import Run
from kglm.inspection.report.summary import Summary

matplotlib.use("Agg", force=False)

from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH, HEIGHT = 7.2, 3.4


def report_plots(experiments: Sequence[Experiment], summary: Summary) -> dict[str, str]:
    """Return the plots as SVG, by title; the same report gives the same text."""
    plots = {"Learning curves": _learning_curves(experiments), "Calibration": _calibration(summary)}
    for group in dict.fromkeys(cut.group for row in summary.experiments for cut in row.slices):
        plots[f"Accuracy by {group}"] = _bars(summary, group)
    return plots


def _learning_curves(experiments: Sequence[Experiment]) -> str:
    figure = _figure()
    loss, accuracy = figure.subplots(1, 2)
    for number, experiment in enumerate(experiments):
        for run in experiment.runs:
            style = {"color": f"C{number % 10}", "linewidth": 1.2, "alpha": 0.85}
            label = experiment.name if run is experiment.runs[0] else None
            loss.plot(*_curve(run, "train/loss"), label=label, **style)
            accuracy.plot(*_curve(run, "dev/accuracy", 100), marker="o", markersize=3, **style)
    _finish(loss, "step", "training loss")
    _finish(accuracy, "step", "dev accuracy, %")
    _legend(figure, loss)
    return _svg(figure)


def _curve(run: Run, name: str, factor: float = 1) -> tuple[list[float], list[float]]:
    found = [(entry["step"], factor * entry[name]) for entry in run.history if name in entry and "step" in entry]
    return [step for step, _ in found], [value for _, value in found]


def _calibration(summary: Summary) -> str:
    figure = _figure()
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, linestyle="--")
    for row in summary.experiments:
        calibration = row.calibration
        label = f"{row.name} (ECE {calibration.error:.3f})"
        axes.plot(calibration.confidence, calibration.accuracy, marker="o", markersize=3, label=label)
    axes.set_aspect("equal")
    _finish(axes, "confidence", "accuracy")
    _legend(figure, axes)
    return _svg(figure)


def _bars(summary: Summary, group: str) -> str:
    by_name: defaultdict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for row in summary.experiments:
        for cut in (cut for cut in row.slices if cut.group == group):
            by_name[cut.name][row.name] = (100 * cut.score.mean, 100 * (cut.score.deviation or 0.0))
    figure = _figure()
    axes = figure.subplots()
    width = 0.8 / len(summary.experiments)
    for number, row in enumerate(summary.experiments):
        places = [at + number * width for at, name in enumerate(by_name) if row.name in by_name[name]]
        values = [by_name[name][row.name] for name in by_name if row.name in by_name[name]]
        axes.bar(
            places, [mean for mean, _ in values], width, yerr=[spread for _, spread in values], label=row.name,
            error_kw={"elinewidth": 0.8},
        )  # fmt: skip
    axes.set_xticks([at + 0.4 - width / 2 for at in range(len(by_name))], list(by_name), fontsize=8)
    _finish(axes, "", "accuracy, %")
    _legend(figure, axes)
    return _svg(figure)


def _figure() -> Figure:
    return Figure(figsize=(WIDTH, HEIGHT), layout="constrained")


def _finish(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(3, len(labels)), fontsize=8, frameon=False)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "kglm", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return re.sub(r"^.*?(?=<svg)", "", text, flags=re.DOTALL)
