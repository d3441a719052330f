"""A picture of a subgraph as PNG, SVG or PDF, that a person can read at 10, 100 and 1,000 nodes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from kglm.inspection.boxed_drawing import BoxedDrawing
from kglm.inspection.dotted_drawing import DottedDrawing, dot_fill
from kglm.inspection.evidence_canvas import INK, QUIET_INK, Canvas
from kglm.inspection.evidence_layout import Box
from kglm.inspection.evidence_text import LINE_SPACING, measure, shorten, wrap
from kglm.inspection.layout import lay_out_subgraph
from kglm.inspection.picture_file import check_plot_path, write_picture
from kglm.inspection.relation_style import RelationStyle, relation_styles
from kglm.inspection.subgraph import ROLES, Role, Subgraph
from kglm.inspection.subgraph_roles import LOOKS, MEANINGS, label_of

MOST_BOXES = 120
"""Up to so many nodes each is a box with its label; beyond, a dot."""

MARGIN, GAP = 26.0, 16.0
MIN_WIDTH = 420.0
TITLE_SIZE, LEGEND_SIZE, NOTE_SIZE = 13.0, 8.5, 8.5
SAMPLE, SAMPLE_GAP, ENTRY_GAP, ROW = 18.0, 5.0, 16.0, 15.0
ENTRY_WIDTH = 190.0


def plot_subgraph(subgraph: Subgraph, path: Path | str, *, seed: int = 0) -> None:
    """Draw a subgraph to a file, atomically.

    Up to :data:`MOST_BOXES` nodes are boxes with their labels, and edges are arrows from head to tail, several
    between the same nodes side by side, with the relation written on them where there is room. More nodes are dots,
    of which the most important are labelled, and edges taper towards their tail. Colour and form tell a node's role,
    colour and dashes a relation. The same subgraph gives the same file.

    Args:
        subgraph: what to draw.
        path: a .png, .svg or .pdf file; an old one is replaced.
        seed: another one gives another layout.

    Raises:
        ConfigError: see :func:`check_plot_path`; or the subgraph has too many nodes to be laid out.
    """
    check_plot_path(path)
    positions = lay_out_subgraph(subgraph, seed=seed)
    texts = [subgraph.title, *(label_of(node) for node in subgraph.nodes), *subgraph.relations]
    write_picture(lambda: draw_subgraph(subgraph, positions), path, "".join(texts))


def draw_subgraph(subgraph: Subgraph, positions: np.ndarray) -> Figure:
    """Return the picture of :func:`plot_subgraph` as a figure of its own, unknown to pyplot."""
    boxed = len(subgraph.nodes) <= MOST_BOXES
    styles = relation_styles(list(subgraph.relations)) if boxed else relation_styles(list(subgraph.relations), most=8)
    drawing = (BoxedDrawing if boxed else DottedDrawing)(subgraph, positions, styles)
    width = max(MIN_WIDTH, drawing.width)
    canvas = Canvas()
    lines = wrap(subgraph.title, width, 3, measure(TITLE_SIZE, bold=True))
    y = _write(canvas, lines, MARGIN, TITLE_SIZE, INK, bold=True) + GAP
    drawing.draw(canvas, MARGIN + (width - drawing.width) / 2, y)
    y = _Legend(canvas, y + drawing.height + 1.5 * GAP, width).draw(subgraph, styles, boxed)
    sentences = " ".join([_shown(subgraph), *drawing.notes()])
    y = _write(canvas, wrap(sentences, width, 5, measure(NOTE_SIZE)), y + GAP / 2, NOTE_SIZE, QUIET_INK)
    return canvas.figure(width + 2 * MARGIN, y + MARGIN)


class _Legend:
    """Entries in rows from left to right."""

    def __init__(self, canvas: Canvas, top: float, width: float) -> None:
        self._canvas, self._width = canvas, width
        self._x, self._y = MARGIN, top + ROW / 2
        self._advance = measure(LEGEND_SIZE)

    def draw(self, subgraph: Subgraph, styles: dict[str, RelationStyle], boxed: bool) -> float:
        """Draw roles and then, in rows of their own, relations; return the y below."""
        for role in ROLES:
            count = len(subgraph.with_role(role))
            if count:
                box = self._place(f"{MEANINGS[role]} ({count:,})")
                if boxed:
                    self._canvas.box(box, replace(LOOKS[role], rounding=min(LOOKS[role].rounding, 5.0)))
                else:
                    self._dot(box, role)
        if styles and self._x > MARGIN:
            self._break()
        others = 0
        for relation, count in subgraph.relations.items():
            if styles[relation].own:
                self._line(styles[relation], f"{relation} ({count:,})")
            else:
                others += count
        if others:
            rest = [name for name in styles if not styles[name].own]
            kinds = f"{len(rest)} other relations" if len(rest) > 1 else rest[0]
            self._line(styles[rest[0]], f"{kinds} ({others:,})")
        return self._y + ROW / 2

    def _line(self, style: RelationStyle, meaning: str) -> None:
        box = self._place(meaning)
        way = np.array([[box.left, box.y], [box.right, box.y]])
        self._canvas.ways([way], [style.colour], 2.0, [style.dash])

    def _dot(self, box: Box, role: Role) -> None:
        radius = np.array([4.0 if role == "other" else 5.5])
        self._canvas.discs(np.array([[box.x, box.y]]), radius, [dot_fill(role)], ["white"], 0.5)

    def _place(self, meaning: str) -> Box:
        """Write an entry's meaning and return where its sample stands."""
        meaning = shorten(meaning, min(ENTRY_WIDTH, self._width - SAMPLE - SAMPLE_GAP), self._advance)
        needed = SAMPLE + SAMPLE_GAP + self._advance(meaning)
        if self._x > MARGIN and self._x + needed > MARGIN + self._width:
            self._break()
        box = Box(self._x + SAMPLE / 2, self._y, SAMPLE, 9.0)
        self._canvas.text(self._x + SAMPLE + SAMPLE_GAP, self._y, [meaning], LEGEND_SIZE, ink=QUIET_INK)
        self._x += needed + ENTRY_GAP
        return box

    def _break(self) -> None:
        self._x, self._y = MARGIN, self._y + ROW


def _shown(subgraph: Subgraph) -> str:
    nodes, edges = len(subgraph.nodes), len(subgraph.edges)
    rest = f" of {subgraph.total_nodes:,}" if subgraph.total_nodes > nodes else ""
    return (
        f"{nodes:,}{rest} node{'s' * (subgraph.total_nodes != 1)} and {edges:,} edge{'s' * (edges != 1)} "
        f"of the graph '{subgraph.graph_name}'."
    )


def _write(canvas: Canvas, lines: list[str], top: float, size: float, ink: str, bold: bool = False) -> float:
    """Write lines from ``top`` at the left margin; return the y below them."""
    height = len(lines) * size * LINE_SPACING
    canvas.text(MARGIN, top + height / 2, lines, size, ink=ink, bold=bold)
    return top + height
