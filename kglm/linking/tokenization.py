"""Text as a sequence of words that keep their place in the original: the one tokenisation of all linking.

A word is a run of letters, digits and combining marks, lower-cased. Also part of a word are

- an apostrophe between letters (``rock'n'roll``); a possessive ``'s`` at the end is told apart;
- ``.``, ``,`` and ``:`` between digits (``3.5``, ``10,000``, ``4:20``); the comma is not counted;
- the dots of an acronym (``U.S.``), which are not counted: it is the word ``us``;
- ``+`` and ``#`` at the end (``C++``, ``C#``);
- invisible characters such as the soft hyphen, which are not counted.

An emoji, and a Chinese or Japanese character, is a word by itself. Other punctuation begins a new segment, except for
what joins words within (``-``, ``&``, ``/``, a dot between letters as in ``asp.net``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np

from kglm.linking.characters import (
    ALONE,
    AMPERSAND,
    APOSTROPHE,
    BREAK,
    COLON,
    COMMA,
    DIGIT,
    DOT,
    HYPHEN,
    IGNORED,
    MARK,
    SPACE,
    SUFFIX,
    WORD,
    character_tables,
    code_points,
)

POSSESSIVE, HYPHENED, JOINED, CAPITAL, SHOUTED = 1, 2, 4, 8, 16
"""Flags of a word: it ends in ``'s``; a hyphen joins it to the next one; ``&`` joins it to another, or it is an
acronym with dots, so that it is no stop word; its first letter is a capital; it is two or more capitals."""

_SEED = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)


class RawTokens(NamedTuple):
    """The words of many texts; parallel arrays, T words in all.

    Attributes:
        offsets: ``int64 [texts + 1]`` into the words.
        starts: ``int64``, first code point, counted from the beginning of the first text.
        ends: ``int64``, past the last one.
        bare_ends: ``int64``, the same without a possessive ``'s``.
        hashes: ``uint64`` of the folded word without the possessive.
        joined: ``uint64`` of the word and the next one in one, where a hyphen joins them; else 0.
        segments: ``int32``, number of punctuation marks before the word in its text.
        flags: ``uint8``, see above.
        lower: ``bool [texts]``, the text has a lower-case letter.
    """

    offsets: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    bare_ends: np.ndarray
    hashes: np.ndarray
    joined: np.ndarray
    segments: np.ndarray
    flags: np.ndarray
    lower: np.ndarray


def tokenize_many(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, RawTokens]:
    """Return code points and text offsets as :func:`code_points` does, and the words of all texts."""
    points, offsets = code_points(texts)
    classes, folds = character_tables()
    return points, offsets, RawTokens(*scan(points, offsets, classes, folds))


def folded_word(points: np.ndarray, start: int, end: int) -> str:
    """Return the characters by which the word ``points[start:end]`` is known (one word, or two and their hyphen)."""
    classes, folds = character_tables()
    return fold_range(points, start, end, classes, folds).tobytes().decode("utf-32-le", "surrogatepass")


@numba.njit(inline="always")
def class_of(point: Any, classes: np.ndarray) -> Any:
    """Return the class of a code point."""
    if point < len(classes):
        return classes[point]
    if 0x20000 <= point < 0x40000:
        return np.uint8(ALONE)
    if 0xE0000 <= point < 0xE01F0:  # tags and variation selectors
        return np.uint8(IGNORED)
    return np.uint8(SPACE)


@numba.njit(inline="always")
def fold_of(point: Any, folds: np.ndarray) -> Any:
    """Return the folded form of a code point."""
    return folds[point] if point < len(folds) else point


@numba.njit(inline="always")
def mixed(state: Any, value: Any) -> Any:
    """Return the next state of a 64-bit FNV-1a hash over code points, spread by a shift."""
    state = (state ^ np.uint64(value)) * _PRIME
    return state ^ (state >> np.uint64(29))


@numba.njit(inline="always")
def _counts(points: np.ndarray, at: Any, end: Any, classes: np.ndarray) -> bool:
    """Return whether the code point, which lies within a word, is one of those by which the word is known."""
    kind = class_of(points[at], classes)
    if kind == WORD or kind == DIGIT or kind == MARK or kind == ALONE or kind == SUFFIX or kind == APOSTROPHE:
        return True
    # The dots of a number are followed by a digit, those of an acronym follow a letter.
    return (kind == DOT or kind == COLON) and class_of(points[at - 1], classes) == DIGIT


@numba.njit(nogil=True, cache=True)
def fold_range(points: np.ndarray, start: int, end: int, classes: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return the code points by which a word is known."""
    out = np.empty(end - start, dtype=np.uint32)
    count = 0
    for at in range(start, end):
        if _counts(points, at, end, classes):
            out[count] = fold_of(points[at], folds)
            count += 1
    return out[:count]


