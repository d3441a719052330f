"""Gold sets for entity linking: documents whose mentions somebody has marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from kglm.errors import DataError, UnknownNameError, require_file


class GoldMention(NamedTuple):
    """A span that the gold set marks.

    Attributes:
        start: in characters of the document's text.
        end: past the last character.
        entity: as the gold set names it: a Wikidata id, a DBpedia or Wikipedia title; None where it says that no
            knowledge base has the entity.
    """

    start: int
    end: int
    entity: str | None


@dataclass(frozen=True)
class GoldDocument:
    """A text and its gold mentions, sorted by place.

    Attributes:
        id: names the document in messages.
        text: the text.
        mentions: without two at the same place.
    """

    id: str
    text: str
    mentions: tuple[GoldMention, ...]


def read_gold(path: Path | str, format: str | None = None) -> list[GoldDocument]:
    """Return the documents of a gold set.

    Args:
        path: JSON lines as ELEVANT has them, or NIF in Turtle (or any other syntax that its ending tells).
        format: ``elevant`` or ``nif``; None tells it from the file's name.

    Raises:
        DataError: the file is missing, or malformed; with its line where there is one.
        UnknownNameError: there is no such format.
    """
    from kglm.linking.evaluation.elevant import read_elevant
    from kglm.linking.evaluation.nif import read_nif

    readers: dict[str, Callable[[Path], list[GoldDocument]]] = {"elevant": read_elevant, "nif": read_nif}
    path = require_file(path, "gold set")
    if format is None:
        format = "elevant" if any(suffix in {".jsonl", ".json"} for suffix in path.suffixes) else "nif"
    if format not in readers:
        raise UnknownNameError("format of gold sets", format, readers)
    documents = readers[format](path)
    if not documents:
        raise DataError(f"the gold set '{path}' has no documents")
    return documents


def sorted_mentions(text: str, mentions: Sequence[GoldMention]) -> tuple[GoldMention, ...]:
    """Return mentions by place, checked against their text.

    Raises:
        ValueError: a mention lies outside of the text, is empty, or stands at the place of another.
    """
    ordered = sorted(mentions, key=lambda mention: (mention.start, mention.end))
    for mention in ordered:
        if not 0 <= mention.start < mention.end <= len(text):
            raise ValueError(f"the span {mention.start}-{mention.end} is no part of a text of {len(text)} characters")
    for first, second in pairwise(ordered):
        if first[:2] == second[:2]:
            raise ValueError(f"the span {first.start}-{first.end} is marked twice")
    return tuple(ordered)
