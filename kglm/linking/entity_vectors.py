"""Vectors of entities from what is written on them, made when first asked for and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np


class EncodesTexts(Protocol):
    """Whatever turns texts into vectors of length 1, as :class:`kglm.encoders.TextEncoder` does."""

    @property
    def dim(self) -> int:
        """D, the size of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return ``float32 [N, D]``."""
        ...


class LazyVectors:
    """A growing table: an entity is encoded when it is first asked for.

    A linker that is opened thus needs no pass over a graph of millions, and an entity that is added takes effect at
    once.

    Args:
        encoder: makes the vectors.
        text: gives an entity's text by its id.
        known: ``[N, D]`` vectors of the entities 0 to N - 1 that are there already (an entity table's textual block);
            they are taken as they are, scaled to length 1.
    """

    def __init__(self, encoder: EncodesTexts, text: Callable[[int], str], known: np.ndarray | None = None) -> None:
        if known is not None and known.shape[1] != encoder.dim:
            raise ValueError(f"known vectors have the shape {known.shape}, but the encoder's have {encoder.dim}")
        self._encoder = encoder
        self._text = text
        self._known = known
        self._rows: dict[int, int] = {}
        self._vectors = np.empty((0, encoder.dim), dtype=np.float32)

    def __len__(self) -> int:
        """Return how many entities have been encoded here."""
        return len(self._rows)

    def rows(self, entities: np.ndarray) -> np.ndarray:
        """Return ``float32 [N, D]``, the vectors of entities by id, of length 1."""
        known = 0 if self._known is None else len(self._known)
        outside = np.unique(entities[entities >= known]) if known else np.unique(entities)
        missing = [entity for entity in outside.tolist() if entity not in self._rows]
        if missing:
            self._take(missing)
        vectors = np.empty((len(entities), self._vectors.shape[1]), dtype=np.float32)
        inside = entities < known
        if self._known is not None and inside.any():
            vectors[inside] = _of_length_one(np.asarray(self._known[entities[inside]], dtype=np.float32))
        places = [self._rows[entity] for entity in entities[~inside].tolist()]
        vectors[~inside] = self._vectors[places]
        return vectors

    def _take(self, entities: list[int]) -> None:
        fresh = self._encoder.encode([self._text(entity) for entity in entities])
        start, needed = len(self._rows), len(self._rows) + len(entities)
        if needed > len(self._vectors):  # room for as many again, so that growing stays linear
            grown = np.empty((max(needed, 2 * len(self._vectors)), fresh.shape[1]), dtype=np.float32)
            grown[: len(self._vectors)] = self._vectors
            self._vectors = grown
        self._vectors[start:needed] = fresh
        self._rows.update(zip(entities, range(start, needed), strict=True))


def _of_length_one(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
