"""Compiled code: the best bounded simple paths between two concept sets.

How the paths of one question-choice pair are found. Around each concept ``t`` of one side, a hash table holds
the scores of its links; for three and four hops it holds, for the ``x`` two hops away, the arcs ``x - y - t``. The
other side's concepts ``s`` walk one hop (two, where four are asked for) to meet that table, so that no more is
walked than the two-hop surroundings of the side where they are smaller. The best paths are kept in a bounded
heap; rows are sorted best first, so that a walk stops where nothing better can follow. No array is as long as
the graph: tables are as large as the surroundings they hold.

Scores are sums of ``logs``, base-2 logarithms as whole numbers (:class:`kglm.kg.paths.ScoredLinks`): the order of
addition does not matter, and equal products are equal.

All compiled functions stand in this one file: numba keeps compiled code by the file of the outermost function,
and would not notice a change in another.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

# In compiled code plain numbers and those of numpy are one, which the type checker cannot know.
int64: Any = np.int64

NOTHING = -(2**31)
# An entry of the hash table: the entity, the next entry of its chain, its first arc, and its best score.
ENTITY, CHAIN, ARC, BEST = range(4)
# An arc x - y - t: the next arc of the same x, y, and the score of the two hops.
NEXT, MIDDLE, SCORE = range(3)
# A path in the heap: its score, and its inner entities as two numbers.
TOTAL, FIRST, LAST = range(3)
# What is noted of the table: how far hashes are shifted, and the best score in it.
SHIFT, BEST_REST = range(2)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@numba.njit(nogil=True, cache=True)
def search_paths(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    codes: np.ndarray,
    logs: np.ndarray,
    questions: np.ndarray,
    question_offsets: np.ndarray,
    choices: np.ndarray,
    choice_offsets: np.ndarray,
    max_hops: int,
    max_paths: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Find the paths of many question-choice pairs; the rule of selection stands in :mod:`kglm.kg.paths`.

    Args:
        indptr: rows of the links, ``[entities + 1]``.
        neighbors: ``int32`` links, each row best first.
        codes: positions in ``logs``, parallel to ``neighbors``.
        logs: ``int32``, the scores.
        questions: question concepts, one pair after another.
        question_offsets: ``int64 [G + 1]``.
        choices: choice concepts; none is a question concept of the same pair.
        choice_offsets: ``int64 [G + 1]``.
        max_hops: 1 to 4.
        max_paths: cap per question-choice pair.

    Returns:
        ``path_offsets int64 [G + 1]``, ``path_pair int32 [P]`` (question index * choices + choice index),
        ``step_offsets int64 [P + 1]``, ``path_entities int32 [S]``, ``path_scores int32 [P]`` (sums of logs).
    """
    num_graphs = len(question_offsets) - 1
    tables = _no_tables()
    path_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    path_pair = np.empty(1024, dtype=np.int32)
    path_scores = np.empty(1024, dtype=np.int32)
    step_offsets = np.zeros(1024, dtype=np.int64)
    path_entities = np.empty(4096, dtype=np.int32)
    p = s = 0
    for g in range(num_graphs):
        question = questions[question_offsets[g] : question_offsets[g + 1]]
        choice = choices[choice_offsets[g] : choice_offsets[g + 1]]
        left = max_paths
        for hops in range(1, max_hops + 1):
            if left == 0 or len(question) == 0 or len(choice) == 0:
                break
            swapped = _reach(indptr, neighbors, choice, hops) > _reach(indptr, neighbors, question, hops)
            tables, pairs, paths = _best_paths(
                indptr, neighbors, codes, logs, question, choice, hops, left, swapped, tables
            )
            found = len(pairs)
            path_pair, path_scores = _grow(path_pair, p + found), _grow(path_scores, p + found)
            step_offsets = _grow(step_offsets, p + found + 1)
            path_entities = _grow(path_entities, s + found * (hops + 1))
            for i in range(found):
                path_pair[p], path_scores[p] = pairs[i], paths[i, TOTAL]
                path_entities[s] = question[pairs[i] // len(choice)]
                if hops > 1:
                    path_entities[s + 1] = paths[i, FIRST] >> 32
                if hops > 2:
                    path_entities[s + 2] = paths[i, FIRST] & 0x7FFFFFFF
                if hops > 3:
                    path_entities[s + 3] = paths[i, LAST]
                path_entities[s + hops] = choice[pairs[i] % len(choice)]
                p, s = p + 1, s + hops + 1
                step_offsets[p] = s
            left -= found
        path_offsets[g + 1] = p
    return (
        path_offsets,
        path_pair[:p].copy(),
        step_offsets[: p + 1].copy(),
        path_entities[:s].copy(),
        path_scores[:p].copy(),
    )


@numba.njit(nogil=True, cache=True)
def _row(indptr: np.ndarray, entity: int) -> tuple[int, int]:
    """Return where a row begins and ends, as signed integers: numba makes floats of mixed 64-bit integers."""
    return int64(indptr[entity]), int64(indptr[entity + 1])


@numba.njit(nogil=True, cache=True)
def _reach(indptr: np.ndarray, neighbors: np.ndarray, concepts: np.ndarray, hops: int) -> int:
    """Return how many links lie around the concepts, within one hop or, for three hops and more, two."""
    total = 0
    for concept in concepts:
        start, end = _row(indptr, concept)
        if hops < 3:
            total += end - start
            continue
        for k in range(start, end):
            row_start, row_end = _row(indptr, neighbors[k])
            total += row_end - row_start
    return total


@numba.njit(nogil=True, cache=True)
def _best_paths(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    codes: np.ndarray,
    logs: np.ndarray,
    question: np.ndarray,
    choice: np.ndarray,
    hops: int,
    cap: int,
    swapped: bool,
    tables: tuple[np.ndarray, ...],
) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """Select the paths of exactly ``hops`` hops of one question-choice pair, at most ``cap``.

    Every concept pair is asked for its best ``share`` paths. Where some have fewer, the others are asked again
    for more, until ``cap`` are found or there are no more.
    """
    sources, targets = (choice, question) if swapped else (question, choice)
    num_pairs = len(sources) * len(targets)
    counts = np.zeros(num_pairs, dtype=np.int64)
    starts = np.zeros(num_pairs, dtype=np.int64)
    is_open = np.ones(num_pairs, dtype=np.bool_)
    paths = np.empty((2 * cap + num_pairs, 3), dtype=np.int64)
    share = (cap + num_pairs - 1) // num_pairs
    end, prepared = 0, -1
    while True:
        heap = np.empty((share, 3), dtype=np.int64)
        for t in range(len(targets)):
            for s in range(len(sources)):
                pair = t * len(choice) + s if swapped else s * len(choice) + t
                if not is_open[pair]:
                    continue
                if prepared != t:
                    tables = _prepare(indptr, neighbors, codes, logs, sources, targets[t], hops, tables)
                    prepared = t
                count = _walk(
                    indptr, neighbors, codes, logs, sources[s], targets[t], hops, swapped,
                    tables[0], tables[1], tables[2], tables[4], heap,
                )  # fmt: skip
                paths = _grow_rows(paths, end + count)
                _empty_into(heap, count, paths[end : end + count])
                starts[pair], counts[pair], is_open[pair] = end, count, count == share
                end += count
        missing = cap - counts.sum()
        num_open = is_open.sum()
        if missing <= 0 or num_open == 0:
            break
        share += (missing + num_open - 1) // num_open
    order, pairs = _by_rank(counts, starts, paths, cap)
    return tables, pairs, paths[order]


@numba.njit(nogil=True, cache=True)
def _by_rank(counts: np.ndarray, starts: np.ndarray, paths: np.ndarray, cap: int) -> tuple[np.ndarray, np.ndarray]:
    """Order the paths: the k-th of every concept pair before the (k+1)-th of any, better ones first."""
    total = min(cap, counts.sum())
    order = np.empty(total, dtype=np.int64)
    pairs = np.empty(total, dtype=np.int64)
    row = np.empty(len(counts), dtype=np.int64)
    filled = rank = 0
    while filled < total:
        size = 0
        for pair in range(len(counts)):
            if rank < counts[pair]:
                at = size
                while at > 0 and paths[starts[row[at - 1]] + rank, TOTAL] < paths[starts[pair] + rank, TOTAL]:
                    row[at] = row[at - 1]
                    at -= 1
                row[at] = pair
                size += 1
        for i in range(min(size, total - filled)):
            order[filled], pairs[filled] = starts[row[i]] + rank, row[i]
            filled += 1
        rank += 1
    return order, pairs


@numba.njit(nogil=True, cache=True)
def _walk(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    codes: np.ndarray,
    logs: np.ndarray,
    s: int,
    t: int,
    hops: int,
    swapped: bool,
    heads: np.ndarray,
    entries: np.ndarray,
    arcs: np.ndarray,
    state: np.ndarray,
    heap: np.ndarray,
) -> int:
    """Collect in ``heap`` the best simple paths of exactly ``hops`` hops from ``s`` to ``t``; return their number."""
    size, limit = 0, len(heap)
    shift, best_rest = state[SHIFT], state[BEST_REST]
    if hops == 1:
        at = _lookup(heads, entries, shift, s)
        return _push(heap, 0, entries[at, BEST], 0, 0) if at >= 0 else 0
    start, end = _row(indptr, s)
    for k in range(start, end):
        x = neighbors[k]
        score = int64(logs[codes[k]])
        if hops < 4 and size == limit and score + best_rest < heap[0, TOTAL]:
            break
        if x == t:
            continue
        if hops == 4:
            row_start, row_end = _row(indptr, x)
            for j in range(row_start, row_end):
                m = neighbors[j]
                two_hops = score + logs[codes[j]]
                if size == limit and two_hops + best_rest < heap[0, TOTAL]:
                    break
                at = _lookup(heads, entries, shift, m)
                if at >= 0 and m != s and m != t:
                    size = _join(s, x, m, at, two_hops, swapped, entries, arcs, heap, size)
            continue
        at = _lookup(heads, entries, shift, x)
        if at >= 0 and hops == 2:
            size = _push(heap, size, score + entries[at, BEST], int64(x) << 32, 0)
        elif at >= 0:
            size = _join(s, x, -1, at, score, swapped, entries, arcs, heap, size)
    return size


@numba.njit(nogil=True, cache=True)
def _join(
    s: int,
    x: int,
    m: int,
    at: int,
    score: int,
    swapped: bool,
    entries: np.ndarray,
    arcs: np.ndarray,
    heap: np.ndarray,
    size: int,
) -> int:
    """Join the walk ``s - x``, or ``s - x - m``, with all arcs of an entry; return the heap's new size."""
    limit = len(heap)
    if size == limit and score + entries[at, BEST] < heap[0, TOTAL]:
        return size
    arc = entries[at, ARC]
    while arc >= 0:
        y = arcs[arc, MIDDLE]
        total = score + arcs[arc, SCORE]
        arc = arcs[arc, NEXT]
        if y == s or y == x or (size == limit and total < heap[0, TOTAL]):
            continue
        one, other = int64(y if swapped else x), int64(x if swapped else y)
        if m < 0:
            size = _push(heap, size, total, one << 32 | other, 0)
        else:
            size = _push(heap, size, total, one << 32 | int64(m), other)
    return size


@numba.njit(nogil=True, cache=True)
def _prepare(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    codes: np.ndarray,
    logs: np.ndarray,
    sources: np.ndarray,
    t: int,
    hops: int,
    tables: tuple[np.ndarray, ...],
) -> tuple[np.ndarray, ...]:
    """Fill the table around ``t``, as far as paths of ``hops`` hops from ``sources`` need it.

    For one and two hops it holds the neighbours of ``t``; for three, the neighbours of the sources, with their
    arcs; for four, all that has arcs.
    """
    start, end = _row(indptr, t)
    num_arcs = longest = 0
    if hops > 2:
        for k in range(start, end):
            row_start, row_end = _row(indptr, neighbors[k])
            num_arcs += row_end - row_start
            longest = max(longest, row_end - row_start)
    reached = (0, end - start, end - start, _reach(indptr, neighbors, sources, 1), num_arcs)[hops]
    tables = _reserve(tables, min(reached, len(indptr)), num_arcs, longest)
    heads, entries, arcs, hits, state = tables
    shift, size = state[SHIFT], 0
    if hops == 3:
        for source in sources:
            start, end = _row(indptr, source)
            for k in range(start, end):
                size = max(size, _enter(heads, entries, shift, size, neighbors[k]) + 1)
    if hops > 2:
        state[BEST_REST] = _fill_arcs(
            indptr, neighbors, codes, logs, t, hops == 4, heads, entries, shift, size, arcs, hits
        )
        return tables
    for k in range(start, end):
        at = _enter(heads, entries, shift, size, neighbors[k])
        entries[at, BEST] = logs[codes[k]]
        size = at + 1
    state[BEST_REST] = logs[codes[start]] if start < end else NOTHING
    return tables


@numba.njit(nogil=True, cache=True)
def _fill_arcs(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    codes: np.ndarray,
    logs: np.ndarray,
    t: int,
    everywhere: bool,
    heads: np.ndarray,
    entries: np.ndarray,
    shift: int,
    size: int,
    arcs: np.ndarray,
    hits: np.ndarray,
) -> int:
    """Store the arcs ``x - y - t`` of all ``x``, or of those in the table; return the score of the best."""
    arc, best = 0, NOTHING
    start, end = _row(indptr, t)
    for k in range(start, end):
        y = neighbors[k]
        last_hop = logs[codes[k]]
        # Most x are not in the table, in no pattern that a processor could guess: sieve a row without branching.
        num_hits = 0
        row_start, row_end = _row(indptr, y)
        for j in range(row_start, row_end):
            hits[num_hits] = j
            num_hits += everywhere or heads[_hash(neighbors[j], shift)] >= 0
        for i in range(num_hits):
            j = hits[i]
            if everywhere:
                at = _enter(heads, entries, shift, size, neighbors[j])
                size = max(size, at + 1)
            else:
                at = _lookup(heads, entries, shift, neighbors[j])
                if at < 0:
                    continue
            score = last_hop + logs[codes[j]]
            if entries[at, ARC] < 0 or score > entries[at, BEST]:
                entries[at, BEST] = score
                best = max(best, score)
            arcs[arc, NEXT], arcs[arc, MIDDLE], arcs[arc, SCORE] = entries[at, ARC], y, score
            entries[at, ARC] = arc
            arc += 1
    return best


@numba.njit(nogil=True, cache=True)
def _no_tables() -> tuple[np.ndarray, ...]:
    """Return tables without room: the heads of the chains, the entries, arcs, hits within a row, and the state."""
    return (
        np.zeros(0, np.int32), np.zeros((0, 4), np.int32), np.zeros((0, 3), np.int32), np.zeros(0, np.int64),
        np.zeros(2, np.int64),
    )  # fmt: skip


@numba.njit(nogil=True, cache=True)
def _reserve(tables: tuple[np.ndarray, ...], reached: int, num_arcs: int, longest: int) -> tuple[np.ndarray, ...]:
    """Return empty tables with room for as many entities and arcs, and for hits in a row of the given length."""
    heads, entries, arcs, hits, state = tables
    bits = 4
    while 1 << bits < 4 * reached:
        bits += 1
    state[SHIFT] = 64 - bits
    if len(heads) < 1 << bits:
        heads = np.empty(1 << bits, np.int32)
    heads[: 1 << bits] = -1
    if len(entries) < reached:
        entries = np.empty((2 * reached, 4), np.int32)
    if len(arcs) < num_arcs:
        arcs = np.empty((2 * num_arcs, 3), np.int32)
    if len(hits) < longest:
        hits = np.empty(2 * longest, np.int64)
    return heads, entries, arcs, hits, state


@numba.njit(nogil=True, cache=True)
def _hash(entity: int, shift: int) -> np.uint64:
    return (np.uint64(entity) * _MULTIPLIER) >> np.uint64(shift)


@numba.njit(nogil=True, cache=True)
def _lookup(heads: np.ndarray, entries: np.ndarray, shift: int, entity: int) -> int:
    """Return the entry of an entity, -1 where it has none."""
    at = heads[_hash(entity, shift)]
    while at >= 0 and entries[at, ENTITY] != entity:
        at = entries[at, CHAIN]
    return at


@numba.njit(nogil=True, cache=True)
def _enter(heads: np.ndarray, entries: np.ndarray, shift: int, size: int, entity: int) -> int:
    """Return the entry of an entity; where it has none, it becomes entry ``size``, without arcs."""
    at = _lookup(heads, entries, shift, entity)
    if at >= 0:
        return at
    slot = _hash(entity, shift)
    entries[size, ENTITY], entries[size, CHAIN], entries[size, ARC] = entity, heads[slot], -1
    heads[slot] = size
    return size


@numba.njit(nogil=True, cache=True)
def _is_worse(heap: np.ndarray, i: int, score: int, first: int, last: int) -> bool:
    """Say whether the path at ``i`` is worse than the one given."""
    if heap[i, TOTAL] != score:
        return heap[i, TOTAL] < score
    if heap[i, FIRST] != first:
        return heap[i, FIRST] > first
    return heap[i, LAST] > last


@numba.njit(nogil=True, cache=True)
def _push(heap: np.ndarray, size: int, score: int, first: int, last: int) -> int:
    """Put a path into the heap, or leave it out where the heap is full of better ones; return the new size.

    The root is the worst. Better is a higher score, then a smaller key: the inner entities in the order from
    question to choice, two of them in ``first`` (``one << 32 | two``), the third in ``last``.
    """
    if size == len(heap):
        if _is_worse(heap, 0, score, first, last):
            _sink(heap, size, score, first, last)
        return size
    at = size
    while at > 0:
        parent = (at - 1) // 2
        if _is_worse(heap, parent, score, first, last):
            break
        _set(heap, at, heap[parent, TOTAL], heap[parent, FIRST], heap[parent, LAST])
        at = parent
    _set(heap, at, score, first, last)
    return size + 1


@numba.njit(nogil=True, cache=True)
def _sink(heap: np.ndarray, size: int, score: int, first: int, last: int) -> None:
    """Put a path in the place of the root and restore the order of the first ``size``."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        other = child + 1
        if other < size and _is_worse(heap, other, heap[child, TOTAL], heap[child, FIRST], heap[child, LAST]):
            child = other
        if not _is_worse(heap, child, score, first, last):
            break
        _set(heap, at, heap[child, TOTAL], heap[child, FIRST], heap[child, LAST])
        at = child
    _set(heap, at, score, first, last)


@numba.njit(nogil=True, cache=True)
def _set(heap: np.ndarray, at: int, score: int, first: int, last: int) -> None:
    heap[at, TOTAL], heap[at, FIRST], heap[at, LAST] = score, first, last


@numba.njit(nogil=True, cache=True)
def _empty_into(heap: np.ndarray, size: int, paths: np.ndarray) -> None:
    """Empty the heap into ``paths``, best first."""
    while size > 0:
        size -= 1
        _set(paths, size, heap[0, TOTAL], heap[0, FIRST], heap[0, LAST])
        _sink(heap, size, heap[size, TOTAL], heap[size, FIRST], heap[size, LAST])


@numba.njit(nogil=True, cache=True)
def _grow_rows(array: np.ndarray, needed: int) -> np.ndarray:
    """Return a table, or a larger copy that holds at least ``needed`` rows."""
    if needed <= len(array):
        return array
    larger = np.empty((max(needed, 2 * len(array)), array.shape[1]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger


@numba.njit(nogil=True, cache=True)
def _grow(array: np.ndarray, needed: int) -> np.ndarray:
    """Return ``array``, or a larger copy that holds at least ``needed`` elements."""
    if needed <= len(array):
        return array
    larger = np.empty(max(needed, 2 * len(array)), dtype=array.dtype)
    larger[: len(array)] = array
    return larger
