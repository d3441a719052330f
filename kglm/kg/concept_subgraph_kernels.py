"""Compiled code: the nodes next to two or more concepts, and the triples among a set of nodes.

Counting goes in two passes over the concepts' rows. The first counts hashes of entities in a small array of bytes,
without comparing; the second looks only at the few whose hash was met twice. Nothing is as long as the graph, so
that the cost of an edge does not grow with it.

All compiled functions stand in this one file: numba keeps compiled code by the file of the outermost function,
and would not notice a change in another.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

# In compiled code plain numbers and those of numpy are one, which the type checker cannot know.
int64: Any = np.int64
uint64: Any = np.uint64

BLOCK = 1024
# A binary search in a row costs about as much as passing over this many edges.
PROBE = 32
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@numba.njit(nogil=True, cache=True)
def gather_nodes(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    relevance: np.ndarray,
    concepts: np.ndarray,
    concept_offsets: np.ndarray,
    max_nodes: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the concepts of each graph and the entities linked to two or more of them, the most relevant first.

    Args:
        indptr: rows of the links, ``[entities + 1]``.
        neighbors: ``int32`` links.
        relevance: ``float32 [entities]``, larger is kept first; empty for the default of
            :func:`kglm.kg.concept_subgraph.gather_nodes`.
        concepts: distinct within a graph, one graph after another.
        concept_offsets: ``int64 [G + 1]``.
        max_nodes: cap on the nodes of a graph; concepts are kept whatever it is.

    Returns:
        ``node_offsets int64 [G + 1]``, ``nodes int32 [N]``.
    """
    num_graphs = len(concept_offsets) - 1
    node_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    nodes = np.empty(1024, dtype=np.int32)
    sieve = np.empty(0, dtype=np.uint8)
    hits = np.empty(BLOCK, dtype=np.int32)
    slots = np.empty(0, dtype=np.int32)
    entities, counts = np.empty(BLOCK, dtype=np.int32), np.empty(BLOCK, dtype=np.int32)
    n = 0
    for g in range(num_graphs):
        mine = concepts[concept_offsets[g] : concept_offsets[g + 1]]
        sieve, num_hits = _sift(indptr, neighbors, mine, sieve)
        slots = _cleared(slots, num_hits + len(mine))
        entities, counts = _grow(entities, num_hits + len(mine)), _grow(counts, num_hits + len(mine))
        size = _count(indptr, neighbors, mine, sieve, hits, slots, entities, counts)
        keys = _rank(indptr, relevance, entities[len(mine) : size], counts[len(mine) : size])
        kept = min(len(keys), max(max_nodes - len(mine), 0))
        nodes = _grow(nodes, n + len(mine) + kept)
        nodes[n : n + len(mine)] = mine
        n += len(mine)
        for key in keys[:kept]:
            nodes[n] = key & 0x7FFFFFFF
            n += 1
        node_offsets[g + 1] = n
    return node_offsets, nodes[:n].copy()


@numba.njit(nogil=True, cache=True)
def _sift(
    indptr: np.ndarray, neighbors: np.ndarray, concepts: np.ndarray, sieve: np.ndarray
) -> tuple[np.ndarray, int]:
    """Count hashes of all neighbours, up to 2; return how many neighbours may share theirs with another."""
    visited = 0
    for concept in concepts:
        start, end = _row(indptr, concept)
        visited += end - start
    bits = 10
    while 1 << bits < 4 * visited and bits < 24:
        bits += 1
    if len(sieve) < 1 << bits:
        sieve = np.empty(1 << bits, dtype=np.uint8)
    sieve = sieve[: 1 << bits]
    sieve[:] = 0
    doubled, shift = 0, uint64(64 - bits)
    for concept in concepts:
        start, end = _row(indptr, concept)
        for k in range(start, end):
            slot = (uint64(neighbors[k]) * _MULTIPLIER) >> shift
            before = sieve[slot]
            sieve[slot] = min(before + 1, 2)
            doubled += (before > 0) + (before == 1)
    return sieve, doubled


