"""A layered layout, from left to right, in which nothing overlaps.

Node columns and the gaps between them are *ranks*. An edge has an item in every rank it passes: its label in one,
a slim placeholder in the others. Items of a rank stand under each other, each in a row of its own, so that no label
can meet another one, and an edge bends only in the free strips between ranks, where nothing else stands
(Sugiyama, Tagawa and Toda 1981, with edge labels as items as in Graphviz's dot). Plain Python: no drawing here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf

Point = tuple[float, float]
Size = tuple[float, float]

SWEEPS = 12
LEVELLING_PASSES = 4
ROW_GAP = 9.0
BREADTH = 6.0
LANDING = 11.0
STRIP_MIN, STRIP_MAX, STRIP_SLOPE = 18.0, 64.0, 0.26


@dataclass(frozen=True)
class Box:
    """A rectangle around ``(x, y)``; y grows downwards."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        """The left side's x."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """The right side's x."""
        return self.x + self.width / 2

    def overlaps(self, other: Box) -> bool:
        """Whether the two share an area."""
        apart_x, apart_y = abs(self.x - other.x), abs(self.y - other.y)
        return 2 * apart_x < self.width + other.width and 2 * apart_y < self.height + other.height


@dataclass(frozen=True)
class Link:
    """An edge between two nodes.

    Attributes:
        source: index of a node in a column left of the target's.
        target: index of the other node.
        label: the size its label needs.
        breadth: the height that its line and arrowheads need.
    """

    source: int
    target: int
    label: Size
    breadth: float = BREADTH


@dataclass(frozen=True)
class EvidenceLayout:
    """Where all stands.

    Attributes:
        nodes: a box per node; high enough for its edges, so it may be higher than asked for.
        labels: a box per link.
        routes: per link points from the source's right side to the target's left side: level to the second, a bend
            to the third, level to the fourth, and so on, always an even number.
        width: of the whole.
        height: of the whole.
    """

    nodes: tuple[Box, ...]
    labels: tuple[Box, ...]
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def lay_out(columns: Sequence[int], sizes: Sequence[Size], links: Sequence[Link]) -> EvidenceLayout:
    """Lay out a graph; the same input gives the same layout.

    Args:
        columns: per node its column, 0 at the left.
        sizes: per node the width and height it needs.
        links: the edges.

    Raises:
        ValueError: a link does not lead from left to right.
    """
    for link in links:
        if columns[link.source] >= columns[link.target]:
            raise ValueError(f"link {link.source} → {link.target} does not lead from left to right")
    ranks = _Ranks(columns, sizes, links)
    ranks.reduce_crossings()
    ranks.assign_rows()
    return ranks.layout()


def spread(desired: Sequence[float], heights: Sequence[float], gap: float = ROW_GAP) -> list[float]:
    """Return centres, nearest to those desired (least squares), of items that keep their order and do not overlap.

    Less the room that must lie above each item, the centres may not decrease: isotonic regression, solved by
    pooling adjacent violators.
    """
    room = [0.0]
    for above, below in pairwise(heights):
        room.append(room[-1] + (above + below) / 2 + gap)
    pools: list[tuple[float, int]] = []
    for value, offset in zip(desired, room, strict=False):
        total, count = value - offset, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / count:
            pooled = pools.pop()
            total, count = total + pooled[0], count + pooled[1]
        pools.append((total, count))
    level = [total / count for total, count in pools for _ in range(count)]
    return [value + offset for value, offset in zip(level, room, strict=False)]


class _Ranks:
    """Items in ranks: nodes in the even ones, edge labels in odd ones, placeholders of passing edges in any.

    Items are numbered, nodes first; ``order`` holds the numbers of each rank's items from top to bottom.
    """

    def __init__(self, columns: Sequence[int], sizes: Sequence[Size], links: Sequence[Link]) -> None:
        self.num_nodes = len(columns)
        self.rank = [2 * column for column in columns]
        self.widths = [width for width, _ in sizes]
        self.heights = [height for _, height in sizes]
        self.before: dict[int, list[int]] = defaultdict(list)
        self.after: dict[int, list[int]] = defaultdict(list)
        self.breadths: dict[tuple[int, int], float] = {}
        self.label_items: list[int] = []
        self.chains = [self._chain(link) for link in links]
        for node in range(self.num_nodes):
            for side in (self.before, self.after):
                ports = sum(self.breadths[node, other] for other in side[node])
                self.heights[node] = max(self.heights[node], ports + BREADTH)
        self.order: list[list[int]] = [[] for _ in range(max(self.rank) + 1)]
        for item, rank in enumerate(self.rank):
            self.order[rank].append(item)
        self.rows = [0.0] * len(self.rank)

    def _chain(self, link: Link) -> list[int]:
        first, last = self.rank[link.source], self.rank[link.target]
        middle = (first + last) // 2
        label_rank = middle if middle % 2 else middle - 1
        chain = [link.source]
        for rank in range(first + 1, last):
            chain.append(len(self.rank))
            self.rank.append(rank)
            width, height = link.label if rank == label_rank else (0.0, 0.0)
            self.widths.append(width)
            self.heights.append(max(height, link.breadth))
            if rank == label_rank:
                self.label_items.append(chain[-1])
        chain.append(link.target)
        for item, following in pairwise(chain):
            self.after[item].append(following)
            self.before[following].append(item)
            self.breadths[item, following] = self.breadths[following, item] = link.breadth
        return chain

    def reduce_crossings(self) -> None:
        """Order each rank by its neighbours' mean place, to and fro, and keep the order that crosses least."""
        best, fewest = [list(items) for items in self.order], self._crossings()
        for sweep in range(SWEEPS):
            if not fewest:
                break
            forward = sweep % 2 == 0
            for rank in range(len(self.order)) if forward else reversed(range(len(self.order))):
                self._sort_rank(rank, self.before if forward else self.after)
            self._swap_neighbours()
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(items) for items in self.order], crossings
        self.order = best

    def _sort_rank(self, rank: int, neighbours: dict[int, list[int]]) -> None:
        places = self._places()

        def mean_place(item: int) -> float:
            beside = neighbours[item]
            if not beside:
                return places[item]
            return sum(places[other] for other in beside) / len(beside)

        self.order[rank].sort(key=mean_place)

    def _swap_neighbours(self) -> None:
        """Let two items that stand under each other change places wherever that removes crossings."""
        places = self._places()
        improved = True
        while improved:
            improved = False
            for items in self.order:
                for at in range(len(items) - 1):
                    upper, lower = items[at], items[at + 1]
                    if self._between(upper, lower, places) > self._between(lower, upper, places):
                        items[at], items[at + 1] = lower, upper
                        places[upper], places[lower] = places[lower], places[upper]
                        improved = True

    def _between(self, upper: int, lower: int, places: list[float]) -> int:
        """Return how often the edges of two items cross, the first standing above the second."""
        return sum(
            places[one] > places[other]
            for side in (self.before, self.after)
            for one in side[upper]
            for other in side[lower]
        )

    def _crossings(self) -> int:
        places = self._places()
        return sum(
            places[one] > places[other]
            for items in self.order
            for at, upper in enumerate(items)
            for lower in items[at + 1 :]
            for one in self.after[upper]
            for other in self.after[lower]
        )

    def _places(self) -> list[float]:
        """Return each item's place in its rank, from 0 at the top to 1."""
        places = [0.0] * len(self.rank)
        for items in self.order:
            for at, item in enumerate(items):
                places[item] = (at + 0.5) / len(items)
        return places

    def assign_rows(self) -> None:
        """Give each item a y near those of its neighbours, then make edges run level where they can."""
        ports = self._ports()
        for items in self.order:
            self._put(items, [0.0] * len(items))
        for sweep in range(4 * SWEEPS):
            forward = sweep % 2 == 0
            for items in self.order if forward else reversed(self.order):
                self._put(items, [self._wished_row(item, ports) for item in items])
        self._level_out(ports)
        top = min(row - height / 2 for row, height in zip(self.rows, self.heights, strict=True))
        self.rows = [row - top for row in self.rows]

    def _put(self, items: list[int], wished: list[float]) -> None:
        for item, row in zip(items, spread(wished, [self.heights[item] for item in items]), strict=True):
            self.rows[item] = row

    def _wished_row(self, item: int, ports: dict[tuple[int, int], float]) -> float:
        beside = [*self.before[item], *self.after[item]]
        if not beside:
            return self.rows[item]
        return sum(self.rows[x] + ports[x, item] - ports[item, x] for x in beside) / len(beside)

    def _ports(self) -> dict[tuple[int, int], float]:
        """Return how far from its middle an item is left (or met) by its edge to each neighbour."""
        places = self._places()
        ports = {}
        for item in range(len(self.rank)):
            for side in (self.before, self.after):
                beside = sorted(side[item], key=lambda other: places[other])
                breadths = [self.breadths[item, other] for other in beside]
                for other, breadth, below in zip(beside, breadths, accumulate(breadths), strict=True):
                    ports[item, other] = below - breadth / 2 - sum(breadths) / 2
        return ports

    def _level_out(self, ports: dict[tuple[int, int], float]) -> None:
        """Take small steps out of the edges: move what passes together, then nodes to where most edges are level."""
        at = {item: (items, place) for items in self.order for place, item in enumerate(items)}

        def room(item: int) -> tuple[float, float]:
            items, place = at[item]
            low, high = -inf, inf
            if place > 0:
                above = items[place - 1]
                low = self.rows[above] + (self.heights[above] + self.heights[item]) / 2 + ROW_GAP
            if place + 1 < len(items):
                below = items[place + 1]
                high = self.rows[below] - (self.heights[below] + self.heights[item]) / 2 - ROW_GAP
            return low, high

        for _ in range(LEVELLING_PASSES):
            for chain in self.chains:
                ends = (
                    self.rows[chain[0]] + ports[chain[0], chain[1]],
                    self.rows[chain[-1]] + ports[chain[-1], chain[-2]],
                )
                self._level_chain(chain[1:-1], ends, [room(item) for item in chain[1:-1]])
            for node in range(self.num_nodes):
                self._level_node(node, room(node), ports)

    def _level_chain(self, items: list[int], ends: tuple[float, float], rooms: list[tuple[float, float]]) -> None:
        """Put runs of an edge's items, as long as their room has it, on one level, at best that of an end."""
        start = 0
        while start < len(items):
            low, high = rooms[start]
            stop = start + 1
            while stop < len(items) and max(low, rooms[stop][0]) <= min(high, rooms[stop][1]):
                low, high = max(low, rooms[stop][0]), min(high, rooms[stop][1])
                stop += 1
            run = items[start:stop]
            mean = sum(self.rows[item] for item in run) / len(run)
            wishes = [ends[0]] * (start == 0) + [ends[1]] * (stop == len(items))
            level = next((wish for wish in wishes if low <= wish <= high), max(low, min(mean, high)))
            for item in run:
                self.rows[item] = level
            start = stop

    def _level_node(self, node: int, room: tuple[float, float], ports: dict[tuple[int, int], float]) -> None:
        """Move a node, within its room, to where its edges climb least."""
        wishes = [self.rows[x] + ports[x, node] - ports[node, x] for x in (*self.before[node], *self.after[node])]
        reachable = [wish for wish in wishes if room[0] <= wish <= room[1]]
        candidates = [self.rows[node], *reachable]
        self.rows[node] = min(candidates, key=lambda row: sum(abs(wish - row) for wish in wishes))

    def layout(self) -> EvidenceLayout:
        """Return the boxes and routes."""
        lefts, rights = self._strips()
        boxes = [
            Box(self._x(rank, width, lefts, rights), row, width, height)
            for rank, row, width, height in zip(self.rank, self.rows, self.widths, self.heights, strict=True)
        ]
        ports = self._ports()
        return EvidenceLayout(
            nodes=tuple(boxes[: self.num_nodes]),
            labels=tuple(boxes[item] for item in self.label_items),
            routes=tuple(self._route(chain, boxes, ports, lefts, rights) for chain in self.chains),
            width=rights[-1] - LANDING,
            height=max(box.y + box.height / 2 for box in boxes),
        )

    def _x(self, rank: int, width: float, lefts: list[float], rights: list[float]) -> float:
        """Return an item's middle: centred, but the outer columns stand flush on the side that faces the others."""
        if rank == 0:
            return rights[0] - LANDING - width / 2
        if rank == len(self.order) - 1:
            return lefts[rank] + LANDING + width / 2
        return (lefts[rank] + rights[rank]) / 2

    def _strips(self) -> tuple[list[float], list[float]]:
        """Return the left and right x of each rank; the strip after it is wider where edges climb more.

        A node's rank has a landing on either side, where arrowheads stand before the edge bends.
        """
        lefts: list[float] = []
        rights: list[float] = []
        x = -LANDING
        for rank, items in enumerate(self.order):
            lefts.append(x)
            landing = 0.0 if rank % 2 else 2 * LANDING
            rights.append(x + landing + max((self.widths[item] for item in items), default=0.0))
            climb = max((abs(self.rows[i] - self.rows[j]) for i in items for j in self.after[i]), default=0.0)
            x = rights[-1] + min(STRIP_MAX, max(STRIP_MIN, STRIP_SLOPE * climb))
        return lefts, rights

    def _route(
        self,
        chain: list[int],
        boxes: list[Box],
        ports: dict[tuple[int, int], float],
        lefts: list[float],
        rights: list[float],
    ) -> tuple[Point, ...]:
        source, target = chain[0], chain[-1]
        start, end = self.rows[source] + ports[source, chain[1]], self.rows[target] + ports[target, chain[-2]]
        points = [(boxes[source].right, start), (rights[self.rank[source]], start)]
        for item in chain[1:-1]:
            rank, row = self.rank[item], self.rows[item]
            points += [(lefts[rank], row), (rights[rank], row)]
        return (*points, (lefts[self.rank[target]], end), (boxes[target].left, end))
