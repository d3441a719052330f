"""Compiled code: from the paths of question-choice pairs to nodes, edges and their relations.

All compiled functions stand in this one file: numba keeps compiled code by the file of the outermost function,
and would not notice a change in another.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

# In compiled code plain numbers and those of numpy are one, which the type checker cannot know.
int64: Any = np.int64

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@numba.njit(nogil=True, cache=True)
def connect_paths(
    out_ptr: np.ndarray,
    out_neighbors: np.ndarray,
    out_relations: np.ndarray,
    in_ptr: np.ndarray,
    in_neighbors: np.ndarray,
    in_relations: np.ndarray,
    num_relations: int,
    questions: np.ndarray,
    question_offsets: np.ndarray,
    choices: np.ndarray,
    choice_offsets: np.ndarray,
    path_offsets: np.ndarray,
    step_offsets: np.ndarray,
    path_entities: np.ndarray,
    relations: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Return what :class:`kglm.kg.schema_graph.SchemaGraphs` holds beside the paths themselves.

    Args:
        out_ptr: rows of edges by head, ``[entities + 1]``.
        out_neighbors: ``int32`` tails, sorted within a row.
        out_relations: parallel to ``out_neighbors``.
        in_ptr: rows of edges by tail, ``[entities + 1]``.
        in_neighbors: ``int32`` heads, sorted within a row.
        in_relations: parallel to ``in_neighbors``.
        num_relations: R.
        questions: question concepts, one pair after another.
        question_offsets: ``int64 [G + 1]``.
        choices: choice concepts.
        choice_offsets: ``int64 [G + 1]``.
        path_offsets: ``int64 [G + 1]``.
        step_offsets: ``int64 [P + 1]``.
        path_entities: ``int32 [S]``.
        relations: room for the relations of edges, of the type that they shall have; may be too small.

    Returns:
        ``node_offsets, nodes, edge_offsets, edges, edge_relation_offsets, edge_relations, path_nodes, path_edges``.
    """
    num_graphs = len(question_offsets) - 1
    node_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    edge_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    nodes = np.empty(1024, dtype=np.int32)
    ends = np.empty((1024, 2), dtype=np.int32)
    relation_offsets = np.zeros(1024, dtype=np.int64)
    path_nodes = np.empty(len(path_entities), dtype=np.int32)
    path_edges = np.full(len(path_entities), -1, dtype=np.int32)
    slots = np.empty(1024, dtype=np.int32)
    n = e = 0
    for g in range(num_graphs):
        question = questions[question_offsets[g] : question_offsets[g + 1]]
        choice = choices[choice_offsets[g] : choice_offsets[g + 1]]
        paths = step_offsets[path_offsets[g] : path_offsets[g + 1] + 1]
        first, last = paths[0], paths[-1]
        num_concepts = len(question) + len(choice)

        slots = _cleared(slots, num_concepts + last - first)
        nodes = _grow(nodes, n + num_concepts + last - first)
        local = nodes[n:]
        size = _number(question, local, 0, slots, path_nodes[:0])
        size = _number(choice, local, size, slots, path_nodes[:0])
        size = _number(path_entities[first:last], local, size, slots, path_nodes[first:last])

        pairs = len(question) * (len(question) - 1) // 2 + len(choice) * (len(choice) - 1) // 2
        slots = _cleared(slots, pairs + last - first)
        ends = _grow_rows(ends, e + 2 * (pairs + last - first))
        relation_offsets = _grow(relation_offsets, len(ends) + 1)
        relations, e = _connect(
            out_ptr, out_neighbors, out_relations, in_ptr, in_neighbors, in_relations, num_relations,
            local, len(question), num_concepts, paths, path_nodes, path_edges, slots, ends[e:], relation_offsets, e,
            relations,
        )  # fmt: skip
        n += size
        node_offsets[g + 1], edge_offsets[g + 1] = n, e
    edges = np.empty((2, e), dtype=np.int32)
    edges[0], edges[1] = ends[:e, 0], ends[:e, 1]
    return (
        node_offsets, nodes[:n].copy(), edge_offsets, edges, relation_offsets[: e + 1].copy(),
        relations[: relation_offsets[e]].copy(), path_nodes, path_edges,
    )  # fmt: skip


@numba.njit(nogil=True, cache=True)
def _number(entities: np.ndarray, nodes: np.ndarray, size: int, slots: np.ndarray, numbers: np.ndarray) -> int:
    """Add the entities that are not yet among the first ``size`` nodes; return how many there are then.

    Each entity's place among the nodes is written to ``numbers``, where that is not empty.
    """
    mask = len(slots) - 1
    for i in range(len(entities)):
        slot = int64(np.uint64(entities[i]) * _MULTIPLIER >> np.uint64(32)) & mask
        while slots[slot] >= 0 and nodes[slots[slot]] != entities[i]:
            slot = (slot + 1) & mask
        if slots[slot] < 0:
            slots[slot], nodes[size] = size, entities[i]
            size += 1
        if len(numbers):
            numbers[i] = slots[slot]
    return size


