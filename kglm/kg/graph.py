"""The compiled knowledge graph: immutable, memory-mapped, opened in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kglm.errors import GraphError, UnknownNameError
from kglm.kg.adjacency import Adjacency, Edges, Links
from kglm.kg.records import Triple
from kglm.kg.strings import StringTable

FORMAT = "kglm-graph"
VERSION = 1
MANIFEST = "manifest.json"
MAX_NAMES_FOR_SUGGESTION = 200_000


class KnowledgeGraph:
    """Entities, relations and weighted triples in arrays that processes share without copying.

    Entity ids run in the order of the entities' names; a relation id ``r`` stands for the relation,
    ``r + num_relations`` for its inverse, wherever a path may walk an edge backwards.

    Make one with :func:`kglm.kg.builder.build_graph`, open it with :meth:`open`.

    Attributes:
        entities: names, sorted.
        labels: the form shown to a person, by entity id.
        surfaces: all surface forms (labels and aliases), sorted and distinct.
        surface_indptr: ``int64 [surfaces + 1]``; the entities of a surface form are
            ``surface_entities[surface_indptr[i]:surface_indptr[i + 1]]``.
        outgoing: edges by head.
        incoming: edges by tail.
        links: the simple undirected graph under the triples.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.name: str = manifest["name"]
        self.fingerprint: str = manifest["fingerprint"]
        self.relations: tuple[str, ...] = tuple(manifest["relations"])
        self.entities = StringTable.open(folder, "entities")
        self.labels = StringTable.open(folder, "labels")
        self.surfaces = StringTable.open(folder, "surfaces")
        self.surface_indptr = np.load(folder / "surface_indptr.npy", mmap_mode="r")
        self.surface_entities = np.load(folder / "surface_entities.npy", mmap_mode="r")
        self.outgoing = Adjacency.open(folder, "outgoing")
        self.incoming = Adjacency.open(folder, "incoming")
        self.links = Links.open(folder, "links")

    @classmethod
    def open(cls, folder: Path | str) -> KnowledgeGraph:
        """Open a compiled graph.

        Raises:
            GraphError: the folder holds no compiled graph, a damaged one, or one of another version.
        """
        folder = Path(folder)
        manifest = read_manifest(folder)
        try:
            return cls(folder, manifest)
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise GraphError(f"the compiled graph '{folder}' is damaged ({error}); build it again") from error

    @property
    def num_entities(self) -> int:
        """Number of entities."""
        return len(self.entities)

    @property
    def num_relations(self) -> int:
        """R, the number of relations; inverses are not counted."""
        return len(self.relations)

    @property
    def num_triples(self) -> int:
        """Number of distinct triples."""
        return len(self.outgoing.neighbors)

    @cached_property
    def _relation_ids(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.relations)}

    def entity_id(self, name: str) -> int:
        """Return the id of an entity.

        Raises:
            UnknownNameError: no entity has this name; the message proposes the nearest ones.
        """
        index = self.entities.find(name)
        if index < 0:
            known = self.entities if self.num_entities <= MAX_NAMES_FOR_SUGGESTION else ()
            raise UnknownNameError("entity", name, known, count=self.num_entities)
        return index

    def relation_id(self, name: str) -> int:
        """Return the id of a relation.

        Raises:
            UnknownNameError: no relation has this name; the message proposes the nearest ones.
        """
        if name not in self._relation_ids:
            raise UnknownNameError("relation", name, self.relations)
        return self._relation_ids[name]

    def out_edges(self, entity: int) -> Edges:
        """Return the edges that leave an entity."""
        return self.outgoing.row(entity)

    def in_edges(self, entity: int) -> Edges:
        """Return the edges that enter an entity."""
        return self.incoming.row(entity)

    def relations_between(self, source: int, target: int) -> list[int]:
        """Return all relation ids from ``source`` to ``target``; inverses (``r + R``) after the others."""
        forward = self.outgoing.row(source)
        backward = self.outgoing.row(target)
        ids = [int(r) for r in forward.relations[forward.neighbors == target]]
        return ids + [int(r) + self.num_relations for r in backward.relations[backward.neighbors == source]]

    def triples(self) -> Iterator[Triple]:
        """Yield all triples by name, sorted by head, tail and relation id."""
        names = list(self.entities)
        for head, name in enumerate(names):
            for neighbor, relation, weight in zip(*self.out_edges(head), strict=True):
                yield Triple(name, self.relations[relation], names[neighbor], float(weight))

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process maps the same files; it is sent no arrays.
        return KnowledgeGraph.open, (self.folder,)

    def __repr__(self) -> str:
        return (
            f"KnowledgeGraph({self.name!r}, {self.num_entities:,} entities, {self.num_relations} relations, "
            f"{self.num_triples:,} triples, fingerprint {self.fingerprint[:12]})"
        )


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a compiled graph, checked for format and version.

    Raises:
        GraphError: there is none, it cannot be read, or it is of another version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise GraphError(f"'{folder}' holds no compiled graph ({MANIFEST} is missing)")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise GraphError(f"the manifest '{path}' cannot be read ({error}); build the graph again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise GraphError(f"'{folder}' is not a compiled graph: its manifest names no format '{FORMAT}'")
    if manifest.get("version") != VERSION:
        raise GraphError(
            f"the compiled graph '{folder}' has version {manifest.get('version')}, "
            f"this kglm reads version {VERSION}; build it again"
        )
    return manifest
