"""The evidence graph on a canvas: concepts in columns, relations on arrows, and a legend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kglm.inspection.evidence_canvas import (
    BLUE,
    BRIGHT_ORANGE,
    EVIDENCE_ROUTE,
    GREY,
    INK,
    LIGHT_GREY,
    ORANGE,
    PALE,
    QUIET_INK,
    ROUTE,
    Canvas,
    Look,
    head_breadth,
)
from kglm.inspection.evidence_graph import Direction, EvidenceEdge, EvidenceGraph, EvidenceNode, Role
from kglm.inspection.evidence_layout import Box, EvidenceLayout, Link, Point, Size, lay_out
from kglm.inspection.evidence_text import LINE_SPACING, measure, shorten, wrap

NODE_SIZE, RELATION_SIZE, BADGE_SIZE, LEGEND_SIZE = 9.5, 8.5, 10.0, 8.5
NODE_TEXT_WIDTH, NODE_LINES = 118.0, 3
RELATION_WIDTH, MAX_RELATIONS = 118.0, 3
NODE_PADDING = (9.0, 5.5)
LABEL_PADDING = (4.0, 1.0)
BADGE_GAP, BADGE_WIDTH = 7.0, 54.0
THIN, THICK = 1.3, 6.0
PORT_GAP = 1.0
SAMPLE, SAMPLE_GAP, ENTRY_GAP = 18.0, 6.0, 18.0

LOOKS: dict[Role, Look] = {
    "question": Look(BLUE, BLUE, "white", rounding=20, bold=True),
    "predicted": Look(ORANGE, ORANGE, "white", rounding=2, bold=True),
    "other": Look(PALE, GREY, "#3c3c3c", rounding=2),
    "step": Look("white", "#4a4a4a", INK, rounding=6),
}
CONTEXT_STEP = Look("white", LIGHT_GREY, QUIET_INK, rounding=6)
MEANINGS: dict[Role, str] = {
    "question": "concept of the question",
    "step": "step between",
    "predicted": "predicted choice",
    "other": "other choice",
}
GLYPHS: dict[Direction, str] = {"forward": "{} →", "inverse": "← {}", "both": "{} ↔"}


class GraphDrawing:
    """An evidence graph, laid out and ready to be drawn; ``width`` and ``height`` are its own."""

    def __init__(self, graph: EvidenceGraph) -> None:
        self.graph = graph
        self.node_lines = [_node_lines(node) for node in graph.nodes]
        self.edge_lines = [_edge_lines(edge) for edge in graph.edges]
        self.shares = [_share(graph, edge) for edge in graph.edges]
        self.line_widths = _line_widths(graph)
        self.badges = [_badge(node) for node in graph.nodes]
        self.layout = self._lay_out()
        badge = measure(BADGE_SIZE, bold=True)
        widest = max((badge(text) for text in self.badges), default=0.0)
        self.width = self.layout.width + (BADGE_GAP + widest if widest else 0.0)
        self.height = self.layout.height

    def _lay_out(self) -> EvidenceLayout:
        sizes = [_node_size(node, lines) for node, lines in zip(self.graph.nodes, self.node_lines, strict=True)]
        links = [
            Link(edge.source, edge.target, _edge_label_size(lines, share), head_breadth(width) + PORT_GAP)
            for edge, lines, share, width in zip(
                self.graph.edges, self.edge_lines, self.shares, self.line_widths, strict=True
            )
        ]
        return lay_out([node.column for node in self.graph.nodes], sizes, links)

    def draw(self, canvas: Canvas, left: float, top: float) -> None:
        """Draw the graph with its upper left corner there."""
        for edge, line_width, route in zip(self.graph.edges, self.line_widths, self.layout.routes, strict=True):
            _draw_route(canvas, edge, [(x + left, y + top) for x, y in route], line_width)
        for edge, lines, share, box in zip(
            self.graph.edges, self.edge_lines, self.shares, self.layout.labels, strict=True
        ):
            _draw_edge_label(canvas, edge, lines, share, _moved(box, left, top))
        for node, lines, badge, box in zip(
            self.graph.nodes, self.node_lines, self.badges, self.layout.nodes, strict=True
        ):
            _draw_node(canvas, node, lines, badge, _moved(box, left, top))

    def draw_legend(self, canvas: Canvas, left: float, top: float, width: float) -> float:
        """Draw what boxes and then, in a row of their own, lines mean; return the y below."""
        advance = measure(LEGEND_SIZE)
        x, y = left, top + 7
        row_of_lines = False
        for look, meaning in self._legend():
            needed = SAMPLE + SAMPLE_GAP + advance(meaning)
            first_line = isinstance(look, tuple) and not row_of_lines
            row_of_lines = row_of_lines or first_line
            if x > left and (first_line or x + needed > left + width):
                x, y = left, y + 16
            sample = Box(x + SAMPLE / 2, y, SAMPLE, 10)
            if isinstance(look, Look):
                canvas.box(sample, replace(look, rounding=min(look.rounding, 5)))
            else:
                points = [(sample.left - 2, y), (sample.right + 2, y)]
                canvas.route(points, look[0], look[1], at_end=True)
            canvas.text(x + SAMPLE + SAMPLE_GAP, y, [meaning], LEGEND_SIZE, ink=QUIET_INK)
            x += needed + ENTRY_GAP
        return y + 7

    def _legend(self) -> Iterator[tuple[Look | tuple[str, float], str]]:
        roles = {node.role for node in self.graph.nodes}
        yield from ((LOOKS[role], meaning) for role, meaning in MEANINGS.items() if role in roles)
        if any(node.repeated for node in self.graph.nodes):
            yield replace(CONTEXT_STEP, line=INK, dashed=True), "drawn before, further left"
        if any(edge.highlighted for edge in self.graph.edges):
            yield (BRIGHT_ORANGE, 3.0), "evidence; width and % show its share of the attention"
        if not all(edge.highlighted for edge in self.graph.edges):
            yield (LIGHT_GREY, THIN), "path to another choice"


def _node_lines(node: EvidenceNode) -> list[str]:
    return wrap(node.label, NODE_TEXT_WIDTH, NODE_LINES, measure(NODE_SIZE, _look(node).bold))


def _node_size(node: EvidenceNode, lines: list[str]) -> Size:
    advance = measure(NODE_SIZE, _look(node).bold)
    width = max(advance(line) for line in lines) + 2 * NODE_PADDING[0]
    return max(width, 30.0), len(lines) * NODE_SIZE * LINE_SPACING + 2 * NODE_PADDING[1]


def _badge(node: EvidenceNode) -> str:
    return shorten(" ".join(node.choices), BADGE_WIDTH, measure(BADGE_SIZE, bold=True))


def _edge_lines(edge: EvidenceEdge) -> list[str]:
    """Return the relations, with an arrow each where they differ in direction."""
    room = len(edge.relations) <= MAX_RELATIONS
    shown = edge.relations if room else edge.relations[: MAX_RELATIONS - 1]
    mixed = len({direction for _, direction in edge.relations}) > 1
    advance = measure(RELATION_SIZE)
    names = [wrap(name, RELATION_WIDTH, 1, advance)[0] for name, _ in shown]
    if mixed:
        names = [GLYPHS[direction].format(name) for name, (_, direction) in zip(names, shown, strict=True)]
    return names if room else [*names, f"and {len(edge.relations) - len(shown)} more"]


def _share(graph: EvidenceGraph, edge: EvidenceEdge) -> str:
    """Return the edge's share of attention, where its paths leave the question; further on the widths tell."""
    return f"{edge.share:.1%}" if edge.highlighted and graph.nodes[edge.source].column == 0 else ""


