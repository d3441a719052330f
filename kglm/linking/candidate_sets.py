"""Candidates of many mentions as flat arrays: what the look-ups found, before anything is disambiguated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

SOURCES = ("exact", "part", "acronym", "fuzzy", "dense")
"""Look-ups, the most trusted first: of the whole alias, of a part of it, of its initials, of a similar spelling, and
of what its entity means."""


class Hit(NamedTuple):
    """What a look-up found for one mention.

    Attributes:
        entity: its id.
        source: index into :data:`SOURCES`.
        share: how much of the entity's alias the mention is, above 0 to 1; the similarity of a fuzzy or dense hit.
        count: how often the alias was seen to mean the entity; 0 where nobody counted.
    """

    entity: int
    source: int = 0
    share: float = 1.0
    count: float = 0.0  # type: ignore[assignment]  # a field here, a method of other tuples


@dataclass(frozen=True)
class CandidateSets:
    """The candidates of M mentions, ragged: sum K of them.

    Attributes:
        offsets: ``int64 [M + 1]``; the candidates of mention ``i`` are ``entities[offsets[i]:offsets[i + 1]]``.
        entities: ``int64 [sum K]``, distinct within a mention.
        sources: ``uint8 [sum K]`` into :data:`SOURCES`.
        shares: ``float32 [sum K]``, see :class:`Hit`.
        counts: ``float32 [sum K]``, see :class:`Hit`.
    """

    offsets: np.ndarray
    entities: np.ndarray
    sources: np.ndarray
    shares: np.ndarray
    counts: np.ndarray

    @classmethod
    def from_hits(cls, hits: Iterable[Sequence[Hit]]) -> CandidateSets:
        """Return the hits of each mention in their order."""
        rows = list(hits)
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        table = np.array([hit for row in rows for hit in row], dtype=np.float64).reshape(-1, 4)
        return cls(
            offsets,
            table[:, 0].astype(np.int64),
            table[:, 1].astype(np.uint8),
            table[:, 2].astype(np.float32),
            table[:, 3].astype(np.float32),
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def owners(self) -> np.ndarray:
        """``int64 [sum K]``, the mention of each candidate."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))


def merge_hits(hits: Iterable[Hit], limit: int) -> list[Hit]:
    """Return distinct entities, each by its best hit, at most ``limit``, the best first.

    Better is: a more trusted source, then a larger share, then a larger count, then a smaller entity id. The count of
    an entity is the largest that any of its hits has.
    """
    best: dict[int, Hit] = {}
    for hit in hits:
        known = best.get(hit.entity)
        if known is None:
            best[hit.entity] = hit
        else:
            first = min(known, hit, key=_rank)
            best[hit.entity] = first._replace(count=max(known.count, hit.count))
    return sorted(best.values(), key=_rank)[:limit]


def _rank(hit: Hit) -> tuple[float, ...]:
    return hit.source, -hit.share, -hit.count, hit.entity
