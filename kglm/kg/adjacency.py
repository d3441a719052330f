"""Compressed sparse rows: the edges of every entity, in one direction, and the simple graph under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kglm.kg.store import ArrayStore


class Edges(NamedTuple):
    """The edges at one entity, as parallel arrays sorted by neighbour, then relation."""

    neighbors: np.ndarray
    relations: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Adjacency:
    """Edges sorted by (row, neighbour, relation); 6 to 10 bytes an edge.

    Attributes:
        indptr: ``uint32 [entities + 1]``, ``uint64`` beyond four thousand million edges.
        neighbors: ``int32 [edges]``.
        relations: ``uint8`` or ``uint16 [edges]``.
        weight_codes: ``uint8``, ``uint16`` or ``uint32 [edges]`` into ``weight_values``; codes compare as weights do.
        weight_values: ``float32``, the distinct weights of the graph, ascending.
    """

    indptr: np.ndarray
    neighbors: np.ndarray
    relations: np.ndarray
    weight_codes: np.ndarray
    weight_values: np.ndarray

    @classmethod
    def open(cls, store: ArrayStore, name: str) -> Adjacency:
        """Map the rows ``name`` of a store."""
        fields = ("indptr", "neighbors", "relations", "weight_codes")
        return cls(**{field: store[f"{name}.{field}"] for field in fields}, weight_values=store["weight_values"])

    @property
    def weights(self) -> np.ndarray:
        """The weights of all edges, ``float32 [edges]``, decoded into a new array."""
        return self.weight_values[self.weight_codes]

    def row(self, index: int) -> Edges:
        """Return the edges at one entity; neighbours and relations are views."""
        span = slice(int(self.indptr[index]), int(self.indptr[index + 1]))
        return Edges(self.neighbors[span], self.relations[span], self.weight_values[self.weight_codes[span]])


@dataclass(frozen=True)
class Links:
    """The simple undirected graph under the triples: who is joined to whom, by whatever relation.

    A row lists each neighbour once, heaviest link first, ties by entity id; the weight of a link is the
    largest weight of its triples in either direction. Path search walks along it.

    Attributes:
        indptr: ``uint32 [entities + 1]``, ``uint64`` beyond four thousand million links.
        neighbors: ``int32 [links in both directions]``.
        weight_codes: ``uint8``, ``uint16`` or ``uint32`` into ``weight_values``.
        weight_values: ``float32``, the distinct weights of the graph, ascending.
    """

    indptr: np.ndarray
    neighbors: np.ndarray
    weight_codes: np.ndarray
    weight_values: np.ndarray

    @classmethod
    def open(cls, store: ArrayStore, name: str) -> Links:
        """Map the rows ``name`` of a store."""
        fields = ("indptr", "neighbors", "weight_codes")
        return cls(**{field: store[f"{name}.{field}"] for field in fields}, weight_values=store["weight_values"])

    @property
    def weights(self) -> np.ndarray:
        """The weights of all links, ``float32``, decoded into a new array."""
        return self.weight_values[self.weight_codes]

    def row(self, index: int) -> np.ndarray:
        """Return the neighbours of one entity."""
        return self.neighbors[int(self.indptr[index]) : int(self.indptr[index + 1])]
