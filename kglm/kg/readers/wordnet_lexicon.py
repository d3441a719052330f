"""What both layouts of WordNet are read into."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kglm.kg.readers.compression import ENDINGS, open_bytes
from kglm.kg.readers.lines import read_lines
from kglm.kg.tally import Tally

LEXICAL = "pointer from word to word"
UNKNOWN_COUNT = "count of a sense that is not there"

SYNSET_TYPES = {"n": 1, "v": 2, "a": 3, "r": 4, "s": 5}


class Synset(NamedTuple):
    """Words that share a meaning.

    Attributes:
        words: as WordNet writes them, with underscores, without adjective markers.
        keys: the sense key of each word (senseidx(5WN)).
        gloss: definition and examples.
    """

    words: Sequence[str]
    keys: Sequence[str]
    gloss: str


Pointers = tuple[Sequence[str], Sequence[str], Sequence[str]]


@dataclass
class Lexicon:
    """A WordNet.

    Attributes:
        synsets: by entity name, in the order of the files.
        pointers: heads, relations and tails, in pieces.
        senses: the entities that a lemma means, most frequent first, by lemma (lower case) and part of speech.
        counts: how often SemCor has a sense, by sense key.
    """

    synsets: dict[str, Synset] = field(default_factory=dict)
    pointers: list[Pointers] = field(default_factory=list)
    senses: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def known_keys(self) -> set[str]:
        """Return the sense keys of all words."""
        return {key for synset in self.synsets.values() for key in synset.keys}

    def add_senses(self, lemma: str, pos: str, entities: list[str]) -> str:
        """Take the senses of a lemma, and return an empty text, or why they cannot be taken."""
        if not lemma or not entities:
            return "no lemma or no synset, expected a lemma and its synsets"
        if not self.synsets.keys() >= set(entities):
            unknown = next(entity for entity in entities if entity not in self.synsets)
            return f"lemma '{lemma}' names the synset '{unknown}', which is not there"
        if (lemma, pos) in self.senses:
            return f"lemma '{lemma}' ({pos}) stands twice"
        self.senses[lemma, pos] = entities
        return ""


@contextmanager
def collection_paused() -> Iterator[None]:
    """Let Python's cycle collector rest: half a million new objects without a cycle would double the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def sense_key(word: str, ss_type: str, file: str, lex_id: int, head: str = "", head_id: int = -1) -> str:
    """Return the key of a sense, as in ``index.sense``; a satellite's names the head word of its cluster."""
    tail = f"{head.lower()}:{head_id:02d}" if head else ":"
    return f"{word.lower()}%{SYNSET_TYPES[ss_type]}:{file}:{lex_id:02d}:{tail}"


def numbered_lines(path: Path, tally: Tally) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file with their numbers, all of which are counted as read.

    As ``read_lines`` does, which one line that is not UTF-8 makes take over, but in half the time.

    Raises:
        DataError: the file is damaged, or more lines are rejected than allowed.
    """
    tally.start(path, unit="entry")
    with open_bytes(path) as handle:
        content = handle.read()
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        for line in read_lines(path, tally):
            yield tally.line, line
        return
    if not lines[-1]:
        lines.pop()
    tally.read(len(lines))
    for number, line in enumerate(lines, start=1):
        yield number, line.rstrip("\r")


def parse_count(text: str) -> int | None:
    """Return a count that can be stored, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def find_file(folder: Path, name: str) -> Path | None:
    """Return a file of a folder, plain or compressed, or None."""
    candidates = (folder / f"{name}{ending}" for ending in ("", *ENDINGS))
    return next((path for path in candidates if path.is_file()), None)
