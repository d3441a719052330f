"""Connected components.

Weak ones by union-find with path halving (Tarjan and van Leeuwen 1984), strong ones by Tarjan's search (1972)
without recursion. Both read the memory-mapped edges as they stand; scipy.sparse.csgraph would first copy them
into a matrix of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numba
import numpy as np

from kglm.kg.graph import KnowledgeGraph
from kglm.kg.search.inputs import EdgeFilter, Relations, Rows, edge_filter, int64, outgoing_rows, require_one_of


@dataclass(frozen=True)
class Components:
    """A partition of the entities into K components, numbered by falling size, ties by smallest entity id.

    Attributes:
        labels: ``int32 [entities]``, the component of each entity.
        sizes: ``int64 [K]``.
    """

    labels: np.ndarray
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)

    def members(self, component: int) -> np.ndarray:
        """Return the entity ids of one component, ascending."""
        component = range(len(self))[component]
        return np.flatnonzero(self.labels == component)


def connected_components(
    graph: KnowledgeGraph,
    *,
    connection: Literal["weak", "strong"] = "weak",
    relations: Relations = None,
    min_weight: float = 0.0,
) -> Components:
    """Return the connected components over the permitted triples, in time linear in triples and entities.

    Args:
        graph: the graph.
        connection: "weak" joins what a path joins that may walk edges either way; "strong" what paths from head
            to tail join in both directions.
        relations: names or ids of the relations permitted; None for all.
        min_weight: the smallest weight permitted.

    Raises:
        ConfigError: an option has a value that is not allowed.
        UnknownNameError: a relation is given by a name that the graph does not have.
    """
    require_one_of("connection", connection, ("weak", "strong"))
    permitted = edge_filter(graph, relations, min_weight)
    outgoing = outgoing_rows(graph)
    labels = (_weak if connection == "weak" else _strong)(outgoing, permitted)
    sizes = np.bincount(labels)
    # Numbers as they come rise with the smallest entity id of a component.
    order = np.argsort(-sizes, kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order))
    return Components(rank[labels], sizes[order])


@numba.njit(nogil=True, cache=True)
def _weak(outgoing: Rows, permitted: EdgeFilter) -> np.ndarray:
    """Return components numbered in the order of their smallest entities."""
    size = len(outgoing.indptr) - 1
    parents = np.arange(size).astype(np.int32)
    for head in range(size):
        for k in range(int64(outgoing.indptr[head]), int64(outgoing.indptr[head + 1])):
            if outgoing.weight_codes[k] >= permitted.min_code and permitted.relations[outgoing.relations[k]]:
                one, other = _root(parents, head), _root(parents, int64(outgoing.neighbors[k]))
                # The smaller id becomes the root: the numbers below are then ready in one pass.
                parents[max(one, other)] = min(one, other)
    number = 0
    for entity in range(size):
        if parents[entity] == entity:
            parents[entity] = number
            number += 1
        else:
            # Its root stands before it and holds its number by now, as does every entity before it.
            parents[entity] = parents[parents[entity]]
    return parents


@numba.njit(nogil=True, cache=True)
def _root(parents: np.ndarray, entity: int) -> int:
    """Return an entity's root, halving the way to it."""
    while parents[entity] != entity:
        parents[entity] = parents[parents[entity]]
        entity = int64(parents[entity])
    return entity


@numba.njit(nogil=True, cache=True)
def _strong(outgoing: Rows, permitted: EdgeFilter) -> np.ndarray:
    """Return components numbered in the order of their smallest entities."""
    size = len(outgoing.indptr) - 1
    # The order in which entities are reached, from 1; what an entity can go back to; the edge to follow next.
    order, low, following = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32), np.empty(size, np.int64)
    trail, stack = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    found = np.full(size, np.int32(-1))
    reached = stacked = components = 0
    for root in range(size):
        if order[root]:
            continue
        depth = 1
        trail[0] = root
        while depth:
            entity = trail[depth - 1]
            if order[entity] == 0:
                reached += 1
                order[entity] = low[entity] = reached
                stack[stacked] = entity
                stacked += 1
                following[entity] = int64(outgoing.indptr[entity])
            k, end = following[entity], int64(outgoing.indptr[entity + 1])
            deeper = False
            while k < end and not deeper:
                other = outgoing.neighbors[k]
                if (
                    outgoing.weight_codes[k] >= permitted.min_code
                    and permitted.relations[outgoing.relations[k]]
                    and found[other] < 0
                ):
                    if order[other] == 0:
                        # The same edge is looked at again on return, when ``low[other]`` is known.
                        trail[depth] = other
                        depth += 1
                        deeper = True
                        continue
                    low[entity] = min(low[entity], low[other])
                k += 1
            following[entity] = k
            if deeper:
                continue
            depth -= 1
            if low[entity] == order[entity]:
                while True:
                    stacked -= 1
                    found[stack[stacked]] = components
                    if stack[stacked] == entity:
                        break
                components += 1
    numbers = np.full(components, np.int32(-1))
    number = 0
    for entity in range(size):
        if numbers[found[entity]] < 0:
            numbers[found[entity]] = number
            number += 1
        found[entity] = numbers[found[entity]]
    return found
