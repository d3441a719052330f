"""Linked Wikipedia documents as THU-ERNIE's pretraining reads them: WordPiece ids, and an entity for each of them.

Two files, plain or ``.gz``, with a document on each line, the lines aligned. A line has tab-separated fields: the
number of sentences, and for each sentence its length and so many items: in one file WordPiece ids, in the other
Wikidata ids, ``#UNK#`` where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from pathlib import Path

from kglm.data.entity_names import EntityNames, open_text, read_lines
from kglm.data.linked_text import LinkedText, certain_mention
from kglm.data.pretraining.document import Document
from kglm.errors import DataError

NO_ENTITY = "#UNK#"
CONTINUATION = "##"


def read_wikipedia(
    tokens: Path | str, entities: Path | str, pieces: Sequence[str], names: EntityNames
) -> Iterator[Document]:
    """Yield the documents as text: pieces that continue a word are joined to it, words by blanks.

    Tokens that follow each other and have one entity are one mention. Mentions of entities that the graph does not
    have are left out.

    Args:
        tokens: file of WordPiece ids.
        entities: file of entities.
        pieces: the vocabulary behind the ids, that of ``bert-base-uncased``.
        names: finds the entities.

    Raises:
        DataError: a file is missing, or a line is malformed or does not fit that of the other file.
    """
    tokens, entities = Path(tokens), Path(entities)
    with open_text(tokens, "tokens of Wikipedia") as first, open_text(entities, "entities of Wikipedia") as second:
        pairs = zip_longest(read_lines(first, tokens), read_lines(second, entities))
        for line, (token_line, entity_line) in enumerate(pairs, start=1):
            if token_line is None or entity_line is None:
                ended = tokens if token_line is None else entities
                raise DataError.at(ended, line, "the file ends here, but the other one goes on")
            ids = _sentences(token_line, tokens, line)
            marks = _sentences(entity_line, entities, line)
            if [len(sentence) for sentence in ids] != [len(sentence) for sentence in marks]:
                raise DataError.at(entities, line, "its sentences differ in length from those of the tokens")
            found = [
                _sentence(_pieces(sentence, pieces, tokens, line), linked, names)
                for sentence, linked in zip(ids, marks, strict=True)
                if sentence
            ]
            yield Document(f"{tokens.name}:{line}", tuple(found))


def _sentences(line: str, path: Path, number: int) -> list[list[str]]:
    """Return the items of each sentence; every header field is checked."""
    fields = line.rstrip("\n").split("\t")
    sentences: list[list[str]] = []
    at = 1
    try:
        for _ in range(int(fields[0])):
            length = int(fields[at])
            items = fields[at + 1 : at + 1 + length]
            if length < 0 or len(items) != length:
                raise ValueError(f"a sentence of {length} items has {len(items)}")
            sentences.append(items)
            at += 1 + length
        if at != len(fields):
            raise ValueError(f"{len(fields) - at} items are left over")
    except (ValueError, IndexError) as error:
        raise DataError.at(path, number, f"not a document of this format ({error})") from error
    return sentences


def _pieces(ids: Sequence[str], pieces: Sequence[str], path: Path, line: int) -> list[str]:
    try:
        return [pieces[int(number)] for number in ids]
    except (ValueError, IndexError) as error:
        raise DataError.at(
            path, line, f"a WordPiece id is not below {len(pieces)}, the size of the vocabulary ({error})"
        ) from error


def _sentence(pieces: Sequence[str], linked: Sequence[str], names: EntityNames) -> LinkedText:
    places: list[tuple[int, int]] = []
    text = ""
    for piece in pieces:
        joined = piece.removeprefix(CONTINUATION) if text else piece
        if text and joined == piece:
            text += " "
        places.append((len(text), len(text) + len(joined)))
        text += joined
    mentions = []
    at = 0
    for name, group in groupby(linked):
        length = len(list(group))
        entity = None if name == NO_ENTITY else names.find(name)
        if entity is not None:
            mentions.append(certain_mention(text, places[at][0], places[at + length - 1][1], entity))
        at += length
    return LinkedText(text, tuple(mentions))
