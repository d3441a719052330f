"""A fact: a text that is read behind a choice, and where it came from."""

from __future__ import annotations

from typing import NamedTuple

GRAPH = "graph"
RANDOM = "random"
RESERVED = (GRAPH, RANDOM)
"""Names of sources that no corpus may bear."""


class Fact(NamedTuple):
    """A text that is read behind a choice.

    Attributes:
        text: a sentence, or clauses, without the last full stop.
        score: how much it is worth reading, among facts of its source.
        source: ``graph``, the name of a corpus, or ``random`` for a control.
    """

    text: str
    score: float
    source: str = GRAPH

    @property
    def sentence(self) -> str:
        """What is read: the text with one full stop (or its own mark) behind it."""
        return self.text if self.text.endswith((".", "!", "?")) else f"{self.text}."
