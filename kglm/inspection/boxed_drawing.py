"""A subgraph of up to some hundred nodes: each a box that holds its label, each edge an arc with its relation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kglm.inspection.edge_curves import Arc, arcs
from kglm.inspection.evidence_canvas import EVIDENCE_ROUTE, Canvas
from kglm.inspection.evidence_layout import Box
from kglm.inspection.evidence_text import LINE_SPACING, measure, shorten, wrap
from kglm.inspection.free_places import TakenPlaces
from kglm.inspection.relation_style import RelationStyle
from kglm.inspection.separation import separate
from kglm.inspection.subgraph import Subgraph
from kglm.inspection.subgraph_roles import LOOKS, label_of
from kglm.kg.verbalization import spell_out

FEW_NODES = 24
"""Up to so many nodes boxes and letters are larger."""

MOST_NAMED_EDGES = 80
TEXT_WIDTH, NODE_LINES = 96.0, 3
PADDING = (8.0, 4.5)
RELATION_SIZE, RELATION_WIDTH = 7.5, 90.0
LABEL_PADDING = (2.5, 0.5)
LABEL_PLACES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73)
LINE_WIDTH = 1.1
HEAD_LENGTH, HEAD_HALF_BREADTH = 6.5, 2.6


class BoxedDrawing:
    """A subgraph, laid out and ready to be drawn.

    Attributes:
        width: of the whole, in points.
        height: of the whole.
        boxes: one per node.
        named: per edge the place of its relation's name, or None where there was no room.
    """

    def __init__(self, subgraph: Subgraph, positions: np.ndarray, styles: Mapping[str, RelationStyle]) -> None:
        self.subgraph, self.styles = subgraph, styles
        self.font_size = 9.5 if len(subgraph.nodes) <= FEW_NODES else 8.0
        self.lines = [
            wrap(label_of(node), TEXT_WIDTH, NODE_LINES, measure(self.font_size, LOOKS[node.role].bold))
            for node in subgraph.nodes
        ]
        sizes = np.array([self._size(number) for number in range(len(subgraph.nodes))]).reshape(-1, 2)
        centers = self._centers(positions, sizes)
        index = {node.id: number for number, node in enumerate(subgraph.nodes)}
        self.arcs = arcs([(index[e.source], index[e.target]) for e in subgraph.edges], centers, sizes)
        corner, far = _extent(centers, sizes, self.arcs)
        self._shift = -corner
        self.width, self.height = (far - corner).tolist()
        self.boxes = [Box(x, y, w, h) for (x, y), (w, h) in zip(centers.tolist(), sizes.tolist(), strict=True)]
        self.named = self._name_edges()

    def _size(self, number: int) -> tuple[float, float]:
        advance = measure(self.font_size, LOOKS[self.subgraph.nodes[number].role].bold)
        lines = self.lines[number]
        width = max(advance(line) for line in lines) + 2 * PADDING[0]
        return max(width, 26.0), len(lines) * self.font_size * LINE_SPACING + 2 * PADDING[1]

    def _centers(self, positions: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Return the boxes' centres in points: as near as the edges' names and arrows permit."""
        if not len(positions):
            return np.zeros((0, 2))
        pairs = {frozenset((edge.source, edge.target)) for edge in self.subgraph.edges}
        crowd = len(pairs) / len(positions)
        spread = 88.0 if len(positions) <= FEW_NODES else 46.0 + 10.0 * min(crowd, 4.0)
        # The page is read in lines: there is more room across than down.
        scale = spread * np.array([1.25, -0.9])
        return separate(positions * scale, sizes, gap=24.0 if len(positions) <= FEW_NODES else 11.0)

    def _name_edges(self) -> list[Box | None]:
        """Return where each relation's name stands: on its arc, over no box, arrowhead or other name."""
        if len(self.arcs) > MOST_NAMED_EDGES:
            return [None] * len(self.arcs)
        taken = TakenPlaces(Box(b.x, b.y, b.width + 4, b.height + 4) for b in self.boxes)
        for arc in self.arcs:
            x, y = arc.points[-1]
            taken.take(Box(float(x), float(y), 2 * HEAD_LENGTH, 2 * HEAD_LENGTH))
        advance = measure(RELATION_SIZE)
        named: list[Box | None] = []
        for edge, arc in zip(self.subgraph.edges, self.arcs, strict=True):
            width = advance(self._name(edge.relation)) + 2 * LABEL_PADDING[0]
            height = RELATION_SIZE * LINE_SPACING + 2 * LABEL_PADDING[1]
            points = (arc.points[int(place * (len(arc.points) - 1))] for place in LABEL_PLACES)
            named.append(taken.take_first_free(Box(float(x), float(y), width, height) for x, y in points))
        return named

    def _name(self, relation: str) -> str:
        return shorten(spell_out(relation) or relation, RELATION_WIDTH, measure(RELATION_SIZE))

    def draw(self, canvas: Canvas, left: float, top: float) -> None:
        """Draw the subgraph with its upper left corner there."""
        move = self._shift + np.array([left, top])
        looks = [self.styles[edge.relation] for edge in self.subgraph.edges]
        tips = [arc.points + move for arc in self.arcs]
        colours = [look.colour for look in looks]
        canvas.ways([_shaft(way) for way in tips], colours, LINE_WIDTH, [look.dash for look in looks])
        canvas.areas([_head(way) for way in tips], colours, zorder=EVIDENCE_ROUTE)
        for edge, look, place in zip(self.subgraph.edges, looks, self.named, strict=True):
            if place is not None:
                box = _moved(place, move)
                canvas.area(box, "white")
                name = self._name(edge.relation)
                canvas.text(box.x, box.y, [name], RELATION_SIZE, ink=look.colour, align="center")
        for node, lines, place in zip(self.subgraph.nodes, self.lines, self.boxes, strict=True):
            role, box = LOOKS[node.role], _moved(place, move)
            canvas.box(box, role)
            canvas.text(box.x, box.y, lines, self.font_size, ink=role.ink, bold=role.bold, align="center")

    def notes(self) -> list[str]:
        """Return what is to be said under the picture."""
        count = sum(place is not None for place in self.named)
        if not self.arcs or count == len(self.arcs):
            return []
        if not count:
            return ["An edge's colour tells its relation; arrows point from head to tail."]
        return [f"The relation is written on {count} of {len(self.arcs)} edges; the colour tells that of the others."]


