"""A picture of an answer: its choices with their probabilities, and the paths in the graph that carried it."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from kglm.errors import ConfigError
from kglm.inference.answer import Answer
from kglm.inspection.evidence_canvas import BACKING, GREY, INK, ORANGE, PALE, QUIET_INK, Canvas
from kglm.inspection.evidence_drawing import GraphDrawing
from kglm.inspection.evidence_graph import build_evidence_graph, shown_paths
from kglm.inspection.evidence_layout import Box
from kglm.inspection.evidence_text import LINE_SPACING, measure, wrap
from kglm.inspection.picture_file import check_plot_path, write_picture

__all__ = ["check_plot_path", "draw_answer", "plot_answer"]

FEW_CHOICES = 5
"""Up to so many choices the others show two paths each, beyond one."""

MARGIN = 26.0
BLOCK_GAP = 20.0
MIN_WIDTH = 500.0
TITLE_SIZE, CHOICE_SIZE, NOTE_SIZE = 13.0, 10.0, 9.0
TITLE_LINES, NOTE_LINES = 8, 4
CHOICE_TEXT_WIDTH, LABEL_TEXT_WIDTH = 230.0, 60.0
BAR_WIDTH, BAR_HEIGHT, BAR_PITCH, BAR_GAP = 220.0, 8.0, 18.0, 12.0

NO_PATHS = "no path in the graph joins the question to a choice."


def plot_answer(answer: Answer, path: Path | str, max_paths: int = 5) -> None:
    """Draw an answer and the evidence in its graph to a file, atomically.

    The most attended paths of the predicted choice run in colour from the question's concepts at the left to the
    choice's at the right, as wide as their share of the attention; up to two paths of each other choice run beside
    them in grey. Arrows point as the triples do. The same answer gives the same file.

    Args:
        answer: what to draw.
        path: a .png, .svg or .pdf file; an old one is replaced.
        max_paths: how many paths of the predicted choice are drawn, at least 1.

    Raises:
        ConfigError: see :func:`check_plot_path`, or ``max_paths`` is less than 1.
    """
    check_plot_path(path)
    if max_paths < 1:
        raise ConfigError(f"max_paths is {max_paths}; at least 1 path is drawn")
    texts = [answer.question, *(choice.text for choice in answer.choices), *(path.line for path in answer.paths)]
    write_picture(lambda: draw_answer(answer, max_paths), path, "".join(texts))


def draw_answer(answer: Answer, max_paths: int = 5) -> Figure:
    """Return the picture of :func:`plot_answer` as a figure of its own, unknown to pyplot."""
    own, other = shown_paths(answer, max_paths, 2 if len(answer.choices) <= FEW_CHOICES else 1)
    drawing = GraphDrawing(build_evidence_graph(own, other)) if own or other else None
    width = max(MIN_WIDTH, drawing.width if drawing else 0.0)
    canvas = Canvas()
    y = _draw_title(canvas, answer, MARGIN, width)
    y = _draw_choices(canvas, answer, y + BLOCK_GAP / 2)
    if drawing:
        top = y + 1.5 * BLOCK_GAP
        drawing.draw(canvas, MARGIN + (width - drawing.width) / 2, top)
        y = drawing.draw_legend(canvas, MARGIN, top + drawing.height + 1.3 * BLOCK_GAP, width)
    for sentence in _sentences(answer, len(own), len(other)):
        y = _draw_sentence(canvas, sentence, y + (BLOCK_GAP / 3 if drawing else BLOCK_GAP), width)
    return canvas.figure(width + 2 * MARGIN, y + MARGIN)


def _draw_title(canvas: Canvas, answer: Answer, top: float, width: float) -> float:
    lines = wrap(answer.question, width, TITLE_LINES, measure(TITLE_SIZE, bold=True))
    return _write(canvas, lines, top, TITLE_SIZE, bold=True)


def _draw_choices(canvas: Canvas, answer: Answer, top: float) -> float:
    """Draw a row per choice: label, text, a bar as long as its probability, and that in figures."""
    bold = measure(CHOICE_SIZE, bold=True)
    labels = [wrap(choice.label, LABEL_TEXT_WIDTH, 1, bold) for choice in answer.choices]
    texts = [wrap(choice.text, CHOICE_TEXT_WIDTH, 1, bold) for choice in answer.choices]
    text_left = MARGIN + max(bold(line) for [line] in labels) + BAR_GAP
    bar_left = text_left + max(bold(line) for [line] in texts) + BAR_GAP
    for index, choice in enumerate(answer.choices):
        chosen = index == answer.predicted
        y, ink = top + (index + 0.5) * BAR_PITCH, ORANGE if chosen else INK
        canvas.text(MARGIN, y, labels[index], CHOICE_SIZE, ink=ink, bold=True)
        canvas.text(text_left, y, texts[index], CHOICE_SIZE, ink=ink, bold=chosen)
        canvas.area(Box(bar_left + BAR_WIDTH / 2, y, BAR_WIDTH, BAR_HEIGHT), PALE)
        filled = BAR_WIDTH * choice.probability
        canvas.area(Box(bar_left + filled / 2, y, filled, BAR_HEIGHT), ORANGE if chosen else GREY, BACKING + 0.5)
        percent = f"{choice.probability:.1%}"
        canvas.text(bar_left + BAR_WIDTH + BAR_GAP, y, [percent], CHOICE_SIZE, ink=ink, bold=chosen)
    return top + len(answer.choices) * BAR_PITCH


def _sentences(answer: Answer, own: int, other: int) -> list[str]:
    """Return what is said under the graph, or in its place."""
    notes = [f"Note: {note}" for note in answer.notes]
    if not own and not other:
        return notes or [f"Note: {NO_PATHS}"]
    return [_shown(answer, own, other), *notes]


def _shown(answer: Answer, own: int, other: int) -> str:
    """Return how much of the evidence the picture shows."""
    label = answer.best.label
    if not own:
        return f"No path joins the question to the predicted choice {label}; drawn are paths to other choices."
    known = len(answer.evidence())
    share = sum(path.attention for path in answer.evidence(limit=own))
    all_of_them = {1: "the only path", 2: "both paths"}.get(known, f"all {known} paths")
    paths = f"{own} of {known} paths" if own < known else all_of_them
    rest = "; of each other choice, the most attended" * bool(other)
    return f"Drawn: {paths} to {label}, with {share:.1%} of its attention{rest}."


def _draw_sentence(canvas: Canvas, sentence: str, top: float, width: float) -> float:
    return _write(canvas, wrap(sentence, width, NOTE_LINES, measure(NOTE_SIZE)), top, NOTE_SIZE, ink=QUIET_INK)


def _write(canvas: Canvas, lines: list[str], top: float, size: float, ink: str = INK, bold: bool = False) -> float:
    """Write lines from ``top`` at the left margin; return the y below them."""
    height = len(lines) * size * LINE_SPACING
    canvas.text(MARGIN, top + height / 2, lines, size, ink=ink, bold=bold)
    return top + height
