"""Parts of a graph: what lies around some entities, or between a question's concepts and a choice's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kglm.errors import ConfigError
from kglm.inspection.assertions import asserted_by
from kglm.inspection.names import name_list
from kglm.inspection.subgraph import Role, Subgraph, SubgraphEdge, SubgraphNode
from kglm.kg import KnowledgeGraph
from kglm.kg.paths import find_paths
from kglm.kg.search.inputs import edge_filter, incoming_rows, outgoing_rows
from kglm.kg.search.neighborhood import Neighborhoods, extract_neighborhoods

MAX_PATHS = 1000


def subgraph_around(
    graph: KnowledgeGraph,
    seeds: Sequence[int],
    *,
    hops: int = 1,
    max_nodes: int = 50,
    fanout: int | None = None,
    relations: Sequence[str] | None = None,
    min_weight: float = 0.0,
) -> Subgraph:
    """Return the surroundings of some entities, the heaviest links first; seeds are kept whatever the caps.

    Args:
        graph: where it is cut from.
        seeds: entity ids.
        hops: how far from a seed.
        max_nodes: the most nodes.
        fanout: the most neighbours that one node may bring in.
        relations: names of the only relations used; None for all.
        min_weight: the smallest weight used.

    Raises:
        ConfigError: an option has a value that is not allowed.
        UnknownNameError: the graph has no relation of a name given.
    """
    asked = list(dict.fromkeys(seeds))
    part = extract_neighborhoods(
        graph, [np.asarray(asked)], hops=hops, fanout=fanout, max_nodes=max_nodes, relations=relations,
        min_weight=min_weight,
    )  # fmt: skip
    total = _count_reached(graph, asked, hops, relations, min_weight) if len(part.nodes) >= max_nodes else 0
    hops_of = dict(zip(part.nodes.tolist(), part.distances.tolist(), strict=True))
    return Subgraph(
        title=f"{hops} hop{'s' * (hops != 1)} around {name_list(graph, asked[:5])}{', …' * (len(asked) > 5)}",
        graph_name=graph.name,
        fingerprint=graph.fingerprint,
        nodes=_nodes(graph, hops_of, dict.fromkeys(asked, "seed")),
        edges=_edges(graph, part),
        total_nodes=max(total, len(part.nodes)),
    )


def subgraph_between(
    graph: KnowledgeGraph,
    question: Sequence[int],
    choice: Sequence[int],
    *,
    hops: int = 2,
    max_nodes: int = 50,
    title: str | None = None,
) -> Subgraph:
    """Return a question's concepts, a choice's, and what lies on the best paths between them.

    The paths are those of :func:`kglm.kg.paths.find_paths`, the best thousand, taken in their order as long as their
    nodes fit; all triples among the nodes are shown, not only those of the paths.

    Args:
        graph: where it is cut from.
        question: entity ids; those that the choice has too count for the choice.
        choice: entity ids.
        hops: the longest path.
        max_nodes: the most nodes; the concepts are kept whatever it is.
        title: what is written above; the concepts by default.

    Raises:
        ConfigError: an option has a value that is not allowed, or there is no concept on one side.
    """
    chosen = list(dict.fromkeys(choice))
    asked = [entity for entity in dict.fromkeys(question) if entity not in chosen]
    if not asked or not chosen:
        raise ConfigError("a question and a choice need at least one concept each, and not all in common")
    paths = find_paths(graph, asked, chosen, hops, MAX_PATHS)
    hops_of = dict.fromkeys([*asked, *chosen], 0)
    for path in paths:
        inner = {entity: min(at, len(path.relations) - at) for at, entity in enumerate(path.entities)}
        fresh = {entity: distance for entity, distance in inner.items() if entity not in hops_of}
        if len(hops_of) + len(fresh) <= max_nodes:
            hops_of.update(fresh)
    on_paths = {entity for path in paths for entity in path.entities}
    among = extract_neighborhoods(graph, [np.asarray(list(hops_of))], hops=0)
    roles: dict[int, Role] = {**dict.fromkeys(asked, "question"), **dict.fromkeys(chosen, "choice")}
    return Subgraph(
        title=title or f"between {name_list(graph, asked)} and {name_list(graph, chosen)}",
        graph_name=graph.name,
        fingerprint=graph.fingerprint,
        nodes=_nodes(graph, hops_of, roles),
        edges=_edges(graph, among),
        total_nodes=len(on_paths | set(hops_of)),
    )


def _edges(graph: KnowledgeGraph, part: Neighborhoods) -> tuple[SubgraphEdge, ...]:
    heads, tails = part.nodes[part.edges]
    return tuple(
        _edge(graph, int(head), int(relation), int(tail), float(weight))
        for head, relation, tail, weight in zip(heads, part.edge_relations, tails, part.edge_weights, strict=True)
    )


def _nodes(graph: KnowledgeGraph, hops_of: Mapping[int, int], roles: Mapping[int, Role]) -> tuple[SubgraphNode, ...]:
    indptr = graph.links.indptr
    return tuple(
        SubgraphNode(
            id=entity,
            name=graph.entities[entity],
            label=graph.labels[entity],
            role=roles.get(entity, "other"),
            description=graph.descriptions[entity],
            hops=hops,
            degree=int(indptr[entity + 1]) - int(indptr[entity]),
        )
        for entity, hops in hops_of.items()
    )


def _edge(graph: KnowledgeGraph, head: int, relation: int, tail: int, weight: float) -> SubgraphEdge:
    return SubgraphEdge(
        source=head,
        target=tail,
        relation=graph.relations[relation],
        weight=weight,
        asserted_by=asserted_by(graph, head, relation, tail),
    )


def _count_reached(
    graph: KnowledgeGraph, seeds: Sequence[int], hops: int, relations: Sequence[str] | None, min_weight: float
) -> int:
    """Return how many entities there are within ``hops`` of the seeds, without caps."""
    permitted = edge_filter(graph, relations, min_weight)
    reached = np.zeros(graph.num_entities, dtype=bool)
    reached[list(seeds)] = True
    frontier = np.asarray(seeds)
    for _ in range(hops):
        fresh = np.zeros(graph.num_entities, dtype=bool)
        for rows in (outgoing_rows(graph), incoming_rows(graph)):
            starts, ends = rows.indptr[frontier].astype(np.int64), rows.indptr[frontier + 1].astype(np.int64)
            edges = np.arange((ends - starts).sum()) + np.repeat(ends - np.cumsum(ends - starts), ends - starts)
            kept = permitted.relations[rows.relations[edges]] & (rows.weight_codes[edges] >= permitted.min_code)
            fresh[rows.neighbors[edges[kept]]] = True
        frontier = np.flatnonzero(fresh & ~reached)
        reached |= fresh
    return int(reached.sum())