@numba.njit(nogil=True, cache=True)
def hash_range(points: np.ndarray, start: int, end: int, classes: np.ndarray, folds: np.ndarray) -> Any:
    """Return the hash of the folded word (or two and their hyphen) ``points[start:end]``."""
    state = _SEED
    for at in range(start, end):
        if _counts(points, at, end, classes):
            state = mixed(state, fold_of(points[at], folds))
    return state


@numba.njit(nogil=True, cache=True)
def hash_plain(points: np.ndarray, start: int, end: int) -> Any:
    """Return the hash of the code points as they are."""
    state = _SEED
    for at in range(start, end):
        state = mixed(state, points[at])
    return state


@numba.njit(nogil=True, cache=True)
def _word_end(points: np.ndarray, start: int, stop: int, classes: np.ndarray) -> tuple[Any, Any, Any]:
    """Return the end of the word that begins at ``start``, its end without a possessive, and if it is an acronym."""
    if class_of(points[start], classes) == ALONE:
        at = start + 1
        end = at
        while at < stop:  # variation selectors, joiners and what they join
            kind = class_of(points[at], classes)
            if kind == MARK or (kind == ALONE and points[at - 1] == 0x200D):
                end = at + 1
            elif kind != IGNORED:
                break
            at += 1
        return end, end, False
    end, bare, letters, acronym = start, start, 0, False
    at = start
    while at < stop:
        kind = class_of(points[at], classes)
        if kind == WORD or kind == DIGIT or kind == MARK:
            at += 1
            end = at
            letters += 1
            continue
        after = class_of(points[at + 1], classes) if at + 1 < stop else np.uint8(SPACE)
        if kind == IGNORED:
            at += 1
        elif kind == APOSTROPHE and (after == WORD or after == DIGIT) and end == at and not acronym:
            bare = end
            at += 1
        elif kind == DOT or kind == COMMA or kind == COLON:
            before = class_of(points[at - 1], classes)
            if before == DIGIT and after == DIGIT and (kind != COMMA or _thousands(points, at + 1, stop, classes)):
                at += 1
            elif (
                kind == DOT
                and before == WORD
                and (letters == 1 or acronym)
                and _single(points, at + 1, stop, classes)
            ):
                acronym = True
                at += 1
            else:
                break
        else:
            break
    if acronym and end < stop and class_of(points[end], classes) == DOT:
        end += 1
    if not acronym and end < stop and class_of(points[end], classes) == SUFFIX:
        at = end
        while at < stop and class_of(points[at], classes) == SUFFIX:
            at += 1
        after = class_of(points[at], classes) if at < stop else np.uint8(SPACE)
        if after != WORD and after != DIGIT:
            end = at
    if bare > start and end - bare == 2 and (points[bare + 1] | 32) == 115:
        return end, bare, acronym
    return end, end, acronym


@numba.njit(inline="always")
def _single(points: np.ndarray, at: Any, stop: Any, classes: np.ndarray) -> bool:
    """Return whether one letter stands at ``at``, and no other follows."""
    if at >= stop or class_of(points[at], classes) != WORD:
        return False
    after = class_of(points[at + 1], classes) if at + 1 < stop else np.uint8(SPACE)
    return after != WORD and after != DIGIT and after != MARK and after != APOSTROPHE


@numba.njit(inline="always")
def _plain_end(points: np.ndarray, at: Any, stop: Any, kind: Any, classes: np.ndarray) -> bool:
    """Return whether a word surely ends where its letters do, at a code point of class ``kind``."""
    if at == stop or kind == SPACE or kind == BREAK or kind == HYPHEN or kind == AMPERSAND:
        return True
    if kind == DOT or kind == COMMA or kind == COLON:
        return at + 1 == stop or class_of(points[at + 1], classes) == SPACE
    return False


@numba.njit(inline="always")
def _count_letters(points: np.ndarray, at: Any, end: Any, classes: np.ndarray, folds: np.ndarray) -> tuple[Any, Any]:
    """Return how many letters and digits a word has, and how many capitals."""
    letters, capitals = 0, 0
    for place in range(at, end):
        kind = class_of(points[place], classes)
        if kind == WORD or kind == DIGIT:
            letters += 1
            capitals += fold_of(points[place], folds) != points[place]
    return letters, capitals


