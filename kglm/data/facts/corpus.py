"""A corpus of facts: an index on disk, how it is searched, and what of its texts is compared with what."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kglm.data.facts.options import CorpusOptions
from kglm.files import atomic_directory, atomic_write_json
from kglm.kg.graph import KnowledgeGraph
from kglm.retrieval import TextIndex
from kglm.retrieval.hits import NONE

logger = logging.getLogger(__name__)

QUERIES_AT_ONCE = 1024
POOL = 100  # candidates of vectors and words before they are fused


class Passage(NamedTuple):
    """A text of a corpus and its parts.

    Attributes:
        text: what is read.
        asked: what is compared with a question; of a triple its ends, of a training question the question.
        answered: what is compared with a choice; of a triple its ends, of a training question the answer.
        information: factor on its worth: of a triple ``1 - N_r / N``, the share of the other relations' triples; of
            other texts 1.
    """

    text: str
    asked: str
    answered: str
    information: float


class FactCorpus:
    """Texts that may be read as facts.

    Args:
        name: of the corpus, and so of its facts' source.
        options: see :class:`~kglm.data.facts.options.CorpusOptions`.
        index: of its texts.
        graph: the run's graph, whose triples those of kind ``triples`` are.
    """

    def __init__(self, name: str, options: CorpusOptions, index: TextIndex, graph: KnowledgeGraph) -> None:
        self.name = name
        self.options = options
        self.index = index
        self.graph = graph
        self._passages: dict[int, Passage] = {}
        self._rarities: dict[str, float] = {}

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the index's content: texts, vectors, words, and the encoder's digest."""
        told = {name: self.index.manifest[name] for name in ("files", "encoder", "bm25")}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def search(
        self, questions: Sequence[tuple[str, Sequence[str]]], cache_dir: Path | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the best texts for ``question choice``, question by question and choice by choice.

        With words alone, and where texts must mention the choice, the best ones of those that do are found.

        Args:
            questions: each with its choices, G in all.
            cache_dir: where results are kept and found again, by the index's digest, the options and the texts.

        Returns:
            Scores ``float32 [G, K]``, the best first, and positions ``int64 [G, K]``, -1 for none.
        """
        if cache_dir is None:
            return self._search(questions)
        key = {"corpus": self.digest, "search": self.options.search_key(), "pool": POOL, "texts": _digest(questions)}
        folder = cache_dir / "fact_hits" / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        if not (folder / "manifest.json").is_file():
            found = self._search(questions)
            with atomic_directory(folder) as temporary:
                for name, array in zip(("scores", "positions"), found, strict=True):
                    np.save(temporary / f"{name}.npy", array)
                atomic_write_json(temporary / "manifest.json", key)
        scores, positions = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("scores", "positions"))
        return scores, positions

    def look_up(self, forms: Iterable[str]) -> list[tuple[float, int]]:
        """Return the texts under the first of some forms that has any: 1 / rank among its senses, and position."""
        found = next((self._by_key[form.casefold()] for form in forms if form.casefold() in self._by_key), [])
        return [(1 / rank, position) for rank, position in enumerate(found[: self.options.candidates], start=1)]

    def rarity(self, words: Iterable[str]) -> float:
        """Return how much words tell: the sum of ``log(1 + N / n)``, n (at least 1) of the N texts holding a word."""
        return sum(self._rarity_of(word) for word in words)

    def passage(self, position: int) -> Passage:
        """Return the text at a position, with its parts."""
        if position not in self._passages:
            self.load([position])
        return self._passages[position]

    def load(self, positions: Iterable[int]) -> None:
        """Get many passages ready at once, which is quicker than one by one."""
        new = [position for position in dict.fromkeys(positions) if position not in self._passages]
        described = self.index.texts.describe(new)
        if self.options.kind == "triples":
            self._passages.update(zip(new, self._triples(new, [text for text, _ in described]), strict=True))
            return
        asked = self.options.kind == "questions"
        for position, (text, key) in zip(new, described, strict=True):
            parts = (key, text[len(key) :]) if asked else (text, text)
            self._passages[position] = Passage(text, *parts, 1.0)

    def _triples(self, positions: Sequence[int], texts: Sequence[str]) -> Iterator[Passage]:
        out, labels = self.graph.outgoing, self.graph.labels
        # In the pointers' own type: another would have numpy convert all of them.
        at = np.asarray(positions, dtype=out.indptr.dtype)
        heads = labels.take(np.searchsorted(out.indptr, at, side="right") - 1)
        shares = self._relation_counts[out.relations[at]] / self.graph.num_triples
        for text, head, tail, share in zip(
            texts, heads, labels.take(out.neighbors[at]), shares.tolist(), strict=True
        ):
            yield Passage(text, f"{head} {tail}", f"{head} {tail}", 1 - share)

    def _rarity_of(self, word: str) -> float:
        if word not in self._rarities:
            assert self.index.lexical is not None  # all of these indexes have words
            holding = max(1, self.index.lexical.document_frequency(word))
            self._rarities[word] = math.log(1 + len(self.index) / holding)
        return self._rarities[word]

    def _search(self, questions: Sequence[tuple[str, Sequence[str]]]) -> tuple[np.ndarray, np.ndarray]:
        options, wanted = self.options, min(self.options.candidates, len(self.index))
        logger.info("searching '%s' (%d texts) for %d questions", self.name, len(self.index), len(questions))
        if options.searches_holding and self.index.lexical is not None:
            rows = [self.index.lexical.search_holding(question, choices, wanted) for question, choices in questions]
            none = (np.empty((0, wanted), dtype=np.float32), np.empty((0, wanted), dtype=np.int64))
            scores, positions = (np.concatenate(parts) for parts in zip(none, *rows, strict=True))
            return scores, positions
        queries = [f"{question} {choice}" for question, choices in questions for choice in choices]
        scores = np.full((len(queries), wanted), -np.inf, dtype=np.float32)
        positions = np.full((len(queries), wanted), NONE, dtype=np.int64)
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            at = slice(start, start + QUERIES_AT_ONCE)
            found = self.index.search(
                queries[at], wanted, mode=options.mode, pool=max(POOL, wanted), fusion=options.fusion,
                weights=options.weights,
            )  # fmt: skip
            scores[at], positions[at] = found.scores, found.positions
        return scores, positions

    @cached_property
    def _by_key(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = defaultdict(list)
        position = 0
        for keys in self.index.texts.keys():  # noqa: SIM118
            for key in keys:
                places[key].append(position)
                position += 1
        return dict(places)

    @cached_property
    def _relation_counts(self) -> np.ndarray:
        return np.bincount(self.graph.outgoing.relations, minlength=self.graph.num_relations)


def _digest(questions: Sequence[tuple[str, Sequence[str]]]) -> str:
    digest = hashlib.sha256()
    for question, choices in questions:
        digest.update(json.dumps([question, *choices]).encode())
    return digest.hexdigest()
