"""To networkx and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networkx as nx

from kglm.kg.graph import KnowledgeGraph
from kglm.kg.records import Label, Records, Triple


def to_networkx(graph: KnowledgeGraph) -> nx.MultiDiGraph:
    """Return a copy as a multigraph: entities by name with ``label``, edges keyed by relation with ``weight``."""
    copy = nx.MultiDiGraph(name=graph.name)
    copy.add_nodes_from((name, {"label": label}) for name, label in zip(graph.entities, graph.labels, strict=True))
    for triple in graph.triples():
        copy.add_edge(triple.head, triple.tail, key=triple.relation, weight=triple.weight)
    return copy


def from_networkx(graph: nx.Graph, default_relation: str = "RelatedTo") -> Records:
    """Yield the records of a networkx graph, for :func:`kglm.kg.build_graph`.

    A node's ``label`` is its preferred label. An edge's relation is its attribute ``relation``, or its key where that
    is text, or ``default_relation``; its weight is the attribute ``weight``, or 1. An undirected edge is taken from
    its first node to its second.
    """
    for node, attributes in graph.nodes(data=True):
        if "label" in attributes:
            yield Label(str(node), str(attributes["label"]), preferred=True)
    for head, tail, attributes, key in _edges(graph):
        relation = attributes.get("relation", key if isinstance(key, str) else default_relation)
        yield Triple(str(head), str(relation), str(tail), float(attributes.get("weight", 1.0)))


def _edges(graph: nx.Graph) -> Iterator[tuple[Any, Any, dict[str, Any], Any]]:
    """Yield ends, attributes and key of every edge; a plain graph's edges have no key."""
    if graph.is_multigraph():
        yield from (
            (head, tail, attributes, key) for head, tail, key, attributes in graph.edges(keys=True, data=True)
        )
    else:
        for head, tail, attributes in graph.edges(data=True):
            yield head, tail, attributes, None
