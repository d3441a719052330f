"""Bounded simple paths between concept sets, in compiled code.

The rule that fixes the result, whatever the number of workers: between one question concept and one choice
concept, paths of h hops are ordered as a depth-first walk finds them that visits neighbours in the order of
the link rows (heaviest link first, ties by entity id). Over all concept pairs of a question-choice pair,
shorter paths come first; among paths of equal length the k-th of every concept pair comes before the (k+1)-th
of any; equal ranks stand in the order of the concept pairs. The first ``max_paths`` are kept.
"""

from __future__ import annotations

import numba
import numpy as np

# A choice concept's two-hop surroundings are marked beforehand only where that costs less than this many
# steps; around a hub the plain walk soon finds enough paths. The result is the same either way.
MARK_BUDGET = 20_000


@numba.njit(nogil=True, cache=True)
def find_paths(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    sources: np.ndarray,
    targets: np.ndarray,
    max_hops: int,
    max_paths: int,
    near: np.ndarray,
    middle: np.ndarray,
    stamp: int,
    out_nodes: np.ndarray,
    out_hops: np.ndarray,
    out_pairs: np.ndarray,
) -> tuple[int, int]:
    """Find the paths of one question-choice pair.

    Args:
        indptr: rows of the links, ``int64 [entities + 1]``.
        neighbors: links, ``int32``.
        sources: question concepts.
        targets: choice concepts, none of which is a source.
        max_hops: 1 to 3.
        max_paths: cap over all concept pairs.
        near: ``int64 [entities]`` scratch; an entity next to the target holds the current stamp.
        middle: the same for entities within two hops of the target.
        stamp: last stamp used in the scratch arrays.
        out_nodes: ``int32 [max_paths, max_hops + 1]``, filled.
        out_hops: ``int32 [max_paths]``, hops of each path, filled.
        out_pairs: ``int32 [max_paths]``, ``source index * len(targets) + target index``, filled.

    Returns:
        The number of paths and the last stamp used.
    """
    num_pairs = len(sources) * len(targets)
    found = 0
    if num_pairs == 0:
        return found, stamp
    candidates = np.empty((num_pairs, max_paths, max_hops + 1), dtype=np.int32)
    counts = np.empty(num_pairs, dtype=np.int32)
    for hops in range(1, max_hops + 1):
        counts[:] = 0
        for t in range(len(targets)):
            stamp += 1
            marked = _mark(indptr, neighbors, targets[t], hops, near, middle, stamp)
            for s in range(len(sources)):
                pair = s * len(targets) + t
                counts[pair] = _walk(
                    indptr, neighbors, sources[s], targets[t], hops, max_paths - found,
                    near, middle, stamp, marked, candidates[pair],
                )  # fmt: skip
        for rank in range(max_paths - found):
            before = found
            for pair in range(num_pairs):
                if rank < counts[pair] and found < max_paths:
                    out_nodes[found, : hops + 1] = candidates[pair, rank, : hops + 1]
                    out_hops[found] = hops
                    out_pairs[found] = pair
                    found += 1
            if found == before or found == max_paths:
                break
        if found == max_paths:
            break
    return found, stamp


@numba.njit(nogil=True, cache=True)
def _mark(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    target: int,
    hops: int,
    near: np.ndarray,
    middle: np.ndarray,
    stamp: int,
) -> bool:
    """Stamp the target's neighbours, and for three hops theirs; say whether the latter was done."""
    cost = 0
    for k in range(indptr[target], indptr[target + 1]):
        y = neighbors[k]
        near[y] = stamp
        cost += indptr[y + 1] - indptr[y]
    if hops < 3 or cost > MARK_BUDGET:
        return False
    for k in range(indptr[target], indptr[target + 1]):
        y = neighbors[k]
        for m in range(indptr[y], indptr[y + 1]):
            middle[neighbors[m]] = stamp
    return True


@numba.njit(nogil=True, cache=True)
def _walk(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    source: int,
    target: int,
    hops: int,
    limit: int,
    near: np.ndarray,
    middle: np.ndarray,
    stamp: int,
    marked: bool,
    out: np.ndarray,
) -> int:
    """Write the first ``limit`` simple paths of exactly ``hops`` hops into ``out``; return their number."""
    count = 0
    if hops == 1:
        if near[source] == stamp:
            out[0, 0], out[0, 1] = source, target
            count = 1
        return count
    for k in range(indptr[source], indptr[source + 1]):
        x = neighbors[k]
        if x == target:
            continue
        if hops == 2:
            if near[x] == stamp:
                out[count, 0], out[count, 1], out[count, 2] = source, x, target
                count += 1
                if count == limit:
                    return count
            continue
        if marked and middle[x] != stamp:
            continue
        for m in range(indptr[x], indptr[x + 1]):
            y = neighbors[m]
            if y != source and y != target and near[y] == stamp:
                out[count, 0], out[count, 1], out[count, 2], out[count, 3] = source, x, y, target
                count += 1
                if count == limit:
                    return count
    return count
