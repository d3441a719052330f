"""Cheapest paths between many pairs of entities, by bidirectional search.

Source: Dijkstra 1959, from both ends at once; the search stops when the cheapest open entities of both sides
together cost no less than the best path seen (Pohl 1971; Goldberg and Harrelson 2005, section 4). Of both sides
the one with fewer open entities is extended, so a pair costs little when one of its ends lies in a small
component.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.search.bulk import join, run_chunks
from kglm.kg.search.inputs import (
    Direction,
    Entities,
    Relations,
    edge_filter,
    entity_array,
    incoming_rows,
    link_rows,
    outgoing_rows,
    require_one_of,
    weight_values,
)
from kglm.kg.search.scratch import borrowed
from kglm.kg.search.shortest_path_kernels import Side, search_all

Cost = Literal["hops", "inverse"] | Callable[[np.ndarray], np.ndarray]


class Path(NamedTuple):
    """One path: ``int32 [L + 1]`` entities, ``int32 [L]`` relations (``r + R`` against the edge), and its cost."""

    entities: np.ndarray
    relations: np.ndarray
    cost: float


@dataclass(frozen=True)
class ShortestPaths:
    """The cheapest path of each of Q pairs.

    Attributes:
        offsets: ``int64 [Q + 1]``; a pair that is not joined has no step.
        entities: ``int32 [S]``, the entities along each path, source and target included.
        relations: ``int32 [S]``, the relation that leaves each step, ``r + R`` where the edge is walked from
            tail to head; -1 at a path's last entity.
        costs: ``float64 [Q]``; infinite for a pair that is not joined.
    """

    offsets: np.ndarray
    entities: np.ndarray
    relations: np.ndarray
    costs: np.ndarray

    def __len__(self) -> int:
        return len(self.costs)

    def __getitem__(self, index: int) -> Path | None:
        """Return the path of one pair, None where the pair is not joined."""
        index = range(len(self))[index]
        start, stop = self.offsets[index], self.offsets[index + 1]
        if start == stop:
            return None
        return Path(self.entities[start:stop], self.relations[start : stop - 1], float(self.costs[index]))

    def __iter__(self) -> Iterator[Path | None]:
        return (self[index] for index in range(len(self)))


def shortest_paths(
    graph: KnowledgeGraph,
    sources: Entities,
    targets: Entities,
    *,
    cost: Cost = "inverse",
    direction: Direction = "both",
    relations: Relations = None,
    min_weight: float = 0.0,
    max_cost: float = np.inf,
    workers: int = 1,
) -> ShortestPaths:
    """Return a cheapest path from each source to the target at the same place.

    Of several cheapest paths one is returned, always the same. A hop that several edges could make is told by
    the cheapest, ties by relation id. A pair costs what its search visits, O(edges · log open entities), not
    what the graph holds.

    Args:
        graph: the graph.
        sources: Q entities, ids or names.
        targets: Q entities.
        cost: what an edge costs: "inverse", 1 / weight; "hops", 1; or a function from ``float32`` weights to
            their costs, which must be positive and finite.
        direction: how edges are walked: "out" from head to tail, "in" from tail to head, or "both".
        relations: names or ids of the relations permitted; None for all.
        min_weight: the smallest weight permitted.
        max_cost: a path that costs more counts as none, and the search stops there.
        workers: threads; the result is the same for any number.

    Raises:
        ConfigError: an option has a value that is not allowed.
        UnknownNameError: an entity or relation is given by a name that the graph does not have.
        ValueError: an entity id is outside the graph, or there are not as many targets as sources.
    """
    starts, ends = entity_array(graph, sources), entity_array(graph, targets)
    if len(starts) != len(ends):
        raise ValueError(f"{len(starts)} sources but {len(ends)} targets; expected as many")
    permitted = edge_filter(graph, relations, min_weight, direction)
    if not max_cost >= 0:
        raise ConfigError(f"max_cost is {max_cost!r}, expected a number of at least 0")
    prices = _prices(weight_values(graph), cost)
    if np.any(np.diff(prices) > 0):
        # The links tell the heaviest edge only, which is not the cheapest here.
        permitted = permitted._replace(whole=False)
    outgoing, incoming, links = outgoing_rows(graph), incoming_rows(graph), link_rows(graph)

    def run(start: int, stop: int) -> ShortestPaths:
        with borrowed(graph, _side) as forward, borrowed(graph, _side) as backward:
            arrays = search_all(
                outgoing, incoming, links, permitted, prices, starts[start:stop], ends[start:stop], float(max_cost),
                forward, backward,
            )  # fmt: skip
        return ShortestPaths(*(array.copy() for array in arrays))

    return join(ShortestPaths, run_chunks(len(starts), workers, run))


def _prices(values: np.ndarray, cost: Cost) -> np.ndarray:
    """Return ``float64``, the cost of an edge by its weight code."""
    if not callable(cost):
        require_one_of("cost", cost, ("hops", "inverse"))
        return np.ones(len(values)) if cost == "hops" else 1 / values.astype(np.float64)
    prices = np.asarray(cost(values), dtype=np.float64)
    if prices.shape != values.shape:
        raise ConfigError(f"cost returned the shape {prices.shape} for {values.shape} weights, expected the same")
    wrong = np.flatnonzero(~(np.isfinite(prices) & (prices > 0)))
    if len(wrong):
        raise ConfigError(
            f"cost is {prices[wrong[0]]} for the weight {values[wrong[0]]}, expected a positive, finite number"
        )
    return prices


def _side(size: int) -> Side:
    return Side(
        local=np.zeros(size, dtype=np.int32),
        entities=np.empty(size, dtype=np.int32),
        costs=np.empty(size, dtype=np.float64),
        parents=np.empty(size, dtype=np.int32),
        heap=np.empty(size, dtype=np.int32),
        where=np.empty(size, dtype=np.int32),
    )
