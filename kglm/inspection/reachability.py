"""How far apart two sets of entities are, for many pairs of sets at once.

Dimensions: Q first sets, P pairs, each of a first set and a second set of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

from kglm.kg import KnowledgeGraph

MAX_DISTANCE = 3
FAR = MAX_DISTANCE + 1


def distances_between(
    graph: KnowledgeGraph, sets: Sequence[np.ndarray], others: Sequence[np.ndarray], first: Sequence[int]
) -> np.ndarray:
    """Return ``uint8 [P]`` the least number of links between two sets: 0 where they share an entity, 4 beyond 3.

    Links are walked in either direction, whatever their relation. The cost is that of the links of each first set,
    and for each pair mostly that of the links of its second set: only pairs that are not within two hops are
    searched further, and that stops at the first path.

    Args:
        graph: where the distances are measured.
        sets: the Q first sets, as entity ids.
        others: the second set of each pair.
        first: ``[P]`` index of each pair's first set; pairs of the same first set stand together.

    Raises:
        ValueError: an id is outside the graph.
    """
    from_ids, from_offsets = _flatten(sets)
    to_ids, to_offsets = _flatten(others)
    for ids in (from_ids, to_ids):
        outside = ids[(ids < 0) | (ids >= graph.num_entities)]
        if len(outside):
            raise ValueError(f"entity id {outside[0]} is outside the graph of {graph.num_entities} entities")
    return _distances(
        np.asarray(graph.links.indptr), np.asarray(graph.links.neighbors), from_ids, from_offsets, to_ids, to_offsets,
        np.asarray(first, dtype=np.int64), np.full(graph.num_entities, -1, dtype=np.int64),
    )  # fmt: skip


def _flatten(sets: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.zeros(len(sets) + 1, dtype=np.int64)
    np.cumsum([len(ids) for ids in sets], out=offsets[1:])
    return np.concatenate([np.zeros(0, dtype=np.int64), *sets]).astype(np.int64), offsets


@numba.njit(cache=True, nogil=True)
def _distances(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    from_ids: np.ndarray,
    from_offsets: np.ndarray,
    to_ids: np.ndarray,
    to_offsets: np.ndarray,
    first: np.ndarray,
    stamps: np.ndarray,
) -> np.ndarray:
    """Search from both ends: ``stamps [entities]`` holds 2q for what is in first set q, 2q + 1 for its neighbours."""
    found = np.full(len(first), FAR, dtype=np.uint8)
    marked = -1
    for pair in range(len(first)):
        q = first[pair]
        if q != marked:
            marked = q
            for k in range(from_offsets[q], from_offsets[q + 1]):
                for i in range(np.int64(indptr[from_ids[k]]), np.int64(indptr[from_ids[k] + 1])):
                    stamps[neighbors[i]] = 2 * q + 1
            for k in range(from_offsets[q], from_offsets[q + 1]):
                stamps[from_ids[k]] = 2 * q
        if from_offsets[q] == from_offsets[q + 1]:
            continue
        ends = to_ids[to_offsets[pair] : to_offsets[pair + 1]]
        found[pair] = _near(indptr, neighbors, ends, stamps, 2 * q)
        if found[pair] == FAR and _touches(indptr, neighbors, ends, stamps, 2 * q):
            found[pair] = MAX_DISTANCE
    return found


@numba.njit(cache=True, nogil=True)
def _near(indptr: np.ndarray, neighbors: np.ndarray, ends: np.ndarray, stamps: np.ndarray, own: int) -> int:
    """Return 0, 1 or 2, or ``FAR`` where the distance is larger."""
    least = FAR
    for end in ends:
        if stamps[end] == own:
            return 0
        if stamps[end] == own + 1:
            least = 1
    if least == 1:
        return least
    for end in ends:
        for i in range(np.int64(indptr[end]), np.int64(indptr[end + 1])):
            if stamps[neighbors[i]] == own + 1:
                return 2
    return least


@numba.njit(cache=True, nogil=True)
def _touches(indptr: np.ndarray, neighbors: np.ndarray, ends: np.ndarray, stamps: np.ndarray, own: int) -> bool:
    """Say whether a neighbour of a neighbour of an end is a neighbour of the first set."""
    for end in ends:
        for i in range(np.int64(indptr[end]), np.int64(indptr[end + 1])):
            middle = np.int64(neighbors[i])
            for j in range(np.int64(indptr[middle]), np.int64(indptr[middle + 1])):
                if stamps[neighbors[j]] == own + 1:
                    return True
    return False
