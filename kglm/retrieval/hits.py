"""What a search returns: arrays, and hits that are only made when someone looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

NONE = -1


@dataclass(frozen=True)
class Hit:
    """One result.

    Attributes:
        id: of the vector or text: an entity's or triple's id, or a position from 0.
        score: higher is better.
        text: what was indexed; empty where the index holds vectors alone.
        key: the name under which the user knows it (an entity's name, a row's identifier); empty where it has none.
    """

    id: int
    score: float
    text: str = ""
    key: str = ""


Describe = Callable[[Sequence[int]], list[tuple[str, str]]]
"""Returns text and key of some positions."""


class SearchResult:
    """The best k of each of B queries; unpacks as ``scores, ids``.

    Attributes:
        scores: ``float32 [B, k]``, the best first; ``-inf`` where there are fewer than k.
        ids: ``int64 [B, k]``; -1 where there are fewer than k.
        positions: ``int64 [B, k]``, rows of the index; -1 likewise.
    """

    __slots__ = ("_describe", "ids", "positions", "scores")

    def __init__(
        self, scores: np.ndarray, ids: np.ndarray, positions: np.ndarray, describe: Describe | None = None
    ) -> None:
        self.scores = scores
        self.ids = ids
        self.positions = positions
        self._describe = describe

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.scores, self.ids))

    def __len__(self) -> int:
        """B, the number of queries."""
        return len(self.ids)

    def hits(self, query: int) -> list[Hit]:
        """Return the hits of one query, made now; fewer than k where there are no more."""
        found = np.flatnonzero(self.positions[query] != NONE)
        positions = self.positions[query][found].tolist()
        scores, ids = self.scores[query][found].tolist(), self.ids[query][found].tolist()
        described = self._describe(positions) if self._describe else [("", "")] * len(positions)
        return [Hit(i, s, text, key) for i, s, (text, key) in zip(ids, scores, described, strict=True)]

    def described_by(self, describe: Describe) -> SearchResult:
        """Return the same result whose hits tell texts and keys."""
        return SearchResult(self.scores, self.ids, self.positions, describe)