@numba.njit(nogil=True, cache=True)
def _connect(
    out_ptr: np.ndarray,
    out_neighbors: np.ndarray,
    out_relations: np.ndarray,
    in_ptr: np.ndarray,
    in_neighbors: np.ndarray,
    in_relations: np.ndarray,
    num_relations: int,
    nodes: np.ndarray,
    num_question: int,
    num_concepts: int,
    paths: np.ndarray,
    path_nodes: np.ndarray,
    path_edges: np.ndarray,
    slots: np.ndarray,
    ends: np.ndarray,
    relation_offsets: np.ndarray,
    e: int,
    relations: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Append the edges of one graph: the hops of its paths, then the links within the two concept sets."""
    first = e
    for path in range(len(paths) - 1):
        for step in range(paths[path], paths[path + 1] - 1):
            u, v = path_nodes[step], path_nodes[step + 1]
            slot = _edge_slot(slots, ends, u, v)
            if slots[slot] < 0:
                slots[slot] = e - first
                relations, e = _append_edge(
                    out_ptr, out_neighbors, out_relations, in_ptr, in_neighbors, in_relations, num_relations,
                    nodes, u, v, ends, e - first, relation_offsets, e, relations,
                )  # fmt: skip
            path_edges[step] = slots[slot] + (ends[slots[slot], 0] != u)
    for u in range(num_concepts):
        for v in range(u + 1, num_question if u < num_question else num_concepts):
            slot = _edge_slot(slots, ends, u, v)
            if slots[slot] < 0:
                before = e
                relations, e = _append_edge(
                    out_ptr, out_neighbors, out_relations, in_ptr, in_neighbors, in_relations, num_relations,
                    nodes, u, v, ends, e - first, relation_offsets, e, relations,
                )  # fmt: skip
                if e > before:
                    slots[slot] = before - first
    return relations, e


@numba.njit(nogil=True, cache=True)
def _edge_slot(slots: np.ndarray, ends: np.ndarray, u: int, v: int) -> int:
    """Return the slot of the edge between two nodes, in whichever direction; an empty one where there is none."""
    mask = len(slots) - 1
    low, high = np.uint64(min(u, v)), np.uint64(max(u, v))
    slot = int64((low << np.uint64(20) ^ high) * _MULTIPLIER >> np.uint64(32)) & mask
    while slots[slot] >= 0:
        edge = slots[slot]
        if (ends[edge, 0] == u and ends[edge, 1] == v) or (ends[edge, 0] == v and ends[edge, 1] == u):
            break
        slot = (slot + 1) & mask
    return slot


@numba.njit(nogil=True, cache=True)
def _append_edge(
    out_ptr: np.ndarray,
    out_neighbors: np.ndarray,
    out_relations: np.ndarray,
    in_ptr: np.ndarray,
    in_neighbors: np.ndarray,
    in_relations: np.ndarray,
    num_relations: int,
    nodes: np.ndarray,
    u: int,
    v: int,
    ends: np.ndarray,
    at: int,
    relation_offsets: np.ndarray,
    e: int,
    relations: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Append an edge in both directions with its relations; none where no triple joins the two nodes."""
    a, b = nodes[u], nodes[v]
    k = relation_offsets[e]
    relations, there = _append_relations(
        out_ptr, out_neighbors, out_relations, in_ptr, in_neighbors, in_relations, a, b, relations, k
    )
    relations, back = _append_relations(
        out_ptr, out_neighbors, out_relations, in_ptr, in_neighbors, in_relations, b, a, relations, there
    )
    if back == k:
        return relations, e
    relations = _grow(relations, 2 * back - k)
    # The way back bears the relations of the triples back, then the inverses of those there.
    relations[back : 2 * back - there] = relations[there:back]
    relations[2 * back - there : 2 * back - k] = relations[k:there] + num_relations
    relations[there:back] += num_relations
    ends[at, 0], ends[at, 1] = u, v
    ends[at + 1, 0], ends[at + 1, 1] = v, u
    relation_offsets[e + 1], relation_offsets[e + 2] = back, 2 * back - k
    return relations, e + 2


@numba.njit(nogil=True, cache=True)
def _append_relations(
    out_ptr: np.ndarray,
    out_neighbors: np.ndarray,
    out_relations: np.ndarray,
    in_ptr: np.ndarray,
    in_neighbors: np.ndarray,
    in_relations: np.ndarray,
    head: int,
    tail: int,
    relations: np.ndarray,
    k: int,
) -> tuple[np.ndarray, int]:
    """Append the relations of the triples from ``head`` to ``tail``, found in the shorter of their rows."""
    start, end = _row(out_ptr, head)
    in_start, in_end = _row(in_ptr, tail)
    if end - start <= in_end - in_start:
        return _copy_relations(out_neighbors, out_relations, start, end, tail, relations, k)
    return _copy_relations(in_neighbors, in_relations, in_start, in_end, head, relations, k)


@numba.njit(nogil=True, cache=True)
def _row(indptr: np.ndarray, entity: int) -> tuple[int, int]:
    """Return where a row begins and ends, as signed integers: numba makes floats of mixed 64-bit integers."""
    return int64(indptr[entity]), int64(indptr[entity + 1])


@numba.njit(nogil=True, cache=True)
def _copy_relations(
    neighbors: np.ndarray,
    row_relations: np.ndarray,
    start: int,
    end: int,
    wanted: int,
    relations: np.ndarray,
    k: int,
) -> tuple[np.ndarray, int]:
    """Append the relations of the edges to ``wanted`` in a sorted row."""
    low, high = start, end
    while low < high:
        middle = (low + high) // 2
        if neighbors[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    while low < end and neighbors[low] == wanted:
        relations = _grow(relations, k + 1)
        relations[k] = row_relations[low]
        low, k = low + 1, k + 1
    return relations, k


@numba.njit(nogil=True, cache=True)
def _cleared(slots: np.ndarray, size: int) -> np.ndarray:
    """Return empty slots, a power of two, for ``size`` items."""
    needed = 16
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
