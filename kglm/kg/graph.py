"""The compiled knowledge graph: immutable, memory-mapped, opened in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kglm.errors import FingerprintMismatchError, GraphError, UnknownNameError
from kglm.kg.adjacency import Adjacency, Edges, Links
from kglm.kg.manifest import manifest_identity, read_manifest
from kglm.kg.records import Triple
from kglm.kg.representation import graph_html
from kglm.kg.store import ArrayStore, specs_from_json
from kglm.kg.strings import StringTable

MAX_NAMES_FOR_SUGGESTION = 200_000
CHUNK = 1 << 16  # triples turned into names at once
ATTEMPTS = 10  # to open a graph that is being replaced


class KnowledgeGraph:
    """Entities, relations and weighted triples in arrays that processes share without copying.

    Entity ids run in the order of the entities' names; a relation id ``r`` stands for the relation,
    ``r + num_relations`` for its inverse, wherever a path may walk an edge backwards.

    Make one with :func:`kglm.kg.builder.build_graph`, open it with :meth:`open`.

    Attributes:
        entities: names, sorted.
        labels: the form shown to a person, by entity id.
        descriptions: a sentence or two on each entity, by entity id; empty where nothing is known.
        surfaces: all surface forms (labels and aliases), sorted and distinct.
        surface_indptr: ``int64 [surfaces + 1]``; the entities of a surface form are
            ``surface_entities[surface_indptr[i]:surface_indptr[i + 1]]``.
        surface_counts: ``int32``, parallel to ``surface_entities``: how often the form was seen to mean the entity.
        outgoing: edges by head.
        incoming: edges by tail.
        links: the simple undirected graph under the triples.
        weight_values: ``float32``, the distinct weights, ascending.
        sources: who asserts triples, sorted; empty where nothing is known.
        triple_sources: ``uint16 [triples]`` into ``sources``, parallel to ``outgoing``; None where nothing is known.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.name: str = manifest["name"]
        self.fingerprint: str = manifest["fingerprint"]
        self.relations: tuple[str, ...] = tuple(manifest["relations"])
        self.sources: tuple[str, ...] = tuple(manifest["sources"])
        self.store = store = ArrayStore(folder, specs_from_json(manifest["arrays"]))
        lengths = manifest["strings"]
        self.entities = StringTable.open(store, "entities", lengths["entities"])
        self.labels = StringTable.open(store, "labels", lengths["labels"])
        self.descriptions = StringTable.open(store, "descriptions", lengths["descriptions"])
        self.surfaces = StringTable.open(store, "surfaces", lengths["surfaces"])
        self.surface_indptr = store["surface_indptr"]
        self.surface_entities = store["surface_entities"]
        self.surface_counts = store["surface_counts"]
        self.weight_values = store["weight_values"]
        self.outgoing = Adjacency.open(store, "outgoing")
        self.incoming = Adjacency.open(store, "incoming")
        self.links = Links.open(store, "links")
        self.triple_sources = store.get("outgoing.sources")

    @classmethod
    def open(cls, folder: Path | str) -> KnowledgeGraph:
        """Open a compiled graph; the time does not depend on its size.

        Files that have changed since they were last known to be right are read and checked first; see
        :mod:`kglm.kg.store`.

        Raises:
            GraphError: the folder holds no compiled graph, a damaged one, or one of another version.
        """
        folder = Path(folder)
        for _ in range(ATTEMPTS):
            before = manifest_identity(folder)
            try:
                graph = cls._open(folder)
            except GraphError:
                if manifest_identity(folder) == before:
                    raise
            else:
                if manifest_identity(folder) == before:
                    return graph
            # The folder was replaced meanwhile: its files may be of two graphs.
        raise GraphError(f"the compiled graph '{folder}' is being replaced again and again")

    @classmethod
    def _open(cls, folder: Path) -> KnowledgeGraph:
        manifest = read_manifest(folder)
        try:
            return cls(folder, manifest)
        except OSError as error:
            raise GraphError(f"the compiled graph '{folder}' cannot be read ({error})") from error
        except (ValueError, KeyError, TypeError) as error:
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
        for start in range(0, self.num_triples, CHUNK):
            span = slice(start, min(start + CHUNK, self.num_triples))
            # In the pointers' own type: another would have numpy convert all of them for each chunk.
            positions = np.arange(span.start, span.stop, dtype=self.outgoing.indptr.dtype)
            heads = np.searchsorted(self.outgoing.indptr, positions, side="right") - 1
            names = (self.entities.take(heads), self.entities.take(self.outgoing.neighbors[span]))
            relations = [self.relations[r] for r in self.outgoing.relations[span].tolist()]
            weights = self.weight_values[self.outgoing.weight_codes[span]].tolist()
            sources = [""] * len(weights)
            if self.triple_sources is not None:
                sources = [self.sources[s] for s in self.triple_sources[span].tolist()]
            yield from map(Triple, names[0], relations, names[1], weights, sources)

    def triple_arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return heads, relations and tails (``int32``) and weights (``float32``), sorted as the triples are."""
        out = self.outgoing
        degrees = np.diff(out.indptr.astype(np.int64))  # numpy repeats nothing uint64 times
        heads = np.repeat(np.arange(self.num_entities, dtype=np.int32), degrees)  # type: ignore[arg-type]
        return heads, out.relations.astype(np.int32), np.array(out.neighbors), out.weights

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process maps the same files; it is sent no arrays.
        return reopen, (self.folder.absolute(), self.fingerprint)

    def __repr__(self) -> str:
        return (
            f"KnowledgeGraph({self.name!r}, {self.num_entities:,} entities, {self.num_relations} relations, "
            f"{self.num_triples:,} triples, fingerprint {self.fingerprint[:12]})"
        )

    def _repr_html_(self) -> str:
        return graph_html(self)


def reopen(folder: Path, fingerprint: str) -> KnowledgeGraph:
    """Open the graph that another process has sent.

    Raises:
        FingerprintMismatchError: the folder holds another graph by now.
    """
    graph = KnowledgeGraph.open(folder)
    if graph.fingerprint != fingerprint:
        raise FingerprintMismatchError("what was sent", fingerprint, graph.fingerprint, "Open the graph again.")
    return graph
