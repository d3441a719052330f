"""What is known of entities by id: those of the graph, and those that were added to an open linker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kglm.embeddings.entity_texts import described
from kglm.errors import DataError
from kglm.kg.graph import KnowledgeGraph

NEIGHBORS = 12
"""Neighbours named in the text on an entity."""


@dataclass(frozen=True)
class AddedEntity:
    """An entity that the compiled graph does not have.

    Attributes:
        name: unique, as the names of the graph's entities are.
        label: the form shown to a person.
        description: a sentence or two; may be empty.
        neighbors: ids of entities that it is joined to.
    """

    name: str
    label: str
    description: str
    neighbors: tuple[int, ...]


class EntityCatalog:
    """Entities of a graph, ids ``0`` to ``graph.num_entities - 1``, and added ones behind them.

    The graph itself stays as it is: what is added lives as long as this object.
    """

    def __init__(self, graph: KnowledgeGraph) -> None:
        self.graph = graph
        self.added: list[AddedEntity] = []
        self.aliases: list[tuple[int, str, int]] = []
        self._ids: dict[str, int] = {}
        self._degrees = np.diff(graph.links.indptr.astype(np.int64))

    def __len__(self) -> int:
        return self.graph.num_entities + len(self.added)

    def add(self, name: str, label: str, description: str = "", neighbors: Sequence[int] = ()) -> int:
        """Take an entity, and return its id.

        Raises:
            DataError: there is an entity of that name, a text is empty, or a neighbour does not exist.
        """
        if not name.strip() or not label.strip():
            raise DataError(f"an entity needs a name and a label, not '{name}' and '{label}'")
        if name in self._ids or self.graph.entities.find(name) >= 0:
            raise DataError(f"there is an entity '{name}' already; give it another alias with add_alias")
        self.check(neighbors)
        self._ids[name] = len(self)
        self.added.append(AddedEntity(name, label, description, tuple(map(int, neighbors))))
        return self._ids[name]

    def check(self, entities: Sequence[int]) -> None:
        """Raise where an id is of no entity.

        Raises:
            DataError: names the id.
        """
        for entity in entities:
            if not 0 <= entity < len(self):
                raise DataError(f"there is no entity {entity}; expected an id from 0 to {len(self) - 1}")

    def find(self, name: str) -> int:
        """Return the id of an entity by its name; -1 where there is none."""
        return self._ids[name] if name in self._ids else self.graph.entities.find(name)

    def name(self, entity: int) -> str:
        """Return an entity's name."""
        known = self.graph.num_entities
        return self.graph.entities[entity] if entity < known else self.added[entity - known].name

    def label(self, entity: int) -> str:
        """Return the form of an entity that is shown to a person."""
        known = self.graph.num_entities
        return self.graph.labels[entity] if entity < known else self.added[entity - known].label

    def description(self, entity: int) -> str:
        """Return what an entity is said to be; may be empty."""
        known = self.graph.num_entities
        return self.graph.descriptions[entity] if entity < known else self.added[entity - known].description

    def neighbors(self, entity: int) -> np.ndarray:
        """Return the ids of the entities that one is joined to, the heaviest link first."""
        known = self.graph.num_entities
        if entity < known:
            return self.graph.links.row(entity)
        return np.asarray(self.added[entity - known].neighbors, dtype=np.int32)

    def degrees(self, entities: np.ndarray) -> np.ndarray:
        """Return ``int64``, to how many entities each is joined."""
        known = self.graph.num_entities
        degrees = self._degrees[np.minimum(entities, known - 1)]
        for place in np.flatnonzero(entities >= known):
            degrees[place] = len(self.added[int(entities[place]) - known].neighbors)
        return degrees

    def description_text(self, entity: int) -> str:
        """Return ``label: description``, or the label alone: what an encoder reads of an entity."""
        return described(self.label(entity), self.description(entity))

    def neighborhood_text(self, entity: int) -> str:
        """Return ``label: neighbour, neighbour, ...``: those with few links of their own, which tell the most."""
        neighbors = np.asarray(self.neighbors(entity), dtype=np.int64)
        chosen = neighbors[np.argsort(self.degrees(neighbors), kind="stable")[:NEIGHBORS]]
        if not len(chosen):
            return self.label(entity)
        return f"{self.label(entity)}: " + ", ".join(self.label(int(one)) for one in chosen)

    def surfaces(self) -> Iterator[tuple[str, list[int], list[int]]]:
        """Yield every alias with the entities it may mean, and how often it was seen to mean each."""
        graph = self.graph
        ends, entities = graph.surface_indptr.tolist(), graph.surface_entities.tolist()
        counts = graph.surface_counts.tolist()
        for surface, start, end in zip(graph.surfaces, ends, ends[1:], strict=False):
            yield surface, entities[start:end], counts[start:end]
        for number, entity in enumerate(self.added):
            yield entity.label, [graph.num_entities + number], [0]
        for alias_of, alias, count in self.aliases:
            yield alias, [alias_of], [count]
