"""Compressed sparse rows: the edges of every entity, in one direction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Edges(NamedTuple):
    """The edges at one entity, as parallel arrays sorted by neighbour, then relation."""

    neighbors: np.ndarray
    relations: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Adjacency:
    """Edges sorted by (row, neighbour, relation); 10 bytes an edge.

    Attributes:
        indptr: ``int64 [entities + 1]``.
        neighbors: ``int32 [edges]``.
        relations: ``int16 [edges]``.
        weights: ``float32 [edges]``.
    """

    indptr: np.ndarray
    neighbors: np.ndarray
    relations: np.ndarray
    weights: np.ndarray

    @classmethod
    def from_edges(
        cls, num_rows: int, rows: np.ndarray, neighbors: np.ndarray, relations: np.ndarray, weights: np.ndarray
    ) -> Adjacency:
        """Sort edges into rows."""
        order = np.lexsort((relations, neighbors, rows))
        return cls(
            row_pointers(rows, num_rows),
            neighbors[order].astype(np.int32),
            relations[order].astype(np.int16),
            weights[order].astype(np.float32),
        )

    @classmethod
    def open(cls, folder: Path, name: str) -> Adjacency:
        """Map the rows ``name`` in ``folder`` into memory."""
        fields = ("indptr", "neighbors", "relations", "weights")
        return cls(*(np.load(folder / f"{name}.{field}.npy", mmap_mode="r") for field in fields))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays to store, by file stem."""
        return {f"{name}.{field}": array for field, array in vars(self).items()}

    def row(self, index: int) -> Edges:
        """Return views of the edges at one entity."""
        span = slice(int(self.indptr[index]), int(self.indptr[index + 1]))
        return Edges(self.neighbors[span], self.relations[span], self.weights[span])


@dataclass(frozen=True)
class Links:
    """The simple undirected graph under the triples: who is joined to whom, by whatever relation.

    A row lists each neighbour once, heaviest link first, ties by entity id; the weight of a link is the
    largest weight of its triples in either direction. Path search walks along it.

    Attributes:
        indptr: ``int64 [entities + 1]``.
        neighbors: ``int32 [links in both directions]``.
    """

    indptr: np.ndarray
    neighbors: np.ndarray

    @classmethod
    def from_triples(cls, num_rows: int, heads: np.ndarray, tails: np.ndarray, weights: np.ndarray) -> Links:
        """Project triples onto their unordered pairs, self-loops left out."""
        distinct = heads != tails
        heads, tails, weights = heads[distinct], tails[distinct], weights[distinct]
        rows, neighbors = np.concatenate([heads, tails]), np.concatenate([tails, heads])
        weights = np.concatenate([weights, weights])
        order = np.lexsort((-weights, neighbors, rows))
        rows, neighbors, weights = rows[order], neighbors[order], weights[order]
        first = np.ones(len(rows), dtype=bool)
        first[1:] = (rows[1:] != rows[:-1]) | (neighbors[1:] != neighbors[:-1])
        rows, neighbors, weights = rows[first], neighbors[first], weights[first]
        order = np.lexsort((neighbors, -weights, rows))
        return cls(row_pointers(rows, num_rows), neighbors[order].astype(np.int32))

    @classmethod
    def open(cls, folder: Path, name: str) -> Links:
        """Map the rows ``name`` in ``folder`` into memory."""
        return cls(*(np.load(folder / f"{name}.{field}.npy", mmap_mode="r") for field in ("indptr", "neighbors")))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays to store, by file stem."""
        return {f"{name}.{field}": array for field, array in vars(self).items()}

    def row(self, index: int) -> np.ndarray:
        """Return the neighbours of one entity."""
        return self.neighbors[int(self.indptr[index]) : int(self.indptr[index + 1])]


def row_pointers(rows: np.ndarray, num_rows: int) -> np.ndarray:
    """Return ``int64 [num_rows + 1]`` offsets of rows, given each element's row."""
    pointers = np.zeros(num_rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=num_rows), out=pointers[1:])
    return pointers
