"""An entity and what it is joined to, as a person looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from kglm.inspection.assertions import asserted_by
from kglm.inspection.names import aliases
from kglm.kg import KnowledgeGraph
from kglm.kg.search.inputs import Direction
from kglm.kg.search.neighbors import find_neighbors


@dataclass(frozen=True, kw_only=True)
class EntityCard:
    """An entity.

    Attributes:
        id: the entity's id.
        name: its name in the graph.
        label: what a person reads.
        aliases: its other forms, at most twenty.
        description: what it is; empty where the graph does not tell.
        degree: its distinct neighbours.
    """

    id: int
    name: str
    label: str
    aliases: tuple[str, ...]
    description: str
    degree: int


@dataclass(frozen=True, kw_only=True)
class Neighbor:
    """A triple at the entity asked about, from its point of view.

    Attributes:
        id: the other end's id.
        name: the other end's name.
        label: what a person reads.
        relation: name of the relation.
        direction: ``out`` where the entity asked about is the head.
        weight: the triple's weight.
        asserted_by: who says so; empty where the graph does not tell.
    """

    id: int
    name: str
    label: str
    relation: str
    direction: Literal["out", "in"]
    weight: float
    asserted_by: str


@dataclass(frozen=True, kw_only=True)
class NeighborList:
    """The heaviest triples at an entity, and how many there are in all under the same filters."""

    graph: str
    entity: EntityCard
    total: int
    neighbors: tuple[Neighbor, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values; the keys are the attributes' names."""
        return asdict(self)


def list_neighbors(
    graph: KnowledgeGraph,
    entity: int,
    *,
    direction: Direction = "both",
    relations: Sequence[str] | None = None,
    min_weight: float = 0.0,
    limit: int = 20,
) -> NeighborList:
    """Return the triples at an entity, the heaviest first, ties by relation, then by neighbour.

    Raises:
        ConfigError: a filter has a value that is not allowed.
        UnknownNameError: the graph has no relation of a name given.
    """
    edges = find_neighbors(graph, [entity], direction=direction, relations=relations, min_weight=min_weight)[0]
    return NeighborList(
        graph=graph.name,
        entity=entity_card(graph, entity),
        total=len(edges.neighbors),
        neighbors=tuple(
            _neighbor(graph, entity, int(other), int(relation), float(weight))
            for other, relation, weight in zip(*(part[:limit] for part in edges), strict=True)
        ),
    )


def entity_card(graph: KnowledgeGraph, entity: int) -> EntityCard:
    """Return what the graph tells of an entity itself."""
    return EntityCard(
        id=entity,
        name=graph.entities[entity],
        label=graph.labels[entity],
        aliases=tuple(aliases(graph, entity)),
        description=graph.descriptions[entity],
        degree=int(graph.links.indptr[entity + 1]) - int(graph.links.indptr[entity]),
    )


def _neighbor(graph: KnowledgeGraph, entity: int, other: int, relation: int, weight: float) -> Neighbor:
    inverse = relation >= graph.num_relations
    relation -= graph.num_relations if inverse else 0
    head, tail = (other, entity) if inverse else (entity, other)
    return Neighbor(
        id=other,
        name=graph.entities[other],
        label=graph.labels[other],
        relation=graph.relations[relation],
        direction="in" if inverse else "out",
        weight=weight,
        asserted_by=asserted_by(graph, head, relation, tail),
    )
