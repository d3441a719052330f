"""Code points as the tokeniser sees them: a class and a folded form for each.

Text is handled as its code points (UTF-32), so that every offset is one of the Python string. Folding maps one code
point to one: what a longer lower case would do to offsets ("İ" has one of two) cannot happen.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np

SPACE, WORD, DIGIT, MARK, IGNORED, ALONE, APOSTROPHE, HYPHEN, DOT, COMMA, COLON, AMPERSAND, SUFFIX, BREAK = range(14)
"""Separator; part of a word; the same, a digit; combining mark; invisible within a word (soft hyphen, joiners); a
word by itself (emoji, Chinese and Japanese characters); and the punctuation marks that may stand within a
word, or end a
segment (``BREAK``)."""

_TABLE = 0x20000  # planes 0 and 1; the others hold ideographs, tags, and what nobody has assigned
_SINGLE = {
    **dict.fromkeys("'’ʼ＇", APOSTROPHE),
    **dict.fromkeys("-‐‑", HYPHEN),
    **dict.fromkeys("+#", SUFFIX),
    **dict.fromkeys("%*/@\\_·", SPACE),
    ".": DOT,
    ",": COMMA,
    ":": COLON,
    "&": AMPERSAND,
    "\u200b": SPACE,  # zero-width space: a separator that Unicode calls a format character
}
_CATEGORY = {"Cf": IGNORED, "So": ALONE, "Nd": DIGIT, "Pc": SPACE}
_ONE_BY_ONE = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))  # kana and ideographs


def code_points(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the code points of all texts, ``uint32``, and where each begins, ``int64 [texts + 1]``.

    Lone surrogates are code points like any other.
    """
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)), out=offsets[1:])
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32), offsets


@cache
def character_tables() -> tuple[np.ndarray, np.ndarray]:
    """Return the class (``uint8``) and the folded form (``uint32``) of the code points of the first two planes."""
    characters = [chr(point) for point in range(_TABLE)]
    classes = np.fromiter(map(_class_of, characters), dtype=np.uint8, count=_TABLE)
    for low, high in _ONE_BY_ONE:
        words = classes[low : high + 1]
        words[words == WORD] = ALONE
    return classes, np.fromiter(map(_fold, characters), dtype=np.uint32, count=_TABLE)


def _class_of(character: str) -> int:
    if character in _SINGLE:
        return _SINGLE[character]
    category = unicodedata.category(character)
    if category in _CATEGORY:
        return _CATEGORY[category]
    if character.isalnum():
        return WORD
    return {"M": MARK, "P": BREAK}.get(category[0], SPACE)


def _fold(character: str) -> int:
    if character in "’ʼ＇":
        return ord("'")
    return ord(character.lower()[0])
