"""The whole of a graph, or the part between chosen entities, block by block in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kglm.errors import GraphError
from kglm.kg.graph import KnowledgeGraph

BLOCK_ENTITIES = 1 << 16
BLOCK_EDGES = 1 << 17
ALIAS_WINDOW = 1 << 20


@dataclass(frozen=True, kw_only=True)
class EntityBlock:
    """Some entities, in the order of their ids, with the texts that the graph has of them.

    Attributes:
        ids: entity ids, ``int64 [N]``.
        names: of the entities.
        labels: the forms shown to a person.
        label_counts: how often the label was seen to mean the entity.
        descriptions: empty texts where there are none.
        aliases: the other surface forms of each entity, sorted.
        alias_counts: how often each alias was seen to mean the entity.
    """

    ids: np.ndarray
    names: list[str]
    labels: list[str]
    label_counts: list[int]
    descriptions: list[str]
    aliases: list[list[str]]
    alias_counts: list[list[int]]


class Edge(NamedTuple):
    """A triple within an edge block: row of the head, relation id, name of the tail, weight, who asserts it."""

    row: int
    relation: int
    tail: str
    weight: float
    source: str


@dataclass(frozen=True, kw_only=True)
class EdgeBlock:
    """The edges that leave some entities, by row of their head, then tail, then relation.

    Attributes:
        ids: entity ids, ``int64 [N]``.
        names: of the entities.
        rows: for each edge the row of its head in ``ids``, ``int64 [E]``.
        relations: relation ids, ``int64 [E]``.
        tails: entity ids, ``int64 [E]``.
        tail_names: of the tails.
        weights: ``float32 [E]``.
        sources: who asserts each edge; empty texts where nobody is named.
    """

    ids: np.ndarray
    names: list[str]
    rows: np.ndarray
    relations: np.ndarray
    tails: np.ndarray
    tail_names: list[str]
    weights: np.ndarray
    sources: list[str]

    def __iter__(self) -> Iterator[Edge]:
        columns = (self.rows.tolist(), self.relations.tolist(), self.tail_names, self.weights.tolist(), self.sources)
        return map(Edge, *columns)


class Selection:
    """Entities of a graph and the triples between them.

    Args:
        graph: where they are from.
        entities: ids in any order, repetitions allowed; None for the whole graph.

    Raises:
        GraphError: an id is not in the graph.
    """

    def __init__(self, graph: KnowledgeGraph, entities: Iterable[int] | None = None) -> None:
        self.graph = graph
        self.ids = None if entities is None else chosen_ids(graph, entities)

    def entity_blocks(self) -> Iterator[EntityBlock]:
        """Yield the entities in the order of their ids."""
        aliases = _Aliases(self.graph, self.ids)
        for ids in self._id_blocks():
            labels = self.graph.labels.take(ids)
            yield EntityBlock(
                ids=ids,
                names=self.graph.entities.take(ids),
                labels=labels,
                descriptions=self.graph.descriptions.take(ids),
                **aliases.of(ids, labels),
            )

    def edge_blocks(self) -> Iterator[EdgeBlock]:
        """Yield the triples in the order of their heads, tails and relations.

        A block holds the edges of at most ``BLOCK_ENTITIES`` heads and, unless a single head has more,
        ``BLOCK_EDGES`` edges.
        """
        for ids in self._id_blocks():
            rows, positions, tails = self._edges(ids)
            yield EdgeBlock(
                ids=ids,
                names=self.graph.entities.take(ids),
                rows=rows,
                relations=self.graph.outgoing.relations[positions].astype(np.int64),
                tails=tails,
                tail_names=_names(self.graph, tails),
                weights=edge_weights(self.graph, positions),
                sources=self._sources(positions),
            )

    def blocks(self) -> Iterator[tuple[EntityBlock, EdgeBlock]]:
        """Yield the entities together with the edges that leave them."""
        return zip(self.entity_blocks(), self.edge_blocks(), strict=True)

    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return heads, relations, tails (``int64 [E]``) and weights (``float32 [E]``) of all triples."""
        everything = np.arange(self.graph.num_entities) if self.ids is None else self.ids
        rows, positions, tails = self._edges(everything)
        relations = self.graph.outgoing.relations[positions].astype(np.int64)
        return everything[rows], relations, tails, edge_weights(self.graph, positions)

    def _id_blocks(self) -> Iterator[np.ndarray]:
        indptr = self.graph.outgoing.indptr
        total = self.graph.num_entities if self.ids is None else len(self.ids)
        start = 0
        while start < total:
            end = min(start + BLOCK_ENTITIES, total)
            ids = np.arange(start, end) if self.ids is None else self.ids[start:end]
            edges = np.cumsum(indptr[ids + 1].astype(np.int64) - indptr[ids].astype(np.int64))
            fitting = max(1, int(np.searchsorted(edges, BLOCK_EDGES, side="right")))
            yield ids[:fitting]
            start += len(ids[:fitting])

    def _edges(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return, of the edges that leave ``ids`` and stay within the selection, row, position and tail."""
        indptr = self.graph.outgoing.indptr
        starts, ends = indptr[ids].astype(np.int64), indptr[ids + 1].astype(np.int64)
        lengths = ends - starts
        rows = np.repeat(np.arange(len(ids)), lengths)
        positions = np.arange(len(rows)) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        tails = self.graph.outgoing.neighbors[positions].astype(np.int64)
        if self.ids is None:
            return rows, positions, tails
        place = np.searchsorted(self.ids, tails)
        inside = self.ids[np.minimum(place, len(self.ids) - 1)] == tails
        return rows[inside], positions[inside], tails[inside]

    def _sources(self, positions: np.ndarray) -> list[str]:
        codes = self.graph.triple_sources
        if codes is None:
            return [""] * len(positions)
        return [self.graph.sources[code] for code in codes[positions].tolist()]


def chosen_ids(graph: KnowledgeGraph, entities: Iterable[int]) -> np.ndarray:
    """Return entity ids sorted, each once, as ``int64``.

    Raises:
        GraphError: an id is not a whole number, or not in the graph.
    """
    given = np.asarray(entities if isinstance(entities, np.ndarray) else list(entities))
    if given.size and given.dtype.kind not in "iu":
        raise GraphError(f"entities are chosen by id, not by {given.dtype}; graph.entity_id(name) gives the id")
    ids = np.unique(given.astype(np.int64))
    if len(ids) and (ids[0] < 0 or ids[-1] >= graph.num_entities):
        wrong = ids[0] if ids[0] < 0 else ids[-1]
        raise GraphError(f"entity id {wrong}, expected 0 to {graph.num_entities - 1} in graph '{graph.name}'")
    return ids


def edge_weights(graph: KnowledgeGraph, positions: np.ndarray) -> np.ndarray:
    """Return the weights of edges by their positions in ``graph.outgoing``, ``float32 [E]``."""
    return graph.outgoing.weight_values[graph.outgoing.weight_codes[positions]]


def _names(graph: KnowledgeGraph, ids: np.ndarray) -> list[str]:
    """Return the names of entities, each looked up once."""
    distinct, places = np.unique(ids, return_inverse=True)
    names = graph.entities.take(distinct)
    return [names[place] for place in places.tolist()]


class _Aliases:
    """The way from an entity back to its surface forms, made for many entities at a time."""

    def __init__(self, graph: KnowledgeGraph, chosen: np.ndarray | None) -> None:
        self.graph = graph
        self.chosen = chosen
        self.covered = 0  # ids below this, down to the start of the block they were loaded for, are at hand
        self.entities = self.surfaces = self.counts = np.empty(0, dtype=np.int64)

    def of(self, ids: np.ndarray, labels: list[str]) -> dict[str, Any]:
        """Return aliases, their counts and the labels' counts of entities; blocks come in ascending order."""
        if ids[-1] >= self.covered:
            self._load(int(ids[0]), int(ids[-1]) + 1)
        starts, ends = (np.searchsorted(self.entities, bound).tolist() for bound in (ids, ids + 1))
        first = starts[0]
        texts = self.graph.surfaces.take(self.surfaces[first : ends[-1]])
        counts = self.counts[first : ends[-1]].tolist()
        aliases, alias_counts, label_counts = [], [], []
        for start, end, label in zip(starts, ends, labels, strict=True):
            place = slice(start - first, end - first)
            seen = dict(zip(texts[place], counts[place], strict=True))
            label_counts.append(seen.pop(label, 0))
            aliases.append(list(seen))
            alias_counts.append(list(seen.values()))
        return {"aliases": aliases, "alias_counts": alias_counts, "label_counts": label_counts}

    def _load(self, low: int, high: int) -> None:
        graph, bearers = self.graph, self.graph.surface_entities
        if self.chosen is None:
            self.covered = min(max(low + ALIAS_WINDOW, high), graph.num_entities)
            positions = np.flatnonzero((bearers >= low) & (bearers < self.covered))
        else:
            self.covered = graph.num_entities
            positions = np.flatnonzero(np.isin(bearers, self.chosen))
        surfaces = np.searchsorted(graph.surface_indptr, positions, side="right") - 1
        # Stable: the surfaces of an entity stay sorted.
        order = np.argsort(bearers[positions], kind="stable")
        self.entities = np.asarray(bearers[positions])[order]
        self.surfaces = surfaces[order]
        self.counts = np.asarray(graph.surface_counts[positions])[order]
