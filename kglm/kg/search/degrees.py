"""Degrees, hubs and the counts that tell what kind of graph one has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.search.inputs import Rows, int64, outgoing_rows, require_at_least, weight_values

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0)


class Degrees(NamedTuple):
    """Edges at each entity, ``int64 [entities]`` each; a self-loop counts as outgoing and as incoming."""

    outgoing: np.ndarray
    incoming: np.ndarray
    total: np.ndarray


class Histogram(NamedTuple):
    """``int64`` distinct values, ascending, and how many entities have each."""

    values: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True, kw_only=True)
class GraphStatistics:
    """Numbers about a graph of N entities and R relations.

    An ordered pair is (head, tail) with at least one triple, self-loops left out.

    Attributes:
        num_entities: N.
        num_relations: R.
        num_triples: distinct triples.
        num_links: unordered pairs of different entities with at least one triple.
        self_loops: triples whose head is their tail.
        ordered_pairs: ordered pairs.
        multi_edges: ordered pairs with more than one relation.
        reciprocity: share of the ordered pairs whose reverse is one too; NaN without any.
        density: ordered pairs / (N · (N − 1)); NaN for one entity.
        mean_degree: triples at an entity, in and out, on average.
        quantiles: the shares that the two attributes below are told for.
        degree_quantiles: ``int64``, total degrees: the smallest that at least this share of entities does not
            exceed.
        weight_quantiles: ``float32``, weights of triples by the same rule.
        relation_counts: ``int64 [R]`` triples of each relation.
        hubs: ``int64`` ids of the entities of largest total degree, ties by id.
        hub_degrees: ``int64`` their total degrees.
    """

    num_entities: int
    num_relations: int
    num_triples: int
    num_links: int
    self_loops: int
    ordered_pairs: int
    multi_edges: int
    reciprocity: float
    density: float
    mean_degree: float
    quantiles: tuple[float, ...]
    degree_quantiles: np.ndarray
    weight_quantiles: np.ndarray
    relation_counts: np.ndarray
    hubs: np.ndarray
    hub_degrees: np.ndarray


def degrees(graph: KnowledgeGraph) -> Degrees:
    """Return the degrees of all entities, in time linear in entities."""
    outgoing = np.diff(np.asarray(graph.outgoing.indptr).astype(np.int64))
    incoming = np.diff(np.asarray(graph.incoming.indptr).astype(np.int64))
    return Degrees(outgoing, incoming, outgoing + incoming)


def degree_histogram(values: np.ndarray) -> Histogram:
    """Return how many entities have each degree."""
    counts = np.bincount(values)
    present = np.flatnonzero(counts)
    return Histogram(present, counts[present])


def graph_statistics(
    graph: KnowledgeGraph, *, hubs: int = 10, quantiles: Sequence[float] = QUANTILES
) -> GraphStatistics:
    """Return the numbers about a graph, in one pass over its triples.

    Args:
        graph: the graph.
        hubs: how many of the entities of largest degree to name.
        quantiles: shares of 0 to 1.

    Raises:
        ConfigError: an option has a value that is not allowed.
    """
    require_at_least("hubs", hubs, 0)
    for share in quantiles:
        if not 0 <= share <= 1:
            raise ConfigError(f"quantiles hold {share}, expected numbers of 0 to 1")
    total = degrees(graph).total
    size, triples = graph.num_entities, graph.num_triples
    links = len(graph.links.neighbors) // 2
    by_relation, by_weight, self_loops, pairs, multi_edges = _count(
        outgoing_rows(graph), graph.num_relations, len(weight_values(graph))
    )
    degree, entities = degree_histogram(total)
    largest = _largest(total, hubs)
    return GraphStatistics(
        num_entities=size,
        num_relations=graph.num_relations,
        num_triples=triples,
        num_links=links,
        self_loops=self_loops,
        ordered_pairs=pairs,
        multi_edges=multi_edges,
        reciprocity=2 * (pairs - links) / pairs if pairs else float("nan"),
        density=pairs / (size * (size - 1)) if size > 1 else float("nan"),
        mean_degree=2 * triples / size,
        quantiles=tuple(float(share) for share in quantiles),
        degree_quantiles=degree[_reach(entities, quantiles)],
        weight_quantiles=weight_values(graph)[_reach(by_weight, quantiles)],
        relation_counts=by_relation,
        hubs=largest,
        hub_degrees=total[largest],
    )


def _reach(counts: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Return, for each share, the first place by which the counts so far make up at least that share."""
    passed = np.cumsum(counts)
    # At least one must be passed: the share 0 asks for the smallest value that occurs.
    wanted = np.maximum(np.asarray(shares, dtype=np.float64) * passed[-1], 1)
    return np.searchsorted(passed, wanted)


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Return the places of the largest values, ties by place, without sorting all."""
    count = min(count, len(values))
    if not count:
        return np.zeros(0, dtype=np.int64)
    smallest = np.partition(values, len(values) - count)[len(values) - count]
    among = np.flatnonzero(values >= smallest)
    return among[np.argsort(-values[among], kind="stable")][:count]


@numba.njit(nogil=True, cache=True)
def _count(outgoing: Rows, num_relations: int, num_weights: int) -> tuple[np.ndarray, np.ndarray, int, int, int]:
    """Return triples by relation and by weight code, self-loops, ordered pairs, and pairs with several relations."""
    by_relation = np.zeros(num_relations, dtype=np.int64)
    by_weight = np.zeros(num_weights, dtype=np.int64)
    self_loops = pairs = multi_edges = 0
    for head in range(len(outgoing.indptr) - 1):
        run = 0
        start, end = int64(outgoing.indptr[head]), int64(outgoing.indptr[head + 1])
        for k in range(start, end):
            by_relation[outgoing.relations[k]] += 1
            by_weight[outgoing.weight_codes[k]] += 1
            if outgoing.neighbors[k] == head:
                self_loops += 1
                continue
            run = run + 1 if k > start and outgoing.neighbors[k] == outgoing.neighbors[k - 1] else 1
            pairs += run == 1
            multi_edges += run == 2
    return by_relation, by_weight, self_loops, pairs, multi_edges
