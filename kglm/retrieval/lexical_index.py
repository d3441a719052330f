"""BM25 over texts (Robertson and Zaragoza, 2009; computed by bm25s, Lù, 2024: arXiv 2407.03618)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import bm25s  # type: ignore[import-untyped]
import numpy as np

from kglm.errors import ConfigError, DataError, RetrievalIndexError
from kglm.retrieval.hits import NONE
from kglm.retrieval.words import words_of

logging.getLogger("bm25s").setLevel(logging.WARNING)  # it logs each call


class LexicalIndex:
    """Texts by their words. It lies in a folder of several files, which an enclosing index checks.

    Args:
        bm25: the index.
        language: see :func:`kglm.retrieval.words.words_of`.
    """

    def __init__(self, bm25: bm25s.BM25, language: str) -> None:
        self._bm25 = bm25
        self.language = language

    @classmethod
    def build(
        cls, chunks: Iterable[Sequence[str]], folder: Path, *, language: str = "en", k1: float = 1.5, b: float = 0.75
    ) -> LexicalIndex:
        """Index texts and write the files into ``folder``.

        Args:
            chunks: the texts, some at a time; what stays in memory is a number for each of their words.
            folder: made here.
            language: see :func:`kglm.retrieval.words.words_of`.
            k1: how much repeated words count.
            b: how much long texts are held against themselves, 0 to 1.

        Raises:
            ConfigError: ``k1``, ``b`` or ``language`` is not allowed.
            DataError: no text holds a word.
        """
        if k1 < 0 or not 0 <= b <= 1:
            raise ConfigError(f"k1 is {k1} and b {b}; allowed: k1 from 0, b from 0 to 1")
        vocabulary: dict[str, int] = {}
        ids = [
            [vocabulary.setdefault(word, len(vocabulary)) for word in words_of(text, language)]
            for chunk in chunks
            for text in chunk
        ]
        if not vocabulary:
            raise DataError("no text holds a word that BM25 could count")
        bm25 = bm25s.BM25(k1=k1, b=b)
        bm25.index(
            bm25s.tokenization.Tokenized(ids=ids, vocab=vocabulary), create_empty_token=False, show_progress=False
        )
        bm25.save(str(folder), show_progress=False)
        return cls(bm25, language)

    @classmethod
    def open(cls, folder: Path, *, language: str = "en") -> LexicalIndex:
        """Map an index.

        Raises:
            RetrievalIndexError: a file is missing or damaged.
        """
        try:
            bm25 = bm25s.BM25.load(str(folder), mmap=True, show_progress=False)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RetrievalIndexError(f"'{folder}' holds no BM25 index that can be read ({error})") from error
        return cls(bm25, language)

    def __len__(self) -> int:
        return int(self._bm25.scores["num_docs"])

    def document_frequency(self, word: str) -> int:
        """Return how many texts hold a word, which must be in the form that :func:`words_of` gives it."""
        return len(self._postings(word)[0])

    def search(self, texts: Sequence[str], k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the best k for each text: scores ``float32 [B, k]`` and positions ``int64 [B, k]``.

        A text that shares no word with the query is not found: -1 and ``-inf`` stand behind those that are.
        """
        scores = np.full((len(texts), k), -np.inf, dtype=np.float32)
        positions = np.full((len(texts), k), NONE, dtype=np.int64)
        known = self._bm25.vocab_dict
        queries = [[word for word in words_of(text, self.language) if word in known] for text in texts]
        rows = [row for row, words in enumerate(queries) if words]
        if not rows:
            return scores, positions
        width = min(k, len(self))
        found = self._bm25.retrieve(
            [queries[row] for row in rows], k=width, show_progress=False, backend_selection="numpy"
        )  # fmt: skip
        hit = found.scores > 0
        scores[rows, :width] = np.where(hit, found.scores, -np.inf)
        positions[rows, :width] = np.where(hit, found.documents, NONE)
        return scores, positions

    def search_holding(self, text: str, words: Sequence[str], k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the best k for one text with each of C others behind it, among what holds a word of the other.

        The scores are those that :meth:`search` gives ``text other``; what the common text adds is summed up once.

        Args:
            text: the common one, such as a question.
            words: C others, such as its choices.
            k: how many.

        Returns:
            Scores ``float32 [C, k]`` and positions ``int64 [C, k]``, as of :meth:`search`.
        """
        scores = np.full((len(words), k), -np.inf, dtype=np.float32)
        positions = np.full((len(words), k), NONE, dtype=np.int64)
        common = np.zeros(len(self), dtype=np.float32)
        for found, shares in map(self._postings, words_of(text, self.language)):
            common[found] += shares
        for row, other in enumerate(words):
            postings = [self._postings(word) for word in words_of(other, self.language)]
            holding = np.unique(np.concatenate([found for found, _ in postings] or [np.empty(0, dtype=np.int64)]))
            own = common[holding]
            for found, shares in postings:
                own[np.searchsorted(holding, found)] += shares
            best = _best(own, holding, k)
            scores[row, : len(best)], positions[row, : len(best)] = own[best], holding[best]
        return scores, positions

    def _postings(self, word: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of the texts that hold a word, and what it adds to the score of each."""
        number = self._bm25.vocab_dict.get(word)
        if number is None:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        part = slice(*map(int, self._bm25.scores["indptr"][number : number + 2]))
        return np.asarray(self._bm25.scores["indices"][part], dtype=np.int64), self._bm25.scores["data"][part]


def _best(scores: np.ndarray, positions: np.ndarray, k: int) -> np.ndarray:
    """Return where the best k scores stand, the best first and equal ones by their positions."""
    places = np.arange(len(scores))
    if len(scores) > k:
        places = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
    return places[np.lexsort((positions[places], -scores[places]))][:k]
