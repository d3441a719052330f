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
def orient_triples(
    out_ptr: np.ndarray, out_neighbors: np.ndarray, out_relations: np.ndarray, in_ptr: np.ndarray, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give every triple to that of its ends which has fewer edges, of equals to the one with the smaller id.

    Hubs come to own next to nothing, and no entity more than the square root of twice the triples, parallel ones
    apart. Self-loops are left out.

    Args:
        out_ptr: rows of edges by head, ``[entities + 1]``.
        out_neighbors: ``int32`` tails.
        out_relations: parallel to ``out_neighbors``.
        in_ptr: rows of edges by tail, ``[entities + 1]``.
        codes: ``[triples]``, filled: twice the relation, plus one where the owner is the tail.

    Returns:
        ``indptr int64 [entities + 1]``, ``others int32``: the other ends of the triples that each entity owns.
    """
    size = len(out_ptr) - 1
    degrees = np.empty(size, dtype=np.int64)
    for entity in range(size):
        start, end = _row(out_ptr, entity)
        in_start, in_end = _row(in_ptr, entity)
        degrees[entity] = end - start + in_end - in_start
    indptr = np.zeros(size + 2, dtype=np.int64)
    for head in range(size):
        start, end = _row(out_ptr, head)
        for k in range(start, end):
            tail = out_neighbors[k]
            if tail != head:
                indptr[(head if _owns(degrees, head, tail) else tail) + 2] += 1
    for entity in range(size):
        indptr[entity + 2] += indptr[entity + 1]
    others = np.empty(indptr[size + 1], dtype=np.int32)
    for head in range(size):
        start, end = _row(out_ptr, head)
        for k in range(start, end):
            tail = out_neighbors[k]
            if tail == head:
                continue
            mine = _owns(degrees, head, tail)
            owner = head if mine else tail
            at = indptr[owner + 1]
            others[at], codes[at] = tail if mine else head, 2 * int64(out_relations[k]) + (not mine)
            indptr[owner + 1] = at + 1
    return indptr[: size + 1], others


@numba.njit(nogil=True, cache=True)
def _owns(degrees: np.ndarray, head: int, tail: int) -> bool:
    return degrees[head] < degrees[tail] or (degrees[head] == degrees[tail] and head < tail)


@numba.njit(nogil=True, cache=True)
def connect_nodes(
    indptr: np.ndarray, others: np.ndarray, codes: np.ndarray, nodes: np.ndarray, node_offsets: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the triples among the nodes of each graph, self-loops left out: those that a node owns, node by node.

    Args:
        indptr: rows of the triples that an entity owns, as :func:`orient_triples` made them, also the next two.
        others: ``int32``, the other ends.
        codes: parallel to ``others``.
        nodes: distinct within a graph, one graph after another.
        node_offsets: ``int64 [G + 1]``.

    Returns:
        ``edge_offsets int64 [G + 1]``, ``edges int32 [2, E]`` (nodes within the graph), ``relations int32 [E]``,
        ``visited int64 [G]`` (triples passed over).
    """
    num_graphs = len(node_offsets) - 1
    edge_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    visited = np.zeros(num_graphs, dtype=np.int64)
    found = np.empty((1 << 16, 3), dtype=np.int32)
    slots = np.empty(0, dtype=np.int32)
    e = 0
    for g in range(num_graphs):
        mine = nodes[node_offsets[g] : node_offsets[g + 1]]
        slots = _cleared(slots, 2 * len(mine))
        for u in range(len(mine)):
            slots[_slot(slots, mine, mine[u])] = u
            visited[g] += indptr[mine[u] + 1] - indptr[mine[u]]
        if e + visited[g] > len(found):
            found = _grow_rows(found, e + visited[g])
        e = _connect(indptr, others, codes, mine, slots, found, e)
        edge_offsets[g + 1] = e
    edges = np.empty((2, e), dtype=np.int32)
    edges[0], edges[1] = found[:e, 0], found[:e, 1]
    return edge_offsets, edges, found[:e, 2].copy(), visited


@numba.njit(nogil=True, cache=True)
def _connect(
    indptr: np.ndarray,
    others: np.ndarray,
    codes: np.ndarray,
    nodes: np.ndarray,
    slots: np.ndarray,
    found: np.ndarray,
    e: int,
) -> int:
    """Append the triples that one node owns with another; return how many there are then."""
    mask = len(slots) - 1
    for u in range(len(nodes)):
        for k in range(indptr[nodes[u]], indptr[nodes[u] + 1]):
            other = others[k]
            if slots[_hash(other, mask)] < 0:
                continue
            v = slots[_slot(slots, nodes, other)]
            if v >= 0:
                is_tail = codes[k] & 1
                found[e, 0], found[e, 1] = (v, u) if is_tail else (u, v)
                found[e, 2] = codes[k] >> 1
                e += 1
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
