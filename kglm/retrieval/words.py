"""From a text to the words that BM25 counts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import simplemma
from bm25s.stopwords import STOPWORDS_EN  # type: ignore[import-untyped]

from kglm.errors import ConfigError

LANGUAGES = ("en", "none")
_WORD = re.compile(r"\w+")


def words_of(text: str, language: str = "en") -> list[str]:
    """Return a text's words in order, case-folded.

    For ``en`` they are lemmas (simplemma's), without bm25s's English stop words; ``none`` keeps all forms.

    Raises:
        ConfigError: another language.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"language is {language!r}; allowed: {', '.join(LANGUAGES)}")
    words: Iterable[str] = _WORD.findall(text.casefold())
    if language == "none":
        return list(words)
    return [lemma(word) for word in words if word not in _STOP]


@lru_cache(maxsize=1 << 18)
def lemma(word: str) -> str:
    """Return the base form of an English word in lower case."""
    return str(simplemma.lemmatize(word, lang="en")).casefold()


_STOP = frozenset(STOPWORDS_EN)
