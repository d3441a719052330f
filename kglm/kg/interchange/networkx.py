"""To networkx and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import networkx as nx

from kglm.errors import DataError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.interchange.selection import Selection
from kglm.kg.records import WEIGHT_EXPECTED, Description, Label, Records, Triple

# Node-link JSON has its own meaning for "source".
SOURCE_KEYS = ("source", "asserted_by")


def to_networkx(
    graph: KnowledgeGraph, entities: Iterable[int] | None = None, *, aliases: bool = False
) -> nx.MultiDiGraph:
    """Return a copy, or a copy of a part, as a multigraph.

    A node is an entity's name with the attribute ``label`` and, where the graph has one, ``description``. An edge is
    keyed by its relation, with ``weight`` and, where it is known, ``source`` (who asserts it).

    Args:
        graph: what is copied.
        entities: ids of the entities to copy, with the triples between them; None for all.
        aliases: also give every node that has other surface forms than its label the attribute ``aliases``, a list.
            Several of networkx's writers take no lists.

    Raises:
        GraphError: an id is not in the graph.
    """
    copy = nx.MultiDiGraph(name=graph.name)
    # All nodes first: their order is that of the ids, whatever the edges.
    selection = Selection(graph, entities)
    for nodes in selection.entity_blocks():
        for name, label, description, others in zip(
            nodes.names, nodes.labels, nodes.descriptions, nodes.aliases, strict=True
        ):
            extra = {"description": description} if description else {}
            copy.add_node(name, label=label, **extra, **({"aliases": others} if aliases and others else {}))
    for edges in selection.edge_blocks():
        for row, relation, tail, weight, source in edges:
            extra = {"source": source} if source else {}
            copy.add_edge(edges.names[row], tail, key=graph.relations[relation], weight=weight, **extra)
    return copy


def from_networkx(graph: nx.Graph, default_relation: str = "RelatedTo") -> Records:
    """Yield the records of a networkx graph, for :func:`kglm.kg.build_graph`.

    A node's ``label`` is its preferred label, ``aliases`` (a list) are further surface forms, ``description`` tells
    what it is. An edge's relation is its attribute ``relation``, or its key where that is text, or
    ``default_relation``; its weight is the attribute ``weight``, or 1; who asserts it is the attribute ``source``, or
    ``asserted_by``. An undirected edge is taken from its first node to its second. Nodes are named by ``str``.

    Raises:
        DataError: a weight is not a number, or two nodes have the same name.
    """
    nodes: dict[str, Any] = {}
    for node, attributes in graph.nodes(data=True):
        name = str(node)
        if name in nodes:
            raise DataError(f"the networkx graph has two nodes named '{name}': {nodes[name]!r} and {node!r}")
        nodes[name] = node
        yield from _texts(name, attributes)
    for head, tail, attributes, key in _edges(graph):
        relation = attributes.get("relation", key if isinstance(key, str) else default_relation)
        source = next((str(attributes[name]) for name in SOURCE_KEYS if attributes.get(name)), "")
        yield Triple(str(head), str(relation), str(tail), _weight(head, tail, attributes), source)


def _texts(name: str, attributes: dict[str, Any]) -> Iterator[Label | Description]:
    if "label" in attributes:
        yield Label(name, str(attributes["label"]), preferred=True)
    aliases = attributes.get("aliases", ())
    for alias in [aliases] if isinstance(aliases, str) else aliases:
        yield Label(name, str(alias))
    if attributes.get("description"):
        yield Description(name, str(attributes["description"]))


def _weight(head: Any, tail: Any, attributes: dict[str, Any]) -> float:
    weight = attributes.get("weight", 1.0)
    try:
        return float(weight)
    except (TypeError, ValueError) as error:
        raise DataError(f"the edge {head!r} to {tail!r} has weight {weight!r}, {WEIGHT_EXPECTED}") from error


def _edges(graph: nx.Graph) -> Iterator[tuple[Any, Any, dict[str, Any], Any]]:
    """Yield ends, attributes and key of every edge; a plain graph's edges have no key."""
    if graph.is_multigraph():
        yield from (
            (head, tail, attributes, key) for head, tail, key, attributes in graph.edges(keys=True, data=True)
        )
    else:
        for head, tail, attributes in graph.edges(data=True):
            yield head, tail, attributes, None
