"""Precision, recall and F1 of annotations, micro and macro, the way GERBIL counts.

An annotation is a span with an entity. It is right where the gold set has the same span with the same entity (strong
annotation match). Micro scores pool the documents; macro scores are the means over documents of precision, recall and
F1, where a document with nothing to find and nothing found counts as 1 (Röder, Usbeck and Ngonga Ngomo, *GERBIL –
benchmarking named entity recognition and linking consistently*, Semantic Web 9(5), 2018).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Annotation(NamedTuple):
    """A span with its entity; None means that the graph has none for it (NIL)."""

    start: int
    end: int
    entity: int | None


class Scores(NamedTuple):
    """Between 0 and 1."""

    precision: float
    recall: float
    f1: float

    @classmethod
    def from_counts(cls, right: int, found: int, wanted: int) -> Scores:
        """Return the scores of ``right`` among ``found`` annotations where ``wanted`` are to be found."""
        if found == wanted == 0:
            return cls(1.0, 1.0, 1.0)
        return cls(right / found if found else 0.0, right / wanted if wanted else 0.0, 2 * right / (found + wanted))


class MicroMacro(NamedTuple):
    """Scores over all documents together, and on average."""

    micro: Scores
    macro: Scores


def score(gold: Sequence[Iterable[Annotation]], found: Sequence[Iterable[Annotation]], *, nil: bool) -> MicroMacro:
    """Return the scores of what was found.

    Args:
        gold: the annotations of each document.
        found: those of the system.
        nil: whether NIL annotations count, as one more entity; without, they are left out on both sides ("in KB"), so
            that a link where the gold set has NIL is a mistake still.
    """
    rows = []
    for wanted, had in zip(gold, found, strict=True):
        ours, theirs = ({one for one in side if nil or one.entity is not None} for side in (wanted, had))
        rows.append((len(ours & theirs), len(theirs), len(ours)))
    each = [Scores.from_counts(*row) for row in rows]
    micro = Scores.from_counts(*(sum(column) for column in zip(*rows, strict=True))) if rows else Scores(1, 1, 1)
    macro = Scores(*(sum(column) / len(each) for column in zip(*each, strict=True))) if rows else Scores(1, 1, 1)
    return MicroMacro(micro, macro)
