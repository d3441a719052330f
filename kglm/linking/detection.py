"""Mention detection: where a text names something that a graph has, and by which of its forms.

Fast enough to be run on everything: words, forms and matching are compiled code over arrays, Python sees a text once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from kglm.errors import ConfigError, UnknownNameError
from kglm.kg.graph import KnowledgeGraph
from kglm.linking import matching, normalization
from kglm.linking.matching import MOST_GAP
from kglm.linking.surface_trie import MOST_WORDS, SurfaceTrie, learn_tokens
from kglm.linking.tokenization import tokenize_many
from kglm.linking.word_table import WordTable

MODES = ("longest", "overlapping")
_BLOCK = 1 << 23  # code points handled at once
_MOST_LEARNED = 1 << 20  # words of texts that are remembered


class Surface(NamedTuple):
    """A form of the graph that a span spells."""

    text: str
    """As the graph has it."""
    entities: np.ndarray
    """``int32``, what it may mean."""
    counts: np.ndarray
    """``int32``, how often it was seen to mean each; 0 where nothing is known."""
    spelling: int
    """How the span spells it: 0 as it is written, but for case, hyphens and articles; else the bits ``INFLECTED``
    (the text has another form of a word), ``FROM_BASE`` (only the base forms agree), ``LOOSE`` (the stop words
    differ) and
    ``GAP`` (other words stand in between) of :mod:`kglm.linking.matching`; less is better. A span has forms by
    base forms only where it has no others, and loosely spelt ones where it has no others still."""


@dataclass(frozen=True)
class Span:
    """A mention: ``text[start:end]`` spells these forms, the best spelt first."""

    start: int
    end: int
    surfaces: tuple[Surface, ...]


@dataclass(frozen=True, kw_only=True)
class DetectorOptions:
    """What is a mention.

    Attributes:
        mode: ``longest``, leftmost longest spans without overlaps; or ``overlapping``, all spans.
        max_words: content words of the longest form that is looked for, at most 32.
        max_gap: how many other content words may stand within a mention ("pick the red ball up" names "pick up" with
            2), at most 3.
        loose_stop_words: stop words of a form may be missing or others ("the law school of" names "school of law" no
            more than "law school", but "schools of law" and "school law" name it).
    """

    mode: str = "longest"
    max_words: int = 6
    max_gap: int = 0
    loose_stop_words: bool = True

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UnknownNameError("detector mode", self.mode, MODES)
        if not 1 <= self.max_words <= MOST_WORDS:
            raise ConfigError(f"detector max_words is {self.max_words}, expected 1 to {MOST_WORDS}")
        if not 0 <= self.max_gap <= MOST_GAP:
            raise ConfigError(f"detector max_gap is {self.max_gap}, expected 0 to {MOST_GAP}")

    def cache_key(self) -> dict[str, Any]:
        """Return all that the result depends on, beside the graph and the text."""
        return {**normalization.versions(), **asdict(self)}


class DetectedSpans(NamedTuple):
    """The mentions of many texts, as arrays; M mentions in all.

    Attributes:
        offsets: ``int64 [texts + 1]``, the mentions of a text are ``offsets[i]`` to ``offsets[i + 1]``.
        starts: ``int64 [M]``, first character.
        ends: ``int64 [M]``, past the last one.
        surface_offsets: ``int64 [M + 1]`` into the next two.
        surfaces: ``int32``, numbers of the forms that a mention spells, the best spelt first.
        spellings: ``uint8``, how well, see :class:`Surface`.
    """

    offsets: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    surface_offsets: np.ndarray
    surfaces: np.ndarray
    spellings: np.ndarray


class MentionDetector:
    """Finds the labels and aliases of a graph in text.

    Making one reads all forms of the graph: some seconds for 150,000. What is added later is found from then on. One
    detector is for one thread at a time.

    Args:
        graph: the graph.
        options: see :class:`DetectorOptions`.
    """

    def __init__(self, graph: KnowledgeGraph, options: DetectorOptions | None = None) -> None:
        self.graph = graph
        self.options = options or DetectorOptions()
        self.num_entities = graph.num_entities  # a linker that knows more entities than the graph raises it
        self._words = WordTable()
        self._trie = SurfaceTrie(self._words, self.options.max_words)
        self._trie.add(list(graph.surfaces))
        self._kept_words = len(self._words)
        self._added_texts: list[str] = []
        self._added: dict[int, dict[int, int]] = {}
        self._numbers: dict[str, int] = {}

    def add(self, surface: str, entity: int, count: int = 1) -> None:
        """Let a form mean an entity from now on, beside what it means already.

        Args:
            surface: a label or alias.
            entity: an id of the graph.
            count: how often it was seen to mean that.

        Raises:
            ValueError: the form has no word, or too many, so that it could never be found; or the graph has no such
                entity.
        """
        if not 0 <= entity < self.num_entities:
            raise ValueError(f"entity {entity} is unknown; there are {self.num_entities:,}")
        number = self._number_of(surface)
        meanings = self._added.setdefault(number, {})
        meanings[entity] = meanings.get(entity, 0) + count

    def _number_of(self, surface: str) -> int:
        number = self._numbers.get(surface, self.graph.surfaces.find(surface))
        if number >= 0:
            return number
        words = self._trie.content_words(surface)
        if not 0 < words <= self.options.max_words:
            raise ValueError(
                f"the form '{surface}' has {words} words that count, expected 1 to {self.options.max_words}"
            )
        (number,) = self._trie.add([surface])
        self._added_texts.append(surface)
        self._numbers[surface] = number
        self._kept_words = len(self._words)
        return number

    def detect_arrays(self, texts: Sequence[str]) -> DetectedSpans:
        """Return the mentions of texts as arrays; offsets are those of the Python strings."""
        blocks = [self._detect_block(texts[start:stop]) for start, stop in _blocks(texts)]
        return blocks[0] if len(blocks) == 1 else _concatenated(blocks)

    def _detect_block(self, texts: Sequence[str]) -> DetectedSpans:
        if len(self._words) - self._kept_words > _MOST_LEARNED:
            self._words.forget(self._kept_words)
        points, offsets, tokens = tokenize_many(texts)
        ids, joined = learn_tokens(self._words, points, tokens)
        options = self.options
        return DetectedSpans(
            *matching.match(
                self._trie.arrays,
                points,
                offsets,
                tokens,
                ids,
                joined,
                self._words.forms,
                self._words.kinds,
                options.mode == "overlapping",
                options.loose_stop_words,
                options.max_gap,
            )
        )

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return the mentions of each text, in order of their beginning and then of their end."""
        return [list(self.spans(found, i)) for found in [self.detect_arrays(texts)] for i in range(len(texts))]

    def spans(self, found: DetectedSpans, text: int) -> Iterator[Span]:
        """Yield the mentions of one of the texts that ``found`` is of."""
        for mention in range(int(found.offsets[text]), int(found.offsets[text + 1])):
            low, high = found.surface_offsets[mention : mention + 2].tolist()
            numbers, spellings = found.surfaces[low:high].tolist(), found.spellings[low:high].tolist()
            surfaces = tuple(
                Surface(self.surface_text(number), *self.meanings(number), spelling)
                for number, spelling in zip(numbers, spellings, strict=True)
            )
            yield Span(int(found.starts[mention]), int(found.ends[mention]), surfaces)

    def surface_text(self, number: int) -> str:
        """Return a form by its number."""
        known = len(self.graph.surfaces)
        return self.graph.surfaces[number] if number < known else self._added_texts[number - known]

    def meanings(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the entities of a form by its number, and how often it was seen to mean each."""
        entities, counts = _EMPTY, _EMPTY
        if number < len(self.graph.surfaces):
            low, high = int(self.graph.surface_indptr[number]), int(self.graph.surface_indptr[number + 1])
            entities, counts = self.graph.surface_entities[low:high], self.graph.surface_counts[low:high]
        if number not in self._added:
            return entities, counts
        merged = dict(zip(entities.tolist(), counts.tolist(), strict=True))
        for entity, count in self._added[number].items():
            merged[entity] = merged.get(entity, 0) + count
        return np.array(list(merged), dtype=np.int32), np.array(list(merged.values()), dtype=np.int32)


_EMPTY = np.zeros(0, dtype=np.int32)


def _blocks(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield ranges of texts, each of about ``_BLOCK`` characters or of one longer text; one range for no texts."""
    start, size = 0, 0
    for stop, text in enumerate(texts):
        if size and size + len(text) > _BLOCK:
            yield start, stop
            start, size = stop, 0
        size += len(text)
    yield start, len(texts)


def _concatenated(blocks: Sequence[DetectedSpans]) -> DetectedSpans:
    def joined(parts: list[np.ndarray]) -> np.ndarray:
        ends = np.cumsum([0, *(part[-1] for part in parts)])
        return np.concatenate([[0], *(part[1:] + end for part, end in zip(parts, ends, strict=False))])

    return DetectedSpans(
        offsets=joined([block.offsets for block in blocks]),
        starts=np.concatenate([block.starts for block in blocks]),
        ends=np.concatenate([block.ends for block in blocks]),
        surface_offsets=joined([block.surface_offsets for block in blocks]),
        surfaces=np.concatenate([block.surfaces for block in blocks]),
        spellings=np.concatenate([block.spellings for block in blocks]),
    )
