"""Entity typing in Open Entity's JSON format: the types, several at once, of a mention in its sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kglm.data.entity_names import EntityNames, json_lines, open_text
from kglm.data.linked_text import LinkedText, certain_mention
from kglm.data.markers import insert_markers
from kglm.data.text_classification import ClassificationExample
from kglm.errors import DataError

MARKER = ("#", "#")  # in every vocabulary, and rare in running text


@dataclass(frozen=True)
class TypingExample:
    """A sentence with the mention that is asked about.

    Attributes:
        id: file and number.
        text: the sentence.
        span: place of the mention, in characters.
        types: its types.
        entities: the data set's links of mentions in the sentence: name, start and end in characters.
    """

    id: str
    text: str
    span: tuple[int, int]
    types: tuple[str, ...]
    entities: tuple[tuple[str, int, int], ...] = ()


def read_typing(path: Path | str) -> list[TypingExample]:
    """Read a JSON list of objects, or JSON lines, as ERNIE's release of Open Entity has them.

    An object has ``sent``, ``start`` and ``end`` (characters), ``labels`` (the types), and may have ``ents``, links
    as ``[Wikidata id, start, end, score]``.

    Raises:
        DataError: the file is missing or malformed; names the line or the number of the object.
    """
    path = Path(path)
    with open_text(path, "typing data") as handle:
        is_list = handle.read(1024).lstrip().startswith("[")
    examples = []
    for number, row in _listed(path) if is_list else json_lines(path, "typing data"):
        try:
            examples.append(_example(f"{path.name}:{number}", row))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            said = f"no field {error}" if isinstance(error, KeyError) else str(error)
            raise DataError.at(path, number, f"not an example of Open Entity's format ({said})") from error
    if not examples:
        raise DataError(f"'{path}' has no example")
    return examples


def _listed(path: Path) -> list[tuple[int, dict[str, Any]]]:
    with open_text(path, "typing data") as handle:
        try:
            return list(enumerate(json.load(handle), start=1))
        except ValueError as error:
            raise DataError(f"'{path}' is not JSON: {error}") from error


def _example(name: str, row: dict[str, Any]) -> TypingExample:
    text, start, end = row["sent"], int(row["start"]), int(row["end"])
    if not 0 <= start < end <= len(text):
        raise ValueError(f"the mention spans the characters {start} to {end} of a text of {len(text)}")
    links = tuple((str(link[0]), int(link[1]), int(link[2])) for link in row.get("ents", ()))
    return TypingExample(name, text, (start, end), tuple(map(str, row["labels"])), links)


def typing_labels(examples: list[TypingExample]) -> list[str]:
    """Return the types of some examples, sorted."""
    return sorted({kind for example in examples for kind in example.types})


def to_classification(
    examples: list[TypingExample], labels: list[str], names: EntityNames | None
) -> list[ClassificationExample]:
    """Return the sentences with the mention marked, and all links whose entity the graph has.

    A type that is not among the labels, because no training example has it, is not asked for; an example may so be
    left without any right label.

    Args:
        examples: the sentences.
        labels: the types to tell apart.
        names: finds the entities; None links none.
    """
    rows = []
    for example in examples:
        found = [] if names is None else [(names.find(name), start, end) for name, start, end in example.entities]
        links = [(entity, start, end) for entity, start, end in found if entity is not None]
        spans = [example.span, *((start, end) for _, start, end in links)]
        text, places = insert_markers(example.text, spans, [MARKER, *[("", "")] * len(links)])
        mentions = [
            certain_mention(text, start, end, entity)
            for (entity, _, _), (start, end) in zip(links, places[1:], strict=True)
        ]
        linked = any(start < example.span[1] and end > example.span[0] for _, start, end in links)
        rows.append(
            ClassificationExample(
                id=example.id,
                text=LinkedText(text, tuple(mentions)),
                label=tuple(int(label in example.types) for label in labels),
                slice="mention linked" if linked else "mention not linked",
            )
        )
    return rows
