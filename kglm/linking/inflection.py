"""Base forms of English words: all that a form may come from, not one guess.

``leaves`` is a form of ``leaf`` and of ``leave``, ``saw`` of ``see``. Two dictionaries are asked: simplemma, which
gives one base form and has the widest coverage, and LemmInflect's, which gives one for every part of speech
(made from the
SPECIALIST Lexicon). Neither knows everything, and a wrong base form does little harm: it matters only where a graph
has it. Words that neither knows lose a regular ending.
"""

from __future__ import annotations

import importlib.metadata
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

import simplemma

VERSION = 1
_ENDINGS = (("ies", "y"), ("ves", "f"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("s", ""))
_SHORTEST = 4  # letters of a word that may lose a regular ending


def versions() -> dict[str, int | str]:
    """Return what base forms depend on: this module's version, and those of the dictionaries."""
    packages = ("simplemma", "lemminflect")
    return {"inflection": VERSION, **{name: importlib.metadata.version(name) for name in packages}}


@lru_cache(maxsize=500_000)
def base_forms(word: str) -> tuple[str, ...]:
    """Return the base forms of a lower-case word other than itself, the likeliest first; no more than a handful."""
    found = [simplemma.lemmatize(word, lang="en").lower(), *_dictionary_forms(word)]
    if all(form == word for form in found):
        found += _without_ending(word)
    return tuple(form for form in dict.fromkeys(found) if form != word)


@lru_cache(maxsize=500_000)
def spellings(word: str) -> tuple[str, ...]:
    """Return other spellings of a word: its composed form, without the marks over its letters, ``ss`` for ``ß``."""
    if word.isascii():
        return ()
    composed = unicodedata.normalize("NFC", word)
    folded = unicodedata.normalize("NFC", composed.casefold())
    decomposed = unicodedata.normalize("NFD", folded)
    bare = "".join(character for character in decomposed if unicodedata.category(character) != "Mn")
    return tuple(form for form in dict.fromkeys((composed, folded, bare)) if form and form != word)


def _dictionary_forms(word: str) -> list[str]:
    return [form for forms in _dictionary()(word).values() for form in forms]


@cache
def _dictionary() -> Callable[[str], dict[str, tuple[str, ...]]]:
    """Return the look-up in LemmInflect's dictionary; its model for unknown words is not used, nor loaded."""
    import lemminflect  # type: ignore[import-untyped]  # half a second, for those only who link

    look_up: Callable[[str], dict[str, tuple[str, ...]]] = lemminflect.getAllLemmas
    return look_up


def _without_ending(word: str) -> list[str]:
    if len(word) < _SHORTEST or word.endswith(("ss", "us", "is")) or not word.isalpha():
        return []
    return [word.removesuffix(old) + new for old, new in _ENDINGS if word.endswith(old)][:1]
