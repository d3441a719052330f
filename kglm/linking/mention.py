"""Mentions: spans of text with the entities they may stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Candidate(NamedTuple):
    """An entity that a mention may stand for; ``source`` tells which look-up proposed it."""

    entity: int
    probability: float
    source: str = "exact"


@dataclass(frozen=True)
class Mention:
    """A span ``text[start:end]`` of the original text and its candidates, the likeliest first.

    ``nil`` is the probability that no entity of the graph is meant. It and the candidates' probabilities sum to 1
    where a linker keeps all candidates, and to less where it drops the unlikely ones.
    """

    start: int
    end: int
    text: str
    candidates: tuple[Candidate, ...]
    nil: float = 0.0

    @property
    def entity(self) -> int | None:
        """The likeliest entity, or None where it is likelier that no entity of the graph is meant."""
        if not self.candidates or self.candidates[0].probability < self.nil:
            return None
        return self.candidates[0].entity
