"""A subgraph of hundreds of nodes: dots, edges that taper towards their tail, and labels for which there is room.

Tapering tells directions best where edges are many (Holten and van Wijk 2009, "A user study on visualizing directed
edges in graphs").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from kglm.inspection.evidence_canvas import INK, TEXT, Canvas
from kglm.inspection.evidence_layout import Box
from kglm.inspection.evidence_text import LINE_SPACING, measure, shorten
from kglm.inspection.free_places import TakenPlaces
from kglm.inspection.relation_style import RelationStyle
from kglm.inspection.separation import separate
from kglm.inspection.subgraph import Role, Subgraph
from kglm.inspection.subgraph_roles import LOOKS, label_of

PAGE_AREA = 760.0
"""Points squared for each node."""

LABEL_SIZE, ASKED_LABEL_SIZE = 7.0, 10.0
LABEL_WIDTH = 110.0
SMALL, LARGE, ASKED = 1.9, 7.0, 8.0
GROUND = 0.72


class DottedDrawing:
    """A subgraph, laid out and ready to be drawn.

    Attributes:
        width: of the whole, in points.
        height: of the whole.
        labels: per node the place of its label, or None where there was no room.
    """

    def __init__(self, subgraph: Subgraph, positions: np.ndarray, styles: Mapping[str, RelationStyle]) -> None:
        self.subgraph, self.styles = subgraph, styles
        index = {node.id: number for number, node in enumerate(subgraph.nodes)}
        self.ends = np.array([(index[e.source], index[e.target]) for e in subgraph.edges]).reshape(-1, 2)
        self.radii = _radii(subgraph, self.ends)
        self.centers = _spread(positions, self.radii)
        self.texts = [shorten(label_of(node), LABEL_WIDTH, measure(*_font(node.role))) for node in subgraph.nodes]
        self.labels = self._place_labels()
        every = np.vstack([self.centers - self.radii[:, None], self.centers + self.radii[:, None], *self._corners()])
        self._shift = -every.min(axis=0)
        self.width, self.height = np.ptp(every, axis=0).tolist()

    def _corners(self) -> Iterator[np.ndarray]:
        for box in filter(None, self.labels):
            half = np.array([box.width, box.height]) / 2
            middle = np.array([box.x, box.y])
            yield np.array([middle - half, middle + half])

    def _place_labels(self) -> list[Box | None]:
        """Return places of labels that overlap no other, nor a large dot, given to the most important first."""
        dots = [Box(x, y, 2 * r, 2 * r) for (x, y), r in zip(self.centers.tolist(), self.radii, strict=True)]
        large = TakenPlaces(dot for dot in dots if dot.width > 3 * SMALL)
        names = TakenPlaces()
        labels: list[Box | None] = [None] * len(dots)
        for number in self._by_importance():
            role = self.subgraph.nodes[number].role
            size, bold = _font(role)
            width = measure(size, bold)(self.texts[number]) + 2.0
            places = list(_around(dots[number], width, size * LINE_SPACING))
            free = [place for place in places if large.is_free(place)]
            # What was asked for is named even where it must cover dots.
            labels[number] = names.take_first_free([*free, *places] if role != "other" else free)
        return labels

    def _by_importance(self) -> list[int]:
        """Return the nodes: those asked for, then by size."""
        other = [node.role == "other" for node in self.subgraph.nodes]
        return sorted(range(len(other)), key=lambda number: (other[number], -self.radii[number], number))

    def draw(self, canvas: Canvas, left: float, top: float) -> None:
        """Draw the subgraph with its upper left corner there."""
        move = self._shift + np.array([left, top])
        centers = self.centers + move
        looks = [self.styles[edge.relation] for edge in self.subgraph.edges]
        opacity = float(np.clip(900 / max(1, len(looks)), 0.16, 0.7))
        # The rarer relations are drawn over the more frequent ones, which would bury them.
        order = sorted(range(len(looks)), key=lambda edge: (looks[edge].own, edge))
        shapes = _tapered(centers[self.ends[:, 0]], centers[self.ends[:, 1]], 1.5)
        canvas.areas([shapes[edge] for edge in order], [looks[edge].colour for edge in order], opacity=opacity)
        order_of_nodes = np.array(self._by_importance()[::-1], dtype=np.int64)
        roles = [self.subgraph.nodes[number].role for number in order_of_nodes]
        fills = [dot_fill(role) for role in roles]
        canvas.discs(centers[order_of_nodes], self.radii[order_of_nodes], fills, ["white"] * len(fills), 0.5)
        for node, text, place in zip(self.subgraph.nodes, self.texts, self.labels, strict=True):
            if place is None:
                continue
            x, y = place.x + float(move[0]), place.y + float(move[1])
            size, bold = _font(node.role)
            canvas.area(Box(x, y, place.width, place.height * 0.9), (1.0, 1.0, 1.0, GROUND), TEXT - 0.5)
            ink = INK if node.role == "other" else LOOKS[node.role].fill
            canvas.text(x, y, [text], size, ink=ink, bold=bold, align="center")

    def notes(self) -> list[str]:
        """Return what is to be said under the picture."""
        shown = sum(place is not None for place in self.labels)
        sentences = ["Edges are broad at their head and taper towards their tail."] if len(self.ends) else []
        return [f"Labels of {shown:,} of {len(self.labels):,} nodes shown; larger dots have more edges.", *sentences]


def dot_fill(role: Role) -> str:
    """Return the colour of a dot."""
    return "#4f4f4f" if role == "other" else LOOKS[role].fill


def _radii(subgraph: Subgraph, ends: np.ndarray) -> np.ndarray:
    """Return radii that grow with the root of the number of edges; the asked ones are largest."""
    degrees = np.bincount(ends.ravel(), minlength=len(subgraph.nodes)).astype(np.float64)
    most = max(1.0, float(degrees.max(initial=0.0)))
    radii = SMALL + (LARGE - SMALL) * np.sqrt(degrees / most)
    return np.where([node.role == "other" for node in subgraph.nodes], radii, ASKED)


def _spread(positions: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return centres in points, y downwards, on a page that grows with the number of nodes; no dot covers another."""
    extent = np.maximum(np.ptp(positions, axis=0), 1e-9)
    scale = np.sqrt(PAGE_AREA * len(positions) / (extent[0] * extent[1]))
    scale = min(scale, PAGE_AREA**0.5 * len(positions) / extent.max())
    return separate(positions * scale * np.array([1.15, -0.87]), np.repeat(2 * radii[:, None], 2, axis=1), gap=2.0)


def _font(role: Role) -> tuple[float, bool]:
    return (LABEL_SIZE, False) if role == "other" else (ASKED_LABEL_SIZE, True)


def _around(dot: Box, width: float, height: float) -> Iterator[Box]:
    """Yield places for a label beside a dot, the most usual first."""
    across, down = (dot.width + width) / 2 + 1, (dot.height + height) / 2
    for right, below in ((1, 0), (-1, 0), (0, -1), (0, 1), (0.85, -0.8), (-0.85, -0.8), (0.85, 0.8), (-0.85, 0.8)):
        yield Box(dot.x + right * across, dot.y + below * down, width, height)


def _tapered(heads: np.ndarray, tails: np.ndarray, width: float) -> np.ndarray:
    """Return ``[E, 3, 2]`` triangles: ``width`` broad at the head, a point at the tail."""
    along = tails - heads
    lengths = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = np.column_stack([-along[:, 1], along[:, 0]]) / lengths * width / 2
    return np.stack([heads + across, heads - across, tails], axis=1)
