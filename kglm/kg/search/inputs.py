"""What every search takes, checked once: entities, sets of entities, filters of edges, options."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from kglm.errors import ConfigError
from kglm.kg.adjacency import Adjacency
from kglm.kg.graph import KnowledgeGraph

Direction = Literal["out", "in", "both"]
DIRECTIONS = ("out", "in", "both")

# In compiled code plain numbers and those of numpy are one, which the type checker cannot know.
int64: Any = np.int64
uint64: Any = np.uint64

Entities = np.ndarray | Sequence[int] | Sequence[str] | int | str
Relations = Iterable[str | int] | str | None


# Of the tuples below compiled code on disk knows the fields by place and type: whoever reorders fields of one type
# must change the files that compile (numba notices a change in those alone).


class Rows(NamedTuple):
    """The edges of every entity in one direction, sorted by (neighbour, relation), as compiled code reads them."""

    indptr: np.ndarray
    neighbors: np.ndarray
    relations: np.ndarray
    weight_codes: np.ndarray


class LinkRows(NamedTuple):
    """The simple undirected graph as compiled code reads it; a row stands heaviest first, ties by entity id."""

    indptr: np.ndarray
    neighbors: np.ndarray
    weight_codes: np.ndarray


class EdgeFilter(NamedTuple):
    """Which edges a search may use.

    Attributes:
        relations: ``bool [R]``.
        min_code: the smallest weight code permitted; codes order as weights do.
        outgoing: whether edges are walked from head to tail.
        incoming: whether edges are walked from tail to head.
        whole: whether all relations in both directions are permitted, so that the links tell the same.
    """

    relations: np.ndarray
    min_code: int
    outgoing: bool
    incoming: bool
    whole: bool


def outgoing_rows(graph: KnowledgeGraph) -> Rows:
    """Return the edges by head, as plain arrays, which compiled code takes faster than memory maps."""
    return _rows(graph.outgoing)


def incoming_rows(graph: KnowledgeGraph) -> Rows:
    """Return the edges by tail."""
    return _rows(graph.incoming)


def _rows(adjacency: Adjacency) -> Rows:
    return Rows(*(np.asarray(getattr(adjacency, field)) for field in Rows._fields))


def link_rows(graph: KnowledgeGraph) -> LinkRows:
    """Return the arrays of the links."""
    return LinkRows(*(np.asarray(getattr(graph.links, field)) for field in LinkRows._fields))


def weight_values(graph: KnowledgeGraph) -> np.ndarray:
    """Return ``float32`` the distinct weights, ascending; a weight code is an index into them."""
    return np.asarray(graph.weight_values)


def edge_filter(
    graph: KnowledgeGraph, relations: Relations = None, min_weight: float = 0.0, direction: Direction = "both"
) -> EdgeFilter:
    """Return the filter of edges that options describe.

    Args:
        graph: the graph.
        relations: names or ids of the relations permitted; None permits all.
        min_weight: the smallest weight permitted.
        direction: "out" walks edges from head to tail, "in" from tail to head, "both" either way.

    Raises:
        ConfigError: an option has a value that is not allowed.
        UnknownNameError: the graph has no relation of a name given.
    """
    require_one_of("direction", direction, DIRECTIONS)
    if not (math.isfinite(min_weight) and min_weight >= 0):
        raise ConfigError(f"min_weight is {min_weight}, expected a finite number of at least 0")
    permitted = _permitted_relations(graph, relations)
    # Weights are stored in single precision: 0.1 must permit an edge whose weight was read as 0.1.
    min_code = int(np.searchsorted(weight_values(graph), np.float32(min_weight)))
    whole = direction == "both" and bool(permitted.all())
    return EdgeFilter(permitted, min_code, direction != "in", direction != "out", whole)


def _permitted_relations(graph: KnowledgeGraph, relations: Relations) -> np.ndarray:
    if relations is None:
        return np.ones(graph.num_relations, dtype=np.bool_)
    permitted = np.zeros(graph.num_relations, dtype=np.bool_)
    for relation in [relations] if isinstance(relations, str) else relations:
        index = graph.relation_id(relation) if isinstance(relation, str) else int(relation)
        if not 0 <= index < graph.num_relations:
            raise ConfigError(f"relations holds {index}, expected ids of 0 to {graph.num_relations - 1}, or names")
        permitted[index] = True
    if not permitted.any():
        raise ConfigError("relations is empty, expected at least one relation, or None for all")
    return permitted


def entity_array(graph: KnowledgeGraph, entities: Entities) -> np.ndarray:
    """Return entities, given by id or by name, as ``int32``.

    Raises:
        ValueError: an id is outside the graph, or the array is not one of whole numbers.
        UnknownNameError: the graph has no entity of a name given.
    """
    if isinstance(entities, (str, int, np.integer)):
        entities = [entities]  # type: ignore[assignment]
    if not isinstance(entities, np.ndarray):
        entities = np.asarray([graph.entity_id(one) if isinstance(one, str) else one for one in entities])  # type: ignore[union-attr]
    if entities.ndim != 1:
        raise ValueError(f"entities have the shape {entities.shape}, expected one dimension")
    if not len(entities):
        return np.zeros(0, dtype=np.int32)
    if entities.dtype.kind not in "iu":
        raise ValueError(f"entities are of type {entities.dtype}, expected whole numbers")
    outside = entities[(entities < 0) | (entities >= graph.num_entities)]
    if len(outside):
        raise ValueError(f"entity id {outside[0]} is outside the graph of {graph.num_entities} entities")
    return entities.astype(np.int32)


def entity_sets(graph: KnowledgeGraph, sets: Sequence[Entities] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sets of entities as ``int32`` ids and ``int64 [sets + 1]`` offsets; see :func:`entity_array`."""
    if isinstance(sets, (str, int, np.integer)):
        raise ValueError(f"one entity ({sets!r}) stands where a list of sets of entities was expected")
    arrays = [entity_array(graph, one) for one in sets]
    offsets = np.zeros(len(arrays) + 1, dtype=np.int64)
    np.cumsum([len(array) for array in arrays], out=offsets[1:])
    return np.concatenate([np.zeros(0, dtype=np.int32), *arrays]), offsets


def require_one_of(field: str, value: Any, allowed: Sequence[Any]) -> None:
    """Raise a ConfigError unless the value is one of those allowed."""
    if value not in allowed:
        raise ConfigError(f"{field} is {value!r}, expected one of {', '.join(map(repr, allowed))}")


def require_at_least(field: str, value: int | None, minimum: int) -> int | None:
    """Return a whole number (or None, no bound) of at least ``minimum``; raise a ConfigError otherwise."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum):
        raise ConfigError(f"{field} is {value!r}, expected a whole number of at least {minimum}")
    return value


def require_between(field: str, value: float, low: float, high: float) -> None:
    """Raise a ConfigError unless ``low < value < high``."""
    if not low < value < high:
        raise ConfigError(f"{field} is {value!r}, expected a number above {low:g} and below {high:g}")
