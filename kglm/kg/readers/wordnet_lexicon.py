"""What both layouts of WordNet are read into."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kglm.kg.readers.compression import ENDINGS
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

    def add_senses(self, lemma: str, pos: str, entities: list[str], tally: Tally) -> None:
        """Take the senses of a lemma, and pass the verdict on their line."""
        known = self.synsets.keys() >= set(entities)
        if not lemma or not entities:
            tally.reject("no lemma or no synset, expected a lemma and its synsets")
        elif not known:
            unknown = next(entity for entity in entities if entity not in self.synsets)
            tally.reject(f"lemma '{lemma}' names the synset '{unknown}', which is not there")
        elif (lemma, pos) in self.senses:
            tally.reject(f"lemma '{lemma}' ({pos}) stands twice")
        else:
            tally.accept()
            self.senses[lemma, pos] = entities


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


def parse_count(text: str) -> int | None:
    """Return a count that can be stored, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def find_file(folder: Path, name: str) -> Path | None:
    """Return a file of a folder, plain or compressed, or None."""
    candidates = (folder / f"{name}{ending}" for ending in ("", *ENDINGS))
    return next((path for path in candidates if path.is_file()), None)
