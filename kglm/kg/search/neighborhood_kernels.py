"""Compiled code: k-hop neighbourhoods by the rule in :mod:`kglm.kg.search.neighborhood`.

All compiled functions that call each other stand in this one file: numba keeps compiled code by the file of the
outermost function, and would not notice a change in another.
"""

from __future__ import annotations

import numba
import numpy as np

from kglm.kg.search.inputs import EdgeFilter, LinkRows, Rows, int64


@numba.njit(nogil=True, cache=True)
def neighborhoods(
    outgoing: Rows,
    incoming: Rows,
    links: LinkRows,
    permitted: EdgeFilter,
    seeds: np.ndarray,
    seed_offsets: np.ndarray,
    fanouts: np.ndarray,
    max_nodes: int,
    local: np.ndarray,
    candidates: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return node offsets, nodes, distances, edge offsets, and (head, tail, relation, weight code) of every edge.

    ``local [entities]`` holds 0, or an entity's index in its query plus 1, or minus its index among the hop's
    candidates minus 1. ``candidates [entities]`` holds keys that order as the rule does (see :func:`_key`).
    """
    num_queries = len(seed_offsets) - 1
    node_offsets = np.zeros(num_queries + 1, dtype=np.int64)
    edge_offsets = np.zeros(num_queries + 1, dtype=np.int64)
    nodes, distances = np.empty(64, dtype=np.int32), np.empty(64, dtype=np.int32)
    edges = np.empty(256, dtype=np.int64)
    # Not plain 0: numba would compile what takes them a second time, for that number alone.
    n = e = int64(0)
    for q in range(num_queries):
        first = n
        nodes = _grow(nodes, n + seed_offsets[q + 1] - seed_offsets[q])
        distances = _grow(distances, len(nodes))
        for k in range(seed_offsets[q], seed_offsets[q + 1]):
            if local[seeds[k]] == 0:
                nodes[n], distances[n] = seeds[k], 0
                n += 1
                local[seeds[k]] = n - first
        level = first
        for hop in range(len(fanouts)):
            room = max_nodes - (n - first)
            if room <= 0 or level == n:
                break
            found = _propose(outgoing, incoming, links, permitted, nodes[level:n], fanouts[hop], local, candidates)
            level = n
            _sort(candidates[:found])
            nodes = _grow(nodes, n + min(found, room))
            distances = _grow(distances, len(nodes))
            for c in range(found):
                entity = candidates[c] & 0x7FFFFFFF
                local[entity] = 0
                if c < room:
                    nodes[n], distances[n] = entity, hop + 1
                    n += 1
                    local[entity] = n - first
        members = nodes[first:n].astype(np.int64)
        _sort(members)
        for i in range(first, n):
            edges, e = _induce(outgoing, permitted, nodes[i], members, local, edges, e)
        for i in range(first, n):
            local[nodes[i]] = 0
        node_offsets[q + 1], edge_offsets[q + 1] = n, e
    return node_offsets, nodes[:n], distances[:n], edge_offsets, edges[: 4 * e]


@numba.njit(nogil=True, cache=True)
def _key(code: int, entity: int) -> int:
    """Return a number that is smaller for a heavier link, then for a smaller entity id."""
    return ((0xFFFFFFFF - int64(code)) << 31) | int64(entity)


@numba.njit(nogil=True, cache=True)
def _propose(
    outgoing: Rows,
    incoming: Rows,
    links: LinkRows,
    permitted: EdgeFilter,
    level: np.ndarray,
    fanout: int,
    local: np.ndarray,
    candidates: np.ndarray,
) -> int:
    """Fill the candidates of one hop; return their number."""
    found = int64(0)
    heap = np.empty(0, dtype=np.int64)
    for entity in level:
        if permitted.whole:
            taken = 0
            for k in range(int64(links.indptr[entity]), int64(links.indptr[entity + 1])):
                if links.weight_codes[k] < permitted.min_code or taken == fanout:
                    break
                if local[links.neighbors[k]] <= 0:
                    found = _offer(_key(links.weight_codes[k], links.neighbors[k]), local, candidates, found)
                    taken += 1
        else:
            heap, taken = _heaviest(outgoing, incoming, permitted, entity, fanout, local, heap)
            for k in range(taken):
                found = _offer(heap[k], local, candidates, found)
    return found


@numba.njit(nogil=True, cache=True)
def _offer(key: int, local: np.ndarray, candidates: np.ndarray, found: int) -> int:
    """Add a candidate, or let it have the heavier of two links; return the number of candidates."""
    entity = key & 0x7FFFFFFF
    if local[entity] == 0:
        candidates[found] = key
        found += 1
        local[entity] = -found
    else:
        at = -local[entity] - 1
        candidates[at] = min(candidates[at], key)
    return found


@numba.njit(nogil=True, cache=True)
def _heaviest(
    outgoing: Rows,
    incoming: Rows,
    permitted: EdgeFilter,
    entity: int,
    fanout: int,
    local: np.ndarray,
    heap: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Return the keys of an entity's best new neighbours, in no order, and their number.

    The rows of both directions are sorted by neighbour; they are merged to see all edges of one at once.
    """
    none = int64(0x7FFFFFFF)
    i, i_end = int64(outgoing.indptr[entity]), int64(outgoing.indptr[entity + 1])
    j, j_end = int64(incoming.indptr[entity]), int64(incoming.indptr[entity + 1])
    if not permitted.outgoing:
        i = i_end
    if not permitted.incoming:
        j = j_end
    heap = _grow(heap, min(fanout, i_end - i + j_end - j))
    filled = 0
    while i < i_end or j < j_end:
        other = min(
            int64(outgoing.neighbors[i]) if i < i_end else none,
            int64(incoming.neighbors[j]) if j < j_end else none,
        )
        best = int64(-1)
        while i < i_end and outgoing.neighbors[i] == other:
            if permitted.relations[outgoing.relations[i]]:
                best = max(best, int64(outgoing.weight_codes[i]))
            i += 1
        while j < j_end and incoming.neighbors[j] == other:
            if permitted.relations[incoming.relations[j]]:
                best = max(best, int64(incoming.weight_codes[j]))
            j += 1
        if best < 0 or best < permitted.min_code or local[other] > 0:
            continue
        key = _key(best, other)
        if filled < fanout:
            heap[filled] = key
            filled += 1
            if filled == fanout:
                _heapify(heap[:filled])
        elif key < heap[0]:
            heap[0] = key
            _sift_down(heap, 0, filled)
    return heap, filled


@numba.njit(nogil=True, cache=True)
def _induce(
    outgoing: Rows,
    permitted: EdgeFilter,
    head: int,
    members: np.ndarray,
    local: np.ndarray,
    edges: np.ndarray,
    e: int,
) -> tuple[np.ndarray, int]:
    """Append the permitted triples from ``head`` to members; return the edges and how many there are."""
    at, end = int64(outgoing.indptr[head]), int64(outgoing.indptr[head + 1])
    by_member = len(members) * np.log2(end - at + 2) < end - at
    for m in range(len(members) if by_member else 1):
        if by_member:
            at = _lower_bound(outgoing.neighbors, at, end, members[m])
        while at < end and (not by_member or outgoing.neighbors[at] == members[m]):
            tail = local[outgoing.neighbors[at]]
            if (
                tail > 0
                and permitted.relations[outgoing.relations[at]]
                and outgoing.weight_codes[at] >= permitted.min_code
            ):
                edges = _grow(edges, 4 * e + 4)
                edges[4 * e], edges[4 * e + 1] = local[head] - 1, tail - 1
                edges[4 * e + 2], edges[4 * e + 3] = outgoing.relations[at], outgoing.weight_codes[at]
                e += 1
            at += 1
    return edges, e


@numba.njit(nogil=True, cache=True)
def _lower_bound(neighbors: np.ndarray, low: int, high: int, entity: int) -> int:
    """Return the first place in a sorted row that holds ``entity`` or a larger id."""
    while low < high:
        middle = (low + high) // 2
        if neighbors[middle] < entity:
            low = middle + 1
        else:
            high = middle
    return low


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
def _sort(keys: np.ndarray) -> None:
    """Sort ascending, in place."""
    _heapify(keys)
    for last in range(len(keys) - 1, 0, -1):
        keys[0], keys[last] = keys[last], keys[0]
        _sift_down(keys, 0, last)


@numba.njit(nogil=True, cache=True)
def _heapify(keys: np.ndarray) -> None:
    """Put the keys in heap order, the largest at the root."""
    for root in range(len(keys) // 2 - 1, -1, -1):
        _sift_down(keys, root, len(keys))


@numba.njit(nogil=True, cache=True)
def _sift_down(keys: np.ndarray, root: int, size: int) -> None:
    """Restore the heap order below ``root`` within the first ``size`` keys."""
    key = keys[root]
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and keys[child + 1] > keys[child]:
            child += 1
        if keys[child] <= key:
            break
        keys[root] = keys[child]
        root = child
    keys[root] = key