@numba.njit(nogil=True, cache=True)
def _count(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    concepts: np.ndarray,
    sieve: np.ndarray,
    hits: np.ndarray,
    slots: np.ndarray,
    entities: np.ndarray,
    counts: np.ndarray,
) -> int:
    """Count exactly to how many concepts the sieved entities are linked; the concepts themselves come first.

    Returns:
        How many of ``entities`` and ``counts`` are used.
    """
    size = 0
    for concept in concepts:
        slots[_slot(slots, entities, concept)] = size
        entities[size], counts[size] = concept, 0
        size += 1
    bits = 0
    while 1 << bits < len(sieve):
        bits += 1
    shift = uint64(64 - bits)
    for concept in concepts:
        start, end = _row(indptr, concept)
        for block in range(start, end, BLOCK):
            num_hits = 0
            for k in range(block, min(block + BLOCK, end)):
                hits[num_hits] = neighbors[k]
                num_hits += sieve[(uint64(neighbors[k]) * _MULTIPLIER) >> shift] > 1
            for i in range(num_hits):
                slot = _slot(slots, entities, hits[i])
                if slots[slot] < 0:
                    slots[slot] = size
                    entities[size], counts[size] = hits[i], 0
                    size += 1
                counts[slots[slot]] += 1
    return size


