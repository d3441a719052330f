"""A part of a graph that a person looks at: as a table, a picture or a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Role = Literal["question", "choice", "seed", "other"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, kw_only=True)
class SubgraphNode:
    """An entity of a part of a graph.

    Attributes:
        id: the entity's id in the whole graph.
        name: its name in the graph.
        label: what a person reads.
        role: a concept of the question, of the choice, one that was asked about (``seed``), or any other.
        description: what the entity is; empty where the graph does not tell.
        hops: links from the nearest node that is not ``other``; 0 at those.
        degree: distinct neighbours in the whole graph, so that a reader sees how many are not shown.
    """

    id: int
    name: str
    label: str
    role: Role = "other"
    description: str = ""
    hops: int = 0
    degree: int = 0


@dataclass(frozen=True, kw_only=True)
class SubgraphEdge:
    """A triple between two nodes of a part of a graph.

    Attributes:
        source: entity id of its head.
        target: entity id of its tail; the same as ``source`` in a self-loop.
        relation: name of the relation.
        weight: the triple's weight.
        asserted_by: who says so; empty where the graph does not tell.
    """

    source: int
    target: int
    relation: str
    weight: float = 1.0
    asserted_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Subgraph:
    """Nodes, and all triples between them.

    Attributes:
        title: what was asked for, in a few words.
        graph_name: name of the graph it was cut from.
        fingerprint: that graph's fingerprint.
        nodes: without repeats, in the order of what matters: the asked ones, then by hops and weight.
        edges: their ends are ids of ``nodes``; two nodes may be joined by several.
        total_nodes: how many nodes there would have been without caps; at least ``len(nodes)``.
    """

    title: str
    graph_name: str
    fingerprint: str
    nodes: tuple[SubgraphNode, ...]
    edges: tuple[SubgraphEdge, ...]
    total_nodes: int

    def __post_init__(self) -> None:
        ids = {node.id for node in self.nodes}
        if len(ids) < len(self.nodes):
            raise ValueError("an entity stands twice among the nodes of a subgraph")
        for edge in self.edges:
            if edge.source not in ids or edge.target not in ids:
                raise ValueError(f"the edge {edge.source} {edge.relation} {edge.target} leads out of the subgraph")

    @property
    def relations(self) -> dict[str, int]:
        """The number of edges of each relation, the most frequent first, ties by name."""
        counts: dict[str, int] = {}
        for edge in self.edges:
            counts[edge.relation] = counts.get(edge.relation, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def with_role(self, role: Role) -> Sequence[SubgraphNode]:
        """Return the nodes of one role, in order."""
        return [node for node in self.nodes if node.role == role]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values; the keys are the attributes' names."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Subgraph:
        """Return the subgraph that :meth:`to_dict` gave."""
        return cls(
            **{
                **values,
                "nodes": tuple(SubgraphNode(**node) for node in values["nodes"]),
                "edges": tuple(SubgraphEdge(**edge) for edge in values["edges"]),
            }
        )
