"""Relation classification: sentences with two mentions, in the formats of wiki80 and of FewRel."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from kglm.data.entity_names import EntityNames, json_lines, open_text
from kglm.data.linked_text import LinkedText, certain_mention, join_tokens
from kglm.data.markers import insert_markers
from kglm.errors import DataError

MARKERS: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "none": (("", ""), ("", "")),
    "symbols": (("@", "@"), ("#", "#")),  # in every vocabulary, and rare in running text
    "tokens": (("[HEAD]", "[/HEAD]"), ("[TAIL]", "[/TAIL]")),  # to be added to the vocabulary
}


@dataclass(frozen=True)
class RelationExample:
    """A sentence and the relation between two of its mentions.

    Attributes:
        id: file and line, or relation and number.
        text: the sentence.
        head: place of the first mention, in characters.
        tail: place of the second.
        entities: what the data set calls the two entities.
        relation: name of the relation.
    """

    id: str
    text: str
    head: tuple[int, int]
    tail: tuple[int, int]
    entities: tuple[str, str]
    relation: str


def read_relations(path: Path | str) -> list[RelationExample]:
    """Read the sentences of a file.

    Two formats are told apart by the first character that is not white space within the first line: JSON lines as
    wiki80's (``token``, ``h`` and ``t`` with ``id`` and ``pos`` ``[first, behind the last]``, ``relation``), and one
    JSON object as FewRel's (relation to a list of ``tokens``, ``h`` and ``t`` as ``[name, id, [[word, ...], ...]]``;
    the first place counts).

    Raises:
        DataError: the file is missing or malformed; names the line or the sentence.
    """
    path = Path(path)
    examples = list(_fewrel(path) if _is_one_object(path) else _wiki80(path))
    if not examples:
        raise DataError(f"'{path}' has no sentence")
    return examples


def _is_one_object(path: Path) -> bool:
    """Tell FewRel's format: the first line is a whole object without the fields of wiki80's, or only begins one."""
    with open_text(path, "relation data") as lines:
        first = next(lines, "")
    try:
        row = json.loads(first)
    except ValueError:
        return first.lstrip().startswith("{")
    return isinstance(row, dict) and "token" not in row and all(isinstance(value, list) for value in row.values())


def _wiki80(path: Path) -> Iterator[RelationExample]:
    for line, row in json_lines(path, "relation data"):
        try:
            spans = [tuple(row[end]["pos"]) for end in "ht"]
            names = (str(row["h"]["id"]), str(row["t"]["id"]))
            yield _example(f"{path.name}:{line}", row["token"], spans, names, row["relation"])
        except (KeyError, TypeError, ValueError, DataError) as error:
            raise DataError.at(path, line, f"not a sentence of wiki80's format ({_said(error)})") from error


def _fewrel(path: Path) -> Iterator[RelationExample]:
    with open_text(path, "relation data") as handle:
        try:
            relations = json.load(handle)
        except ValueError as error:
            raise DataError(f"'{path}' is neither JSON lines nor one JSON object: {error}") from error
    for relation, sentences in relations.items():
        for number, row in enumerate(sentences):
            try:
                places = [row[end][2][0] for end in "ht"]
                spans = [(min(words), max(words) + 1) for words in places]
                names = (str(row["h"][1]), str(row["t"][1]))
                yield _example(f"{relation}:{number}", row["tokens"], spans, names, relation)
            except (KeyError, TypeError, ValueError, IndexError, DataError) as error:
                raise DataError(
                    f"'{path}': sentence {number} of relation '{relation}' is not of FewRel's format ({_said(error)})"
                ) from error


def _said(error: Exception) -> str:
    return f"no field {error}" if isinstance(error, KeyError) else str(error)


def _example(
    name: str, words: Sequence[str], spans: Sequence[Any], entities: tuple[str, str], relation: str
) -> RelationExample:
    joined = join_tokens(words)
    head, tail = (joined.span(first, last) for first, last in spans)
    if not (head[0] < head[1] and tail[0] < tail[1]):
        raise DataError("a mention is empty")
    return RelationExample(name, joined.text, head, tail, entities, str(relation))


def mark_relation(example: RelationExample, markers: str, names: EntityNames | None) -> LinkedText:
    """Return the sentence with its two mentions marked, and linked where the graph has their entities.

    Args:
        example: the sentence.
        markers: a key of :data:`MARKERS`.
        names: finds the entities; None links none.
    """
    text, spans = insert_markers(example.text, (example.head, example.tail), MARKERS[markers])
    found = [None if names is None else names.find(name) for name in example.entities]
    return LinkedText(
        text,
        tuple(
            certain_mention(text, start, end, entity)
            for (start, end), entity in zip(spans, found, strict=True)
            if entity is not None
        ),
    )


def hash_share(text: str) -> float:
    """Return a number in [0, 1) that is a text's own, to split a data set by."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def split_by_hash(
    examples: Sequence[RelationExample], shares: Mapping[str, float], *, shift: float = 0.0
) -> dict[str, list[RelationExample]]:
    """Divide examples by the hash of their sentence; equal sentences fall into one part.

    Args:
        examples: the sentences.
        shares: expected share of each part; they add up to 1.
        shift: share by which the parts' bounds are moved around, in [0, 1).
    """
    parts: dict[str, list[RelationExample]] = {name: [] for name in shares}
    names, bounds = list(shares), list(accumulate(shares.values()))
    for example in examples:
        part = min(bisect_right(bounds, (hash_share(example.text) + shift) % 1), len(names) - 1)
        parts[names[part]].append(example)
    return parts
