"""Where a collator finds the vectors of entities: a table, a shuffled one, or a linker's own for each mention."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from kglm.errors import ConfigError, FingerprintMismatchError


class EntityVectors(Protocol):
    """Rows of vectors by number, with the fingerprint of the graph that numbers them.

    :class:`kglm.embeddings.EntityTable` is one.
    """

    fingerprint: str

    @property
    def dim(self) -> int:
        """D_v, the size of a vector."""
        ...

    def rows(self, entities: np.ndarray) -> np.ndarray:
        """Return ``float32 [N, D_v]`` for ``int64 [N]``."""
        ...


class MentionVectors:
    """A vector for each mention, as a linker's ``embed`` returns them; mentions are numbered, not entities.

    Args:
        vectors: ``float32 [mentions, D_v]``, memory-mapped or not.
        fingerprint: of the graph whose entities were mixed.
    """

    def __init__(self, vectors: np.ndarray, fingerprint: str) -> None:
        if vectors.ndim != 2:
            raise ConfigError(f"vectors of mentions have the shape {vectors.shape}; expected [mentions, D_v]")
        self.vectors = vectors
        self.fingerprint = fingerprint

    @property
    def dim(self) -> int:
        """D_v, the size of a vector."""
        return int(self.vectors.shape[1])

    def rows(self, entities: np.ndarray) -> np.ndarray:
        """Return ``float32 [N, D_v]`` of mentions."""
        return np.asarray(self.vectors[entities], dtype=np.float32)


class ShuffledVectors:
    """The control: the same vectors, dealt out to the wrong entities.

    Args:
        vectors: those to be shuffled.
        count: how many entities there are.
        seed: of the permutation, which is the same in every process and epoch.
    """

    def __init__(self, vectors: EntityVectors, count: int, seed: int) -> None:
        self.vectors = vectors
        self.fingerprint = vectors.fingerprint
        self._permutation = np.random.default_rng([seed, count]).permutation(count)

    @property
    def dim(self) -> int:
        """D_v, the size of a vector."""
        return self.vectors.dim

    def rows(self, entities: np.ndarray) -> np.ndarray:
        """Return ``float32 [N, D_v]`` of other entities."""
        return self.vectors.rows(self._permutation[entities])


def check_vectors(vectors: EntityVectors, fingerprint: str, what: str) -> None:
    """Refuse vectors whose rows another graph numbers than that of the mentions.

    Raises:
        FingerprintMismatchError: with the remedy.
    """
    if vectors.fingerprint != fingerprint:
        remedy = "Link the texts to the graph that the vectors were made for, or make the vectors again."
        raise FingerprintMismatchError(what, vectors.fingerprint, fingerprint, remedy)
