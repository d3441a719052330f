"""Text whose words are tagged with WordNet senses: SemCor, and the all-words sets of Raganato et al.

Raganato, Camacho-Collados and Navigli, *Word Sense Disambiguation: A Unified Evaluation Framework*, EACL 2017.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from kglm.errors import DataError, require_file

PARTS_OF_SPEECH = {"N": "n", "V": "v", "J": "a", "A": "a", "R": "r"}
"""WordNet's letter by the first letter of a tag, of the Penn or the universal set; ``ADV`` is ``r``."""


class TaggedWord(NamedTuple):
    """A word, or several joined, whose sense somebody has told.

    Attributes:
        start: in characters of the sentence.
        end: past the last character.
        lemma: as in WordNet's index, in lower case with underscores.
        pos: ``n``, ``v``, ``a`` or ``r``.
        synsets: names of the synsets that are right; empty where the key was of another WordNet.
        id: of the instance, or empty.
    """

    start: int
    end: int
    lemma: str
    pos: str
    synsets: tuple[str, ...]
    id: str = ""


@dataclass(frozen=True)
class TaggedSentence:
    """A sentence of a document.

    Attributes:
        id: as the file has it: ``brown1.br-a01.s1``, ``d000.s000``.
        document: the part of the id before the last dot.
        text: the tokens with blanks between them, underscores read as blanks.
        words: those that are tagged, in order.
    """

    id: str
    document: str
    text: str
    words: tuple[TaggedWord, ...]


def read_sense_tagged(path: Path | str) -> list[TaggedSentence]:
    """Return the sentences of a file of JSON lines ``{"id", "tokens", "senses"}``, plain or gzipped.

    A sense is ``[token index, lemma, tag, sense keys, synsets, ...]``; several synsets are joined by ``|``. A sixth
    field, where there is one, is the id of an instance in the evaluation sets, and a class of names in SemCor.

    Raises:
        DataError: the file is missing, or a line is malformed; with its number.
    """
    path = require_file(path, "sense-tagged text")
    sentences = []
    for number, line in _lines(path):
        try:
            sentences.append(_sentence(json.loads(line)))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise DataError.at(
                path, number, f"no sense-tagged sentence ({error}); expected id, tokens and senses"
            ) from error
    if not sentences:
        raise DataError(f"the sense-tagged text '{path}' has no sentence")
    return sentences


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError.at(path, number + 1, f"cannot be read ({error})") from error


def _sentence(values: Any) -> TaggedSentence:
    text, places = _joined(values["tokens"])
    words = []
    for index, lemma, tag, _, synsets, *rest in values["senses"]:
        if isinstance(index, bool) or not 0 <= index < len(places):
            raise ValueError(f"token {index!r} of {len(places)}")
        named = tuple(name for name in (synsets or "").split("|") if name)
        pos = named[0][0] if named else part_of_speech(tag)
        identity = rest[0] if rest and "." in rest[0] else ""
        start, end = places[index]
        words.append(TaggedWord(start, end, lemma.lower(), pos, named, identity))
    return TaggedSentence(values["id"], values["id"].rpartition(".")[0], text, tuple(words))


def _joined(tokens: list[str]) -> tuple[str, list[tuple[int, int]]]:
    """Return the text, and where each token stands in it."""
    places, parts, at = [], [], 0
    for token in tokens:
        part = token.replace("_", " ")
        places.append((at, at + len(part)))
        parts.append(part)
        at += len(part) + 1
    return " ".join(parts), places


def part_of_speech(tag: str) -> str:
    """Return WordNet's letter for a tag.

    Raises:
        ValueError: the tag is of no part of speech that WordNet has.
    """
    letter = "r" if tag == "ADV" else PARTS_OF_SPEECH.get(tag[:1])
    if letter is None:
        raise ValueError(f"the tag '{tag}' is of no part of speech that WordNet has")
    return letter
