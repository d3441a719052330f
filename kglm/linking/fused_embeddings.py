"""Fused entity embeddings: a mention as the mixture of what it may mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kglm.embeddings import EntityTable
from kglm.errors import ConfigError
from kglm.linking.candidate_sets import CandidateSets
from kglm.linking.entity_vectors import LazyVectors
from kglm.linking.mention import Mention

Gate = Callable[[Tensor, Tensor], Tensor]
"""Fuses structural ``[K, D_s]`` and textual ``[K, D_t]`` vectors to ``[K, D_e]``: an
:class:`~kglm.nn.entity_gate.EntityGate`."""


@dataclass(frozen=True)
class MentionEmbeddings:
    """The vectors of the mentions of N texts, ragged: M in all.

    Attributes:
        vectors: ``float32 [M, D_e]``.
        offsets: ``int64 [N + 1]``; the mentions of text ``i`` are ``vectors[offsets[i]:offsets[i + 1]]``.
        mentions: those of each text, in the order of the vectors.
    """

    vectors: np.ndarray
    offsets: np.ndarray
    mentions: list[list[Mention]]

    @classmethod
    def join(cls, vectors: Sequence[np.ndarray], mentions: list[list[Mention]], dim: int) -> MentionEmbeddings:
        """Return the embeddings of texts that were embedded in blocks."""
        offsets = np.concatenate(([0], np.cumsum([len(row) for row in mentions], dtype=np.int64)))
        return cls(np.concatenate([np.zeros((0, dim), dtype=np.float32), *vectors]), offsets, mentions)


class EntityRows:
    """The vector of each entity by which mentions are mixed.

    Args:
        table: its blocks, side by side or fused by the gate; None takes the vectors of descriptions.
        descriptions: also for entities that were added behind the table's.
        gate: see :data:`Gate`.

    Raises:
        ConfigError: there is a gate, but not both blocks; or entities were added whose textual vector another encoder
            would have to make.
    """

    def __init__(self, table: EntityTable | None, descriptions: LazyVectors, gate: Gate | None) -> None:
        if gate is not None and (table is None or table.structural is None or table.textual is None):
            raise ConfigError("a gate fuses structural and textual vectors, but the linker's entity table lacks one")
        self._table = table
        self._descriptions = descriptions
        self._gate = gate

    @property
    def dim(self) -> int:
        """D_e, the size of a vector."""
        return int(self.rows(np.zeros(1, dtype=np.int64)).shape[1])

    def rows(self, entities: np.ndarray) -> np.ndarray:
        """Return ``float32 [K, D_e]``."""
        if self._table is None:
            return self._descriptions.rows(entities)
        blocks = [self._block(name, entities) for name in self._table.blocks]
        if self._gate is not None:
            with torch.inference_mode():
                fused = self._gate(*(torch.from_numpy(block) for block in blocks))
            return fused.float().cpu().numpy()
        return np.concatenate(blocks, axis=1)

    def _block(self, name: str, entities: np.ndarray) -> np.ndarray:
        assert self._table is not None
        known = len(self._table)
        vectors = self._table.rows(np.minimum(entities, known - 1), name)
        added = entities >= known
        if added.any():
            vectors[added] = 0
            if name == "textual":
                made = self._descriptions.rows(entities[added])
                if made.shape[1] != vectors.shape[1]:
                    raise ConfigError(
                        f"an added entity has {made.shape[1]} textual dimensions by the linker's encoder, the entity "
                        f"table {vectors.shape[1]}; make the table with the linker's encoder"
                    )
                vectors[added] = made
        return vectors


def mixtures(sets: CandidateSets, probabilities: np.ndarray, rows: EntityRows) -> np.ndarray:
    """Return ``float32 [M, D_e]``: of each mention, the sum of its candidates' vectors by their probabilities.

    Args:
        sets: the candidates.
        probabilities: ``[sum K]``.
        rows: gives the vectors.
    """
    if not len(sets.entities):
        return np.zeros((len(sets), rows.dim), dtype=np.float32)
    distinct, places = np.unique(sets.entities, return_inverse=True)
    weighted = rows.rows(distinct)[places] * probabilities[:, None].astype(np.float32)
    mixed = np.zeros((len(sets), weighted.shape[1]), dtype=np.float32)
    np.add.at(mixed, sets.owners, weighted)
    return mixed
