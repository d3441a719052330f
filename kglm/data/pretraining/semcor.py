"""SemCor: the Brown corpus with a WordNet sense for most content words, as JSON lines of sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from kglm.data.entity_names import EntityNames, json_lines
from kglm.data.linked_text import LinkedText, certain_mention, join_tokens
from kglm.data.pretraining.document import Document
from kglm.errors import DataError


@dataclass(frozen=True)
class TaggedWord:
    """A word with its sense.

    Attributes:
        start: place of its first character in the sentence.
        end: place behind its last.
        lemma: its lemma, with ``_`` between the words of a multiword.
        pos: part of speech as the file has it.
        synsets: right synsets, of which most words have one; empty where the file knows none.
    """

    start: int
    end: int
    lemma: str
    pos: str
    synsets: tuple[str, ...]


@dataclass(frozen=True)
class TaggedSentence:
    """A sentence as text, and its words that have a sense."""

    id: str
    text: str
    words: tuple[TaggedWord, ...]


def read_tagged(path: Path | str) -> Iterator[TaggedSentence]:
    """Yield the sentences of SemCor, or of an evaluation set in its format.

    A line has ``id``, ``tokens`` (multiwords joined by ``_``) and ``senses``: place of the token, lemma, part of
    speech, sense keys, and synsets joined by ``|``.

    Raises:
        DataError: the file is missing, or a line is malformed.
    """
    for line, row in json_lines(path, "sense-tagged text"):
        try:
            yield _sentence(row)
        except (KeyError, TypeError, ValueError, IndexError, DataError) as error:
            raise DataError.at(path, line, f"not a sense-tagged sentence ({error})") from error


def _sentence(row: dict[str, Any]) -> TaggedSentence:
    joined = join_tokens(token.replace("_", " ") for token in row["tokens"])
    words = []
    for place, lemma, pos, _, synsets, *_ in row["senses"]:
        start, end = joined.span(place, place + 1)
        found = tuple(synset for synset in (synsets or "").split("|") if synset)
        if start < end:
            words.append(TaggedWord(start, end, lemma, pos, found))
    return TaggedSentence(row["id"], joined.text, tuple(words))


def read_semcor(path: Path | str, names: EntityNames) -> Iterator[Document]:
    """Yield SemCor's files as documents, each word with a sense a mention of its synset.

    Args:
        path: see :func:`read_tagged`.
        names: finds synsets, such as ``n00031264``, in the graph; those that it does not have are left out.

    Raises:
        DataError: as :func:`read_tagged`.
    """
    for name, sentences in groupby(read_tagged(path), lambda sentence: sentence.id.rpartition(".")[0]):
        yield Document(name, tuple(_linked(sentence, names) for sentence in sentences if sentence.text))


def _linked(sentence: TaggedSentence, names: EntityNames) -> LinkedText:
    found: Sequence[tuple[TaggedWord, int | None]] = [
        (word, names.find(word.synsets[0])) for word in sentence.words if word.synsets
    ]
    return LinkedText(
        sentence.text,
        tuple(
            certain_mention(sentence.text, word.start, word.end, entity)
            for word, entity in found
            if entity is not None
        ),
    )
