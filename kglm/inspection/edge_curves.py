"""Edges between boxes as arcs: those between the same two nodes fan out, they go round other boxes where a small
detour serves, and each ends where a box begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SAMPLES = 48
FAN = 13.0
"""How far, in points, the middles of two neighbouring arcs between the same nodes are apart."""

MOST_FAN = 70.0
LOOP = 17.0
DETOURS = (0.0, 14.0, -14.0, 28.0, -28.0, 42.0, -42.0, 60.0, -60.0, 85.0, -85.0)
"""How far the middle of a fan may be aside so that it goes round other boxes, the straight way first."""


@dataclass(frozen=True)
class Arc:
    """An edge's visible way.

    Attributes:
        points: ``[n, 2]`` from the border of the source to that of the target.
        loop: whether both are the same node.
    """

    points: np.ndarray
    loop: bool


def arcs(
    ends: Sequence[tuple[int, int]], centers: np.ndarray, sizes: np.ndarray, clearance: float = 2.0
) -> list[Arc]:
    """Return an arc per edge.

    Args:
        ends: source and target of each edge, as indices of boxes.
        centers: ``[N, 2]``, y downwards.
        sizes: ``[N, 2]`` widths and heights of the boxes.
        clearance: how far from a box an arc ends.
    """
    together: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, (source, target) in enumerate(ends):
        together[min(source, target), max(source, target)].append(number)
    made: dict[int, Arc] = {}
    for (first, second), edges in together.items():
        step = min(FAN, MOST_FAN / max(1, len(edges) - 1))
        aside = 0.0 if first == second else _detour(first, second, centers, sizes)
        for place, edge in enumerate(edges):
            if first == second:
                made[edge] = Arc(_loop(centers[first], sizes[first], place), loop=True)
                continue
            bend = aside + (place - (len(edges) - 1) / 2) * step
            way = _bezier(centers[first], centers[second], bend)
            way = _clipped(way, centers[first], sizes[first], centers[second], sizes[second], clearance)
            made[edge] = Arc(way if ends[edge][0] == first else way[::-1], loop=False)
    return [made[edge] for edge in range(len(ends))]


def _detour(first: int, second: int, centers: np.ndarray, sizes: np.ndarray) -> float:
    """Return the bend by which the middle of a fan meets the fewest other boxes, the smallest of those."""
    others = np.ones(len(centers), dtype=bool)
    others[[first, second]] = False
    middles, halves = centers[others], sizes[others] / 2 + 2.0
    met = []
    for bend in DETOURS:
        way = _bezier(centers[first], centers[second], bend)[1:-1, None]
        met.append(int((np.abs(way - middles) < halves).all(axis=2).any(axis=0).sum()))
        if not met[-1]:
            break
    return DETOURS[int(np.argmin(met))]


def _bezier(start: np.ndarray, end: np.ndarray, bend: float) -> np.ndarray:
    """Return points of a quadratic curve whose middle is ``bend`` beside the straight line."""
    along = end - start
    length = max(float(np.hypot(*along)), 1e-9)
    control = (start + end) / 2 + 2 * bend * np.array([-along[1], along[0]]) / length
    t = np.linspace(0, 1, SAMPLES)[:, None]
    return np.asarray((1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end)


def _clipped(
    way: np.ndarray,
    start: np.ndarray,
    start_size: np.ndarray,
    end: np.ndarray,
    end_size: np.ndarray,
    clearance: float,
) -> np.ndarray:
    """Return the part of a way outside both boxes; at least its middle where they nearly touch."""
    outside = ~_inside(way, start, start_size, clearance) & ~_inside(way, end, end_size, clearance)
    kept = np.flatnonzero(outside)
    if len(kept) < 2:
        return way[len(way) // 2 - 1 : len(way) // 2 + 1]
    first, last = int(kept[0]), int(kept[-1])
    return np.vstack(
        [
            _border(way[max(first - 1, 0)], way[first], start, start_size, clearance),
            way[first : last + 1],
            _border(way[min(last + 1, len(way) - 1)], way[last], end, end_size, clearance),
        ]
    )


def _inside(points: np.ndarray, center: np.ndarray, size: np.ndarray, clearance: float) -> np.ndarray:
    return np.asarray((np.abs(points - center) < size / 2 + clearance).all(axis=-1))


def _border(
    within: np.ndarray, without: np.ndarray, center: np.ndarray, size: np.ndarray, clearance: float
) -> np.ndarray:
    """Return where the stretch between a point in a box and one outside crosses its border, by bisection."""
    for _ in range(12):
        middle = (within + without) / 2
        if _inside(middle, center, size, clearance):
            within = middle
        else:
            without = middle
    return without


def _loop(center: np.ndarray, size: np.ndarray, place: int) -> np.ndarray:
    """Return a loop at the upper right corner of a box; further ones are larger."""
    radius = LOOP / 2 + 4.0 * place
    corner = center + np.array([size[0] / 2, -size[1] / 2])
    angles = np.linspace(np.pi * 0.97, -np.pi * 0.47, SAMPLES)
    return np.asarray(corner + radius * np.column_stack([np.cos(angles), -np.sin(angles)]))