@numba.njit(nogil=True, cache=True)
def _rank(indptr: np.ndarray, relevance: np.ndarray, entities: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the entities counted twice or more in the lower 31 bits of sorted keys, the most relevant first."""
    keys = np.empty(len(entities), dtype=np.int64)
    size = 0
    for i in range(len(entities)):
        entity, count = int64(entities[i]), int64(counts[i])
        if count < 2:
            continue
        if len(relevance):
            order = _descending(relevance[entity])
        else:
            start, end = _row(indptr, entity)
            order = (32767 - min(count, 32767)) << 16 | min(end - start, 65535)
        keys[size] = order << 31 | entity
        size += 1
    return np.sort(keys[:size])


@numba.njit(nogil=True, cache=True)
def _descending(value: float) -> int:
    """Return a number below 2^32 that is the smaller, the larger the value: the bits of its single precision."""
    bits = int64(np.float32(value).view(np.uint32))
    return bits if bits >= 0x80000000 else 0x7FFFFFFF - bits


@numba.njit(nogil=True, cache=True)
def connect_nodes(
    out_ptr: np.ndarray,
    out_neighbors: np.ndarray,
    out_relations: np.ndarray,
    in_ptr: np.ndarray,
    in_neighbors: np.ndarray,
    in_relations: np.ndarray,
    nodes: np.ndarray,
    node_offsets: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the triples among the nodes of each graph, self-loops left out.

    The nodes of a graph come one by one, the one with most edges first, and each is asked which of those before it
    it has triples with. So a triple is found once, from its end with fewer edges, and a hub, which has few nodes
    before it, is searched for them rather than passed over.

    Args:
        out_ptr: rows of edges by head, ``[entities + 1]``.
        out_neighbors: ``int32`` tails, sorted within a row.
        out_relations: parallel to ``out_neighbors``.
        in_ptr: rows of edges by tail, ``[entities + 1]``.
        in_neighbors: ``int32`` heads, sorted within a row.
        in_relations: parallel to ``in_neighbors``.
        nodes: distinct within a graph, one graph after another.
        node_offsets: ``int64 [G + 1]``.

    Returns:
        ``edge_offsets int64 [G + 1]``, ``edges int32 [2, E]`` (nodes within the graph), ``relations int32 [E]``,
        ``visited int64 [G]`` (edges passed over and searches made).
    """
    num_graphs = len(node_offsets) - 1
    edge_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    visited = np.zeros(num_graphs, dtype=np.int64)
    found = np.empty((1024, 3), dtype=np.int32)
    slots = np.empty(0, dtype=np.int32)
    hits = np.empty(BLOCK, dtype=np.int64)
    e = 0
    for g in range(num_graphs):
        mine = nodes[node_offsets[g] : node_offsets[g + 1]]
        slots = _cleared(slots, 2 * len(mine))
        order, degrees = _by_degree(out_ptr, in_ptr, mine)
        for rank in range(len(order)):
            u = order[rank]
            if e + degrees[rank] > len(found):
                found = _grow_rows(found, e + degrees[rank])
            start, end = _row(out_ptr, mine[u])
            in_start, in_end = _row(in_ptr, mine[u])
            if rank * PROBE < degrees[rank]:
                e = _search_row(out_neighbors, out_relations, start, end, mine, order, rank, False, found, e)
                e = _search_row(in_neighbors, in_relations, in_start, in_end, mine, order, rank, True, found, e)
                visited[g] += 2 * rank
            else:
                e = _pass_row(out_neighbors, out_relations, start, end, mine, u, False, slots, hits, found, e)
                e = _pass_row(in_neighbors, in_relations, in_start, in_end, mine, u, True, slots, hits, found, e)
                visited[g] += degrees[rank]
            slots[_slot(slots, mine, mine[u])] = u
        edge_offsets[g + 1] = e
    edges = np.empty((2, e), dtype=np.int32)
    edges[0], edges[1] = found[:e, 0], found[:e, 1]
    return edge_offsets, edges, found[:e, 2].copy(), visited


@numba.njit(nogil=True, cache=True)
def _by_degree(out_ptr: np.ndarray, in_ptr: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the nodes in falling order of their number of edges, and these numbers in that order."""
    order = np.empty(len(nodes), dtype=np.int64)
    degrees = np.empty(len(nodes), dtype=np.int64)
    for u in range(len(nodes)):
        start, end = _row(out_ptr, nodes[u])
        in_start, in_end = _row(in_ptr, nodes[u])
        order[u] = (end - start + in_end - in_start) * len(nodes) + len(nodes) - 1 - u
    order.sort()
    order = order[::-1].copy()
    for rank in range(len(order)):
        degrees[rank] = order[rank] // len(nodes)
        order[rank] = len(nodes) - 1 - order[rank] % len(nodes)
    return order, degrees


@numba.njit(nogil=True, cache=True)
def _pass_row(
    neighbors: np.ndarray,
    relations: np.ndarray,
    start: int,
    end: int,
    nodes: np.ndarray,
    u: int,
    incoming: bool,
    slots: np.ndarray,
    hits: np.ndarray,
    found: np.ndarray,
    e: int,
) -> int:
    """Append the triples of a row of node ``u`` whose other end is in the slots; return how many there are then."""
    mask = len(slots) - 1
    for block in range(start, end, BLOCK):
        num_hits = 0
        for k in range(block, min(block + BLOCK, end)):
            hits[num_hits] = k
            num_hits += slots[_hash(neighbors[k], mask)] >= 0
        for i in range(num_hits):
            k = hits[i]
            v = slots[_slot(slots, nodes, neighbors[k])]
            if v >= 0:
                found[e, 0], found[e, 1] = (v, u) if incoming else (u, v)
                found[e, 2] = relations[k]
                e += 1
    return e


@numba.njit(nogil=True, cache=True)
def _search_row(
    neighbors: np.ndarray,
    relations: np.ndarray,
    start: int,
    end: int,
    nodes: np.ndarray,
    order: np.ndarray,
    rank: int,
    incoming: bool,
    found: np.ndarray,
    e: int,
) -> int:
    """Append the triples of a row of the node at ``rank`` with those before it; return how many there are then."""
    u = order[rank]
    for before in range(rank):
        v = order[before]
        low, high = start, end
        while low < high:
            middle = (low + high) // 2
            if neighbors[middle] < nodes[v]:
                low = middle + 1
            else:
                high = middle
        while low < end and neighbors[low] == nodes[v]:
            found[e, 0], found[e, 1] = (v, u) if incoming else (u, v)
            found[e, 2] = relations[low]
            low, e = low + 1, e + 1
    return e


@numba.njit(nogil=True, cache=True)
def _row(indptr: np.ndarray, entity: int) -> tuple[int, int]:
    """Return where a row begins and ends, as signed integers: numba makes floats of mixed 64-bit integers."""
    return int64(indptr[entity]), int64(indptr[entity + 1])


@numba.njit(nogil=True, cache=True)
def _hash(entity: int, mask: int) -> int:
    return (uint64(entity) * _MULTIPLIER >> uint64(32)) & uint64(mask)


@numba.njit(nogil=True, cache=True)
def _slot(slots: np.ndarray, entities: np.ndarray, entity: int) -> int:
    """Return the slot that holds the place of an entity, an empty one where it is not in the slots."""
    mask = len(slots) - 1
    slot = int64(_hash(entity, mask))
    while slots[slot] >= 0 and entities[slots[slot]] != entity:
        slot = (slot + 1) & mask
    return slot


@numba.njit(nogil=True, cache=True)
def _cleared(slots: np.ndarray, size: int) -> np.ndarray:
    """Return empty slots, a power of two, for ``size`` items."""
    needed = 64
    while needed < 3 * size:
        needed *= 2
    if needed > len(slots):
        slots = np.empty(needed, dtype=slots.dtype)
    slots = slots[:needed]
    slots[:] = -1
    return slots


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
