"""Content words of texts, and whether a text is a near duplicate of a question."""

from __future__ import annotations

from functools import lru_cache

from kglm.linking.normalization import STOP_WORDS
from kglm.retrieval.words import lemma, words_of

SEQUENCE_FROM = 3  # words: a shorter question may well stand within a text that is no copy of it


_STOP = frozenset(part for word in STOP_WORDS for part in words_of(word, "none"))


@lru_cache(maxsize=1 << 17)
def content_words(text: str) -> frozenset[str]:
    """Return the base forms of a text's words without stop words (the linker's); all words where it has no others."""
    words = words_of(text, "none")
    return frozenset(lemma(word) for word in words if word not in _STOP) or frozenset(words)


@lru_cache(maxsize=1 << 17)
def _plain(text: str) -> str:
    return f" {' '.join(words_of(text, 'none'))} "


def is_near_duplicate(question: str, text: str, overlap: float) -> bool:
    """Return whether a text is the question, or so near to it that it might bring its answer.

    It is where it holds the question's words in their order (from 3 of them on), or where the Jaccard overlap of
    their content words is at least ``overlap``; case and punctuation do not matter, nor for the latter inflection.

    Args:
        question: the question.
        text: what may be a copy of it.
        overlap: above 0, to 1.
    """
    mine, theirs = content_words(question), content_words(text)
    if len(mine & theirs) >= overlap * len(mine | theirs):
        return True
    plain = _plain(question)
    return plain.count(" ") > SEQUENCE_FROM and plain in _plain(text)
