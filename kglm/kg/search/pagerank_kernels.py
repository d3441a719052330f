"""Compiled code: personalised PageRank, by local pushes and by power iteration.

All compiled functions that call each other stand in this one file: numba keeps compiled code by the file of the
outermost function, and would not notice a change in another.
"""

from __future__ import annotations

import numba
import numpy as np

from kglm.kg.search.inputs import LinkRows, int64


@numba.njit(nogil=True, cache=True)
def push(
    links: LinkRows,
    steps: np.ndarray,
    weighted: bool,
    seeds: np.ndarray,
    shares: np.ndarray,
    seed_offsets: np.ndarray,
    alpha: float,
    tolerance: float,
    max_pushes: int,
    top_k: int,
    local: np.ndarray,
    touched: np.ndarray,
    mass: np.ndarray,
    queues: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return offsets, entities, scores and residuals.

    ``local [entities]`` holds 0, or the place of an entity among those touched plus 1; ``mass [entities, 2]`` by
    that place the score and the residual. The queues hold places: those of this round and of the next. A place
    is queued when its residual first reaches the threshold, so never twice.
    """
    num_queries = len(seed_offsets) - 1
    offsets, residuals = np.zeros(num_queries + 1, dtype=np.int64), np.zeros(num_queries)
    kept = np.empty(64, dtype=np.int64)
    # Not plain 0: numba would compile what takes them a second time, for that number alone.
    k = int64(0)
    for q in range(num_queries):
        count = waiting = pushes = now = int64(0)
        for i in range(seed_offsets[q], seed_offsets[q + 1]):
            count, waiting = _receive(
                links, seeds[i], shares[i], tolerance, local, touched, mass, queues[now], count, waiting
            )
        while waiting and pushes < max_pushes:
            following = int64(0)
            for i in range(waiting):
                if pushes == max_pushes:
                    break
                pushes += 1
                place = queues[now, i]
                entity, amount = touched[place], mass[place, 1]
                start, end = int64(links.indptr[entity]), int64(links.indptr[entity + 1])
                mass[place, 1] = 0.0
                if start == end:
                    mass[place, 0] += amount
                    continue
                mass[place, 0] += alpha * amount
                total = float(end - start)
                if weighted:
                    total = 0.0
                    for j in range(start, end):
                        total += steps[links.weight_codes[j]]
                unit = (1.0 - alpha) * amount / total
                for j in range(start, end):
                    share = unit * steps[links.weight_codes[j]] if weighted else unit
                    count, following = _receive(
                        links, links.neighbors[j], share, tolerance, local, touched, mass, queues[1 - now],
                        count, following,
                    )  # fmt: skip
            now, waiting = 1 - now, following
        first = k
        for place in range(count):
            residuals[q] += mass[place, 1]
            local[touched[place]] = 0
        kept = _grow(kept, first + min(count, top_k))
        for place in range(count):
            k = _keep(touched[place], mass[place, 0], kept, first, k, top_k)
        if k - first < top_k:
            _heapify(kept[first:k])
        for last in range(k - 1, first, -1):
            kept[first], kept[last] = kept[last], kept[first]
            _sift_down(kept[first:last], 0)
        offsets[q + 1] = k
    bits = (int64(0x7FFFFFFF) - (kept[:k] >> 31)).astype(np.int32)
    return offsets, (kept[:k] & 0x7FFFFFFF).astype(np.int32), bits.view(np.float32), residuals


@numba.njit(nogil=True, cache=True)
def _receive(
    links: LinkRows,
    entity: int,
    share: float,
    tolerance: float,
    local: np.ndarray,
    touched: np.ndarray,
    mass: np.ndarray,
    queue: np.ndarray,
    count: int,
    waiting: int,
) -> tuple[int, int]:
    """Add to an entity's residual; return how many entities are touched and how many wait in the queue."""
    place = int64(local[entity]) - 1
    if place < 0:
        place = count
        count += 1
        local[entity] = count
        touched[place] = entity
        mass[place, 0] = mass[place, 1] = 0.0
    before = mass[place, 1]
    mass[place, 1] = before + share
    threshold = tolerance * max(1, int64(links.indptr[entity + 1]) - int64(links.indptr[entity]))
    if before < threshold <= before + share:
        queue[waiting] = place
        waiting += 1
    return count, waiting


@numba.njit(nogil=True, cache=True)
def _keep(entity: int, score: float, kept: np.ndarray, first: int, k: int, top_k: int) -> int:
    """Offer an entity to the ranking ``kept[first:k]``, a heap once full; return its new end.

    A key is smaller for a higher score, then for a smaller entity id: the bits of a positive float32, read as a
    whole number, order as the floats do.
    """
    single = np.float32(score)
    if single == 0.0:
        return k
    key = ((int64(0x7FFFFFFF) - int64(single.view(np.int32))) << 31) | int64(entity)
    if k - first < top_k:
        kept[k] = key
        k += 1
        if k - first == top_k:
            _heapify(kept[first:k])
    elif key < kept[first]:
        kept[first] = key
        _sift_down(kept[first:k], 0)
    return k


@numba.njit(nogil=True, cache=True)
def _heapify(keys: np.ndarray) -> None:
    """Put the keys in heap order, the largest at the root."""
    for root in range(len(keys) // 2 - 1, -1, -1):
        _sift_down(keys, root)


@numba.njit(nogil=True, cache=True)
def _sift_down(keys: np.ndarray, root: int) -> None:
    """Restore the heap order below ``root``."""
    key, size = keys[root], len(keys)
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and keys[child + 1] > keys[child]:
            child += 1
        if keys[child] <= key:
            break
        keys[root] = keys[child]
        root = child
    keys[root] = key


@numba.njit(nogil=True, cache=True)
def _grow(array: np.ndarray, needed: int) -> np.ndarray:
    """Return ``array``, or a larger copy that holds at least ``needed`` elements."""
    if needed <= len(array):
        return array
    larger = np.empty(max(needed, 2 * len(array)), dtype=array.dtype)
    for k in range(len(array)):  # a slice assignment would take seconds to compile
        larger[k] = array[k]
    return larger


@numba.njit(nogil=True, cache=True)
def power(
    links: LinkRows,
    steps: np.ndarray,
    restart: np.ndarray,
    alpha: float,
    tolerance: float,
    max_iterations: int,
    scores: np.ndarray,
) -> float:
    """Fill ``scores [entities]``; return the sum of the last iteration's changes."""
    size = len(restart)
    strengths = np.zeros(size)
    for u in range(size):
        scores[u] = restart[u]
        for j in range(int64(links.indptr[u]), int64(links.indptr[u + 1])):
            strengths[u] += steps[links.weight_codes[j]]
    shares = np.empty(size)
    change = 0.0
    for _ in range(max_iterations):
        for u in range(size):
            shares[u] = scores[u] / strengths[u] if strengths[u] > 0.0 else 0.0
        change = 0.0
        for u in range(size):
            arrived = scores[u] if strengths[u] == 0.0 else 0.0
            for j in range(int64(links.indptr[u]), int64(links.indptr[u + 1])):
                arrived += shares[links.neighbors[j]] * steps[links.weight_codes[j]]
            score = alpha * restart[u] + (1.0 - alpha) * arrived
            change += abs(score - scores[u])
            scores[u] = score
        if change <= tolerance:
            break
    return change
