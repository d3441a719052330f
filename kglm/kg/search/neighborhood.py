"""What lies within k hops of a set of entities, with caps.

The rule that fixes the result, whatever the number of workers. The seeds come first, as given. For every hop,
each entity found at the hop before proposes its neighbours that are not yet found, the heaviest link first,
ties by entity id, at most ``fanout`` of them. All proposals of a hop, each with the heaviest link that
proposed it, are put in the same order; the first of them are taken until ``max_nodes`` are found. The weight
of a link between two entities is the largest among their permitted triples in the permitted directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.search.bulk import join, run_chunks
from kglm.kg.search.inputs import (
    Direction,
    Entities,
    Relations,
    edge_filter,
    entity_sets,
    incoming_rows,
    link_rows,
    outgoing_rows,
    require_at_least,
    weight_values,
)
from kglm.kg.search.neighborhood_kernels import neighborhoods
from kglm.kg.search.scratch import borrowed

MAX_HOPS = 255


@dataclass(frozen=True)
class Neighborhoods:
    """The surroundings of Q sets of entities; the ends of edges are indices into the nodes of one query.

    Attributes:
        node_offsets: ``int64 [Q + 1]``.
        nodes: ``int32 [N]`` entity ids, by hop, within a hop by the heaviest link that led there.
        distances: ``uint8 [N]`` hops from the seeds.
        edge_offsets: ``int64 [Q + 1]``.
        edges: ``int32 [2, E]`` head and tail of every permitted triple among the nodes, by head in the order of
            the nodes, then by tail's entity id, then by relation.
        edge_relations: ``int32 [E]``.
        edge_weights: ``float32 [E]``.
    """

    node_offsets: np.ndarray
    nodes: np.ndarray
    distances: np.ndarray
    edge_offsets: np.ndarray
    edges: np.ndarray
    edge_relations: np.ndarray
    edge_weights: np.ndarray

    def __len__(self) -> int:
        return len(self.node_offsets) - 1

    def __getitem__(self, index: int) -> Neighborhoods:
        """Return one query's neighbourhood, as a bulk of one."""
        index = range(len(self))[index]
        nodes = slice(self.node_offsets[index], self.node_offsets[index + 1])
        edges = slice(self.edge_offsets[index], self.edge_offsets[index + 1])
        return Neighborhoods(
            np.array([0, nodes.stop - nodes.start]),
            self.nodes[nodes],
            self.distances[nodes],
            np.array([0, edges.stop - edges.start]),
            self.edges[:, edges],
            self.edge_relations[edges],
            self.edge_weights[edges],
        )


def extract_neighborhoods(
    graph: KnowledgeGraph,
    seeds: Sequence[Entities] | np.ndarray,
    *,
    hops: int = 2,
    fanout: int | Sequence[int] | None = None,
    max_nodes: int | None = None,
    direction: Direction = "both",
    relations: Relations = None,
    min_weight: float = 0.0,
    workers: int = 1,
) -> Neighborhoods:
    """Return the k-hop neighbourhood of each set of seeds, with its induced edges; the rule stands above.

    With all relations in both directions an entity's heaviest links are read first and no others, so a capped
    search costs O(nodes · fanout), hubs or not. Otherwise, it reads every edge of each entity that it expands.
    The induced edges cost O(min(degree, nodes · log degree)) for each node.

    Args:
        graph: the graph.
        seeds: Q sets of entities, ids or names; a set may be empty, and then so is its neighbourhood.
        hops: 0 to 255; 0 returns the seeds and the edges among them.
        fanout: the most entities that one entity may propose, for every hop alike or one number a hop.
        max_nodes: the most nodes of a neighbourhood; seeds are kept even beyond it.
        direction: how edges are walked: "out" from head to tail, "in" from tail to head, or "both". The induced
            edges do not depend on it.
        relations: names or ids of the relations permitted; None for all.
        min_weight: the smallest weight permitted.
        workers: threads; the result is the same for any number.

    Raises:
        ConfigError: an option has a value that is not allowed.
        UnknownNameError: an entity or relation is given by a name that the graph does not have.
        ValueError: an entity id is outside the graph.
    """
    flat, offsets = entity_sets(graph, seeds)
    permitted = edge_filter(graph, relations, min_weight, direction)
    fanouts = _fanouts(graph, hops, fanout)
    max_nodes = require_at_least("max_nodes", max_nodes, 1) or graph.num_entities
    outgoing, incoming, links, values = (
        outgoing_rows(graph), incoming_rows(graph), link_rows(graph), weight_values(graph),
    )  # fmt: skip

    def run(start: int, stop: int) -> Neighborhoods:
        with borrowed(graph, _scratch) as (local, candidates):
            node_offsets, nodes, distances, edge_offsets, edges = neighborhoods(
                outgoing, incoming, links, permitted, flat, offsets[start : stop + 1], fanouts, max_nodes,
                local, candidates,
            )  # fmt: skip
        heads, tails, kinds, codes = edges.reshape(-1, 4).T
        return Neighborhoods(
            node_offsets, nodes.copy(), distances.astype(np.uint8), edge_offsets,
            np.stack([heads, tails]).astype(np.int32), kinds.astype(np.int32), values[codes],
        )  # fmt: skip

    return join(Neighborhoods, run_chunks(len(offsets) - 1, workers, run))


def _scratch(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(size, dtype=np.int32), np.empty(size, dtype=np.int64)


def _fanouts(graph: KnowledgeGraph, hops: int, fanout: int | Sequence[int] | None) -> np.ndarray:
    if not isinstance(hops, (int, np.integer)) or not 0 <= hops <= MAX_HOPS:
        raise ConfigError(f"hops is {hops!r}, expected 0 to {MAX_HOPS}")
    each = [fanout] * hops if fanout is None or isinstance(fanout, (int, np.integer)) else list(fanout)
    if len(each) != hops:
        raise ConfigError(f"fanout has {len(each)} numbers ({each}), expected one for each of {hops} hops")
    return np.array([require_at_least("fanout", one, 1) or graph.num_entities for one in each], dtype=np.int64)