def _extent(centers: np.ndarray, sizes: np.ndarray, drawn: list[Arc]) -> tuple[np.ndarray, np.ndarray]:
    points = [centers - sizes / 2, centers + sizes / 2, *(arc.points for arc in drawn)]
    every = np.vstack(points)
    return (every.min(axis=0), every.max(axis=0)) if len(every) else (np.zeros(2), np.zeros(2))


def _shaft(way: np.ndarray) -> np.ndarray:
    """Return a way without the stretch that its arrowhead covers."""
    far = np.hypot(*(way - way[-1]).T) > 0.8 * HEAD_LENGTH
    return np.vstack([way[far], _base(way)]) if far.any() else way[:1].repeat(2, axis=0)


def _base(way: np.ndarray) -> np.ndarray:
    return np.asarray(way[-1] - 0.8 * HEAD_LENGTH * _direction(way))


def _direction(way: np.ndarray) -> np.ndarray:
    """Return the unit vector in which a way arrives, over the length of the arrowhead."""
    far = np.flatnonzero(np.hypot(*(way - way[-1]).T) > HEAD_LENGTH)
    along = way[-1] - way[far[-1] if len(far) else 0]
    return np.asarray(along / max(float(np.hypot(*along)), 1e-9))


def _head(way: np.ndarray) -> np.ndarray:
    along = _direction(way)
    across = HEAD_HALF_BREADTH * np.array([-along[1], along[0]])
    base = way[-1] - HEAD_LENGTH * along
    return np.vstack([way[-1], base + across, base - across])


def _moved(box: Box, move: np.ndarray) -> Box:
    return Box(box.x + float(move[0]), box.y + float(move[1]), box.width, box.height)