@numba.njit(inline="always")
def _thousands(points: np.ndarray, at: Any, stop: Any, classes: np.ndarray) -> bool:
    """Return whether exactly three digits stand at ``at``."""
    digits = 0
    while digits < 4 and at + digits < stop and class_of(points[at + digits], classes) == DIGIT:
        digits += 1
    return digits == 3


@numba.njit(nogil=True, cache=True)
def scan(points: np.ndarray, offsets: np.ndarray, classes: np.ndarray, folds: np.ndarray) -> tuple[Any, ...]:
    """Return the arrays of :class:`RawTokens`."""
    capacity = len(points) // 4 + 16
    starts, ends, bare_ends = (
        np.empty(capacity, dtype=np.int64),
        np.empty(capacity, dtype=np.int64),
        np.empty(capacity, dtype=np.int64),
    )
    hashes, joined = np.empty(capacity, dtype=np.uint64), np.empty(capacity, dtype=np.uint64)
    segments, flags = np.empty(capacity, dtype=np.int32), np.empty(capacity, dtype=np.uint8)
    lower = np.zeros(len(offsets) - 1, dtype=np.bool_)
    token_offsets = np.zeros(len(offsets), dtype=np.int64)
    count = 0
    for text in range(len(offsets) - 1):
        at, stop, segment, small = offsets[text], offsets[text + 1], 0, False
        while at < stop:
            kind = class_of(points[at], classes)
            if kind == WORD or kind == DIGIT or kind == ALONE:
                if count == capacity:
                    capacity *= 2
                    starts, ends, bare_ends = _grown(starts), _grown(ends), _grown(bare_ends)
                    hashes, joined = _grown(hashes), _grown(joined)
                    segments, flags = _grown(segments), _grown(flags)
                flag, letters, capitals = 0, 0, 0
                state, place = _SEED, at
                while place < stop and (kind == WORD or kind == DIGIT):  # most words end with this
                    point = points[place]
                    folded = fold_of(point, folds)
                    capitals += folded != point
                    small |= folded == point and kind == WORD
                    state = mixed(state, folded)
                    place += 1
                    if place < stop:
                        kind = class_of(points[place], classes)
                end = bare = place
                letters = place - at
                if place == at or not _plain_end(points, place, stop, kind, classes):
                    end, bare, acronym = _word_end(points, at, stop, classes)
                    state = hash_range(points, at, bare, classes, folds)
                    letters, capitals = _count_letters(points, at, bare, classes, folds)
                    flag = (JOINED if acronym else 0) | (POSSESSIVE if bare < end else 0)
                if fold_of(points[at], folds) != points[at]:
                    flag |= CAPITAL
                if letters > 1 and capitals == letters:
                    flag |= SHOUTED
                starts[count], ends[count], bare_ends[count] = at, end, bare
                hashes[count], joined[count], segments[count] = state, 0, segment
                if end < stop and end + 1 < stop:
                    glue = class_of(points[end], classes)
                    after = class_of(points[end + 1], classes)
                    if after == WORD or after == DIGIT:
                        if glue == HYPHEN:
                            flag |= HYPHENED
                        elif glue == AMPERSAND:
                            flag |= JOINED
                if at - 2 >= offsets[text] and class_of(points[at - 1], classes) == AMPERSAND:
                    before = class_of(points[at - 2], classes)
                    if before == WORD or before == DIGIT:
                        flag |= JOINED
                flags[count] = flag
                count += 1
                at = end
                continue
            if kind == BREAK or kind == COMMA or kind == COLON:
                segment += 1
            elif kind == DOT:
                within = at > offsets[text] and class_of(points[at - 1], classes) == WORD and at + 1 < stop
                if not (within and class_of(points[at + 1], classes) == WORD):
                    segment += 1
            at += 1
        token_offsets[text + 1] = count
        lower[text] = small
    for i in range(count - 1):
        if flags[i] & HYPHENED:
            joined[i] = hash_range(points, starts[i], bare_ends[i + 1], classes, folds)
    return (
        token_offsets,
        starts[:count],
        ends[:count],
        bare_ends[:count],
        hashes[:count],
        joined[:count],
        segments[:count],
        flags[:count],
        lower,
    )


@numba.njit(inline="always")
def _grown(array: np.ndarray) -> np.ndarray:
    out = np.empty(2 * len(array), dtype=array.dtype)
    out[: len(array)] = array
    return out
