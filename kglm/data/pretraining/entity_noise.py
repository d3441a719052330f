"""Denoised entities (dEA): what the model is told of a mention's entity, and what it shall find.

Dimensions: N mentions of a batch, K candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kglm.errors import ConfigError

KEPT, REPLACED, MASKED = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class EntityNoise:
    """How the entities of mentions are corrupted (Zhang et al., ACL 2019, section 3.4).

    Attributes:
        replaced: share of mentions that get another entity of the batch.
        masked: share of mentions that get none.
    """

    replaced: float = 0.05
    masked: float = 0.15

    def __post_init__(self) -> None:
        if not (0 <= self.replaced <= 1 and 0 <= self.masked <= 1 and self.replaced + self.masked <= 1):
            raise ConfigError(
                f"entity noise replaced is {self.replaced} and masked is {self.masked}; allowed: shares that add up "
                "to 1 at most"
            )


@dataclass(frozen=True)
class NoisyEntities:
    """The mentions of a batch, corrupted.

    Attributes:
        entities: ``int64 [N]`` as the model sees them; meaningless where masked.
        fates: ``int8 [N]`` :data:`KEPT`, :data:`REPLACED` or :data:`MASKED`.
        candidates: ``int64 [K]`` the batch's unique entities, ascending.
        labels: ``int64 [N]`` place of the right entity among the candidates.
    """

    entities: np.ndarray
    fates: np.ndarray
    candidates: np.ndarray
    labels: np.ndarray


def corrupt_entities(entities: np.ndarray, draws: np.ndarray, options: EntityNoise) -> NoisyEntities:
    """Corrupt the entities of a batch.

    A mention is replaced by each of the batch's other entities with the same probability; in a batch of one entity,
    where there is no other, it is kept.

    Args:
        entities: right entities of the mentions.
        draws: two numbers in [0, 1) for each mention, drawn for its text alone, so that the result does not depend
            on how batches are made up but through the candidates.
        options: shares.

    Shapes:
        entities: ``[N]``; draws: ``[N, 2]``
    """
    candidates, labels = np.unique(entities, return_inverse=True)
    fates = np.full(len(entities), KEPT, dtype=np.int8)
    if len(candidates) > 1:
        fates[draws[:, 0] < options.replaced] = REPLACED
    behind = options.replaced + options.masked
    fates[(draws[:, 0] >= options.replaced) & (draws[:, 0] < behind)] = MASKED
    # A step of 1 to K - 1 around the circle of candidates leads to each of the others alike.
    steps = 1 + (draws[:, 1] * max(len(candidates) - 1, 1)).astype(np.int64)
    others = (labels + steps) % max(len(candidates), 1)
    seen = np.where(fates == REPLACED, candidates[others], entities) if len(entities) else entities
    return NoisyEntities(seen, fates, candidates, labels)
