"""The neighbours of many entities, filtered and ranked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np

from kglm.kg.adjacency import Edges
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.search.bulk import join, run_chunks
from kglm.kg.search.inputs import (
    Direction,
    EdgeFilter,
    Entities,
    Relations,
    Rows,
    edge_filter,
    entity_array,
    incoming_rows,
    int64,
    outgoing_rows,
    require_at_least,
    weight_values,
)


@dataclass(frozen=True)
class Neighbors:
    """The edges at each of Q entities, heaviest first, ties by relation, then by neighbour.

    Attributes:
        offsets: ``int64 [Q + 1]``.
        entities: ``int32 [K]``, the other end of each edge.
        relations: ``int32 [K]``; ``r + R`` where the edge enters the entity asked about.
        weights: ``float32 [K]``.
    """

    offsets: np.ndarray
    entities: np.ndarray
    relations: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> Edges:
        """Return the edges of one query."""
        index = range(len(self))[index]
        span = slice(self.offsets[index], self.offsets[index + 1])
        return Edges(self.entities[span], self.relations[span], self.weights[span])

    def __iter__(self) -> Iterator[Edges]:
        return (self[index] for index in range(len(self)))


def find_neighbors(
    graph: KnowledgeGraph,
    entities: Entities,
    *,
    direction: Direction = "out",
    relations: Relations = None,
    min_weight: float = 0.0,
    limit: int | None = None,
    workers: int = 1,
) -> Neighbors:
    """Return the neighbours of each entity: heaviest edge first, ties by relation id, then by neighbour id.

    A neighbour joined by several edges stands once for each. In both directions a self-loop is listed once, as
    an outgoing edge. The cost is that of reading each entity's edges and ranking what is returned:
    O(degree · log limit).

    Args:
        graph: the graph.
        entities: Q entities, ids or names; one may be asked about twice.
        direction: "out" for edges that leave the entity, "in" for those that enter it, or "both".
        relations: names or ids of the relations permitted; None for all.
        min_weight: the smallest weight permitted.
        limit: the most edges returned for an entity; None for all.
        workers: threads; the result is the same for any number.

    Raises:
        ConfigError: an option has a value that is not allowed.
        UnknownNameError: an entity or relation is given by a name that the graph does not have.
        ValueError: an entity id is outside the graph.
    """
    asked = entity_array(graph, entities)
    permitted = edge_filter(graph, relations, min_weight, direction)
    limit = require_at_least("limit", limit, 1) or 2 * graph.num_triples
    outgoing, incoming, values = outgoing_rows(graph), incoming_rows(graph), weight_values(graph)

    def run(start: int, stop: int) -> Neighbors:
        offsets, found, codes, kinds = _ranked_neighbors(
            outgoing, incoming, permitted, graph.num_relations, len(values), asked[start:stop], limit
        )
        return Neighbors(offsets, found, kinds, values[codes])

    return join(Neighbors, run_chunks(len(asked), workers, run))


@numba.njit(nogil=True, cache=True)
def _ranked_neighbors(
    outgoing: Rows,
    incoming: Rows,
    permitted: EdgeFilter,
    num_relations: int,
    num_codes: int,
    asked: np.ndarray,
    limit: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return offsets, neighbours, weight codes and relations."""
    offsets = np.zeros(len(asked) + 1, dtype=np.int64)
    for q in range(len(asked)):
        count = 0
        if permitted.outgoing:
            count += _count(outgoing, asked[q], permitted, False)
        if permitted.incoming:
            count += _count(incoming, asked[q], permitted, permitted.outgoing)
        offsets[q + 1] = offsets[q] + min(count, limit)
    entities = np.empty(offsets[-1], dtype=np.int32)
    keys = np.empty(offsets[-1], dtype=np.int64)
    for q in range(len(asked)):
        # The best edges so far are a heap in the place where they will stand sorted.
        heap, ends = keys[offsets[q] : offsets[q + 1]], entities[offsets[q] : offsets[q + 1]]
        filled = int64(0)
        if permitted.outgoing:
            filled = _collect(outgoing, asked[q], permitted, False, 0, num_relations, num_codes, heap, ends, filled)
        if permitted.incoming:
            _collect(
                incoming, asked[q], permitted, permitted.outgoing, num_relations, num_relations, num_codes,
                heap, ends, filled,
            )  # fmt: skip
        for last in range(len(heap) - 1, 0, -1):
            heap[0], heap[last] = heap[last], heap[0]
            ends[0], ends[last] = ends[last], ends[0]
            _sift_down(heap, ends, 0, last)
    codes = (num_codes - 1) - keys // (2 * num_relations)
    return offsets, entities, codes, (keys % (2 * num_relations)).astype(np.int32)


@numba.njit(nogil=True, cache=True)
def _count(row: Rows, entity: int, permitted: EdgeFilter, skip_loops: bool) -> int:
    """Return how many of an entity's edges are permitted."""
    count = 0
    for k in range(int64(row.indptr[entity]), int64(row.indptr[entity + 1])):
        if (
            row.weight_codes[k] >= permitted.min_code
            and permitted.relations[row.relations[k]]
            and not (skip_loops and row.neighbors[k] == entity)
        ):
            count += 1
    return count


@numba.njit(nogil=True, cache=True)
def _collect(
    row: Rows,
    entity: int,
    permitted: EdgeFilter,
    skip_loops: bool,
    shift: int,
    num_relations: int,
    num_codes: int,
    heap: np.ndarray,
    ends: np.ndarray,
    filled: int,
) -> int:
    """Offer an entity's permitted edges to a heap with the worst at its root; return how much of it is filled."""
    for k in range(int64(row.indptr[entity]), int64(row.indptr[entity + 1])):
        if (
            row.weight_codes[k] < permitted.min_code
            or not permitted.relations[row.relations[k]]
            or (skip_loops and row.neighbors[k] == entity)
        ):
            continue
        rank = num_codes - 1 - int64(row.weight_codes[k])
        key = rank * 2 * num_relations + int64(row.relations[k]) + shift
        if filled < len(heap):
            heap[filled], ends[filled] = key, row.neighbors[k]
            filled += 1
            if filled == len(heap):
                for root in range(filled // 2 - 1, -1, -1):
                    _sift_down(heap, ends, root, filled)
        elif key < heap[0] or (key == heap[0] and row.neighbors[k] < ends[0]):
            heap[0], ends[0] = key, row.neighbors[k]
            _sift_down(heap, ends, 0, filled)
    return filled


@numba.njit(nogil=True, cache=True)
def _sift_down(heap: np.ndarray, ends: np.ndarray, root: int, size: int) -> None:
    """Restore the heap order below ``root``; a parent's (key, end) is not smaller than its children's."""
    key, end = heap[root], ends[root]
    while 2 * root + 1 < size:
        child = 2 * root + 1
        right = child + 1
        if right < size and (heap[right] > heap[child] or (heap[right] == heap[child] and ends[right] > ends[child])):
            child = right
        if heap[child] < key or (heap[child] == key and ends[child] <= end):
            break
        heap[root], ends[root] = heap[child], ends[child]
        root = child
    heap[root], ends[root] = key, end
