"""Boxes pushed apart until none overlaps, each as little as need be."""

from __future__ import annotations

import numpy as np
from numba import njit

MAX_PASSES = 2000


@njit(cache=True, nogil=True)
def _push(positions: np.ndarray, half: np.ndarray, passes: int) -> int:
    """Part overlapping boxes along the axis of the smaller overlap; return how many passes it took."""
    num_boxes = len(positions)
    widest = half[:, 0].max() if num_boxes else 0.0
    for done in range(passes):
        moved = False
        # From left to right, boxes further on than the widest can reach need no look. Those that this pass moves out
        # of order are met by the next one; a pass that moves none has looked at all that could overlap.
        order = np.argsort(positions[:, 0])
        for first in range(num_boxes):
            i = order[first]
            for second in range(first + 1, num_boxes):
                j = order[second]
                if positions[j, 0] - positions[i, 0] > half[i, 0] + widest:
                    break
                dx, dy = positions[j, 0] - positions[i, 0], positions[j, 1] - positions[i, 1]
                over_x = half[i, 0] + half[j, 0] - abs(dx)
                over_y = half[i, 1] + half[j, 1] - abs(dy)
                if over_x <= 1e-9 or over_y <= 1e-9:
                    continue
                moved = True
                # Somewhat more than half each, so that many boxes settle in few passes.
                axis, over, apart = (0, over_x, dx) if over_x < over_y else (1, over_y, dy)
                shift = 0.5 * over + 1e-6
                if apart < 0:
                    shift = -shift
                positions[i, axis] -= shift
                positions[j, axis] += shift
        if not moved:
            return done
    return passes


def separate(centers: np.ndarray, sizes: np.ndarray, gap: float = 0.0) -> np.ndarray:
    """Return the centres of boxes, moved so that no two overlap.

    Args:
        centers: ``[N, 2]``.
        sizes: ``[N, 2]`` widths and heights.
        gap: the least distance left between two boxes, on either axis.

    Returns:
        ``float64 [N, 2]``; the order along an axis may change only between boxes that overlapped.
    """
    positions = np.array(centers, dtype=np.float64)
    half = (np.asarray(sizes, dtype=np.float64) + gap) / 2
    grown = 1.0
    while _push(positions, half, MAX_PASSES) == MAX_PASSES:
        # A crowd that finds no rest gets more room; this ends, as room grows without bound.
        grown *= 1.25
        middle = positions.mean(axis=0)
        positions = middle + (positions - middle) * grown
    return positions
