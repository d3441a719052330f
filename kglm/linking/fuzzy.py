"""Forms that are spelt like a string that is no form: typing errors, reading errors of a scanner, other spellings.

Forms are first ranked by the cosine of their character n-grams, weighted by rarity (TF-IDF, scikit-learn), which one
sparse matrix product does for all forms at once; the best of these are then ordered by edit distance (rapidfuzz).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import OSA
from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

_RERANKED = 50  # forms whose edit distance is looked at, at least
_BLOCK = 256  # strings compared at once


class Similar(NamedTuple):
    """A form that is spelt like a string."""

    number: int
    similarity: float
    """1 - edits / length of the longer one; an edit inserts, drops or replaces a character, or swaps two
    neighbours."""


class FuzzyIndex:
    """Looks up forms by spelling.

    Args:
        surfaces: the forms; a found one is told by its number, its place among them.
        ngrams: the shortest and the longest n-grams of characters, each within a word and its edges.
    """

    def __init__(self, surfaces: Sequence[str], ngrams: tuple[int, int] = (2, 3)) -> None:
        self._surfaces = [surface.casefold() for surface in surfaces]
        self._vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=ngrams, dtype=np.float32)
        self._columns = None
        if any(surface.strip() for surface in self._surfaces):
            self._columns = self._vectorizer.fit_transform(self._surfaces).T.tocsr()

    def search(self, strings: Sequence[str], k: int = 10, least: float = 0.6) -> list[list[Similar]]:
        """Return up to ``k`` forms for each string, the most similar first, none below the similarity ``least``.

        Forms as similar come in the order of their cosine, and then of their number.

        Raises:
            ValueError: ``k`` is below 1, or ``least`` is not within 0 and 1.
        """
        if k < 1 or not 0 <= least <= 1:
            raise ValueError(f"k is {k} and least {least}; expected at least 1, and 0 to 1")
        found: list[list[Similar]] = []
        for start in range(0, len(strings), _BLOCK):
            found += self._search_block([string.casefold() for string in strings[start : start + _BLOCK]], k, least)
        return found

    def _search_block(self, strings: list[str], k: int, least: float) -> list[list[Similar]]:
        if self._columns is None:
            return [[] for _ in strings]
        cosines = (self._vectorizer.transform(strings) @ self._columns).tocsr()
        rows = zip(cosines.indptr.tolist(), cosines.indptr[1:].tolist(), strings, strict=False)
        return [
            self._nearest(string, cosines.indices[low:high], cosines.data[low:high], k, least)
            for low, high, string in rows
        ]

    def _nearest(self, string: str, indices: np.ndarray, cosines: np.ndarray, k: int, least: float) -> list[Similar]:
        wanted = max(k, _RERANKED)
        if len(indices) > wanted:
            border = np.partition(cosines, -wanted)[-wanted]
            kept = cosines >= border
            indices, cosines = indices[kept], cosines[kept]
        indices = indices[np.lexsort((indices, -cosines))][:wanted]
        scored = [
            Similar(index, OSA.normalized_similarity(string, self._surfaces[index])) for index in indices.tolist()
        ]
        near = [similar for similar in scored if similar.similarity >= least]
        return sorted(near, key=lambda similar: -similar.similarity)[:k]
