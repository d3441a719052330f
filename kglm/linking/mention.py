"""Mentions: spans of text with the entities they may stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Candidate(NamedTuple):
    """An entity that a mention may stand for."""

    entity: int
    probability: float


@dataclass(frozen=True)
class Mention:
    """A span ``text[start:end]`` of the original text and its candidates, the likeliest first."""

    start: int
    end: int
    text: str
    candidates: tuple[Candidate, ...]