def _line_widths(graph: EvidenceGraph) -> list[float]:
    """Return the edges' widths, which grow with their shares up to the largest."""
    most = max(edge.share for edge in graph.edges) or 1.0
    return [THIN + (THICK - THIN) * edge.share / most for edge in graph.edges]


def _edge_label_size(lines: list[str], share: str) -> Size:
    advance, bold = measure(RELATION_SIZE), measure(RELATION_SIZE, bold=True)
    width = max([bold(share), *(advance(line) for line in lines)])
    rows = len(lines) + bool(share)
    return width + 2 * LABEL_PADDING[0], rows * RELATION_SIZE * LINE_SPACING + 2 * LABEL_PADDING[1]


def _draw_edge_label(canvas: Canvas, edge: EvidenceEdge, lines: list[str], share: str, box: Box) -> None:
    """Write the relations and under them the share, on a ground that hides the edge."""
    canvas.area(box, "white")
    pitch = RELATION_SIZE * LINE_SPACING
    shift = pitch / 2 if share else 0.0
    canvas.text(
        box.x, box.y - shift, lines, RELATION_SIZE, ink=INK if edge.highlighted else QUIET_INK, align="center"
    )
    if share:
        canvas.text(box.x, box.y + len(lines) * shift, [share], RELATION_SIZE, ink=ORANGE, bold=True, align="center")


def _draw_route(canvas: Canvas, edge: EvidenceEdge, points: list[Point], width: float) -> None:
    canvas.route(
        points,
        BRIGHT_ORANGE if edge.highlighted else LIGHT_GREY,
        width,
        at_start=edge.points_left,
        at_end=edge.points_right,
        zorder=EVIDENCE_ROUTE if edge.highlighted else ROUTE,
    )


def _draw_node(canvas: Canvas, node: EvidenceNode, lines: list[str], badge: str, box: Box) -> None:
    look = _look(node)
    canvas.box(box, look)
    canvas.text(box.x, box.y, lines, NODE_SIZE, ink=look.ink, bold=look.bold, align="center")
    if badge:
        ink = ORANGE if node.role == "predicted" else QUIET_INK
        canvas.text(box.right + BADGE_GAP, box.y, [badge], BADGE_SIZE, ink=ink, bold=True)


def _look(node: EvidenceNode) -> Look:
    """Return a node's look by its role; one that stands further left too is an outline, dashed."""
    look = CONTEXT_STEP if node.role == "step" and not node.highlighted else LOOKS[node.role]
    if not node.repeated:
        return look
    ink = look.ink if look.ink != "white" else look.fill
    return replace(look, fill="white", ink=ink, dashed=True, width=1.3)


def _moved(box: Box, right: float, down: float) -> Box:
    return replace(box, x=box.x + right, y=box.y + down)
