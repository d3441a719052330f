"""Words by number: a hash table that compiled code reads, with the base forms of each word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np

from kglm.linking.characters import character_tables, code_points
from kglm.linking.inflection import base_forms, spellings
from kglm.linking.normalization import ARTICLES, PARTICLES, STOP_WORDS
from kglm.linking.tokenization import hash_range

STOP, PARTICLE, ARTICLE = 1, 2, 4
MAX_FORMS = 8
"""A word itself and what else it may be looked up as."""


class WordTable:
    """Numbers for words, known by the 64-bit hash of their folded characters.

    That two of a million words share a hash has a chance of one in 10^7; they would then be taken for each other.

    Attributes:
        keys: ``uint64 [slots]``, hashes in an open-addressing table; 0 is an empty slot.
        values: ``int32 [slots]``, the number of the word.
        forms: ``int32 [words, MAX_FORMS]``, the word's own number, then those of its base forms and other spellings;
            the rest is -1. The forms of a word that is only a base form are told when it is met itself.
        kinds: ``uint8 [words]``, flags ``STOP``, ``PARTICLE``, ``ARTICLE``.
    """

    def __init__(self) -> None:
        self.keys = np.zeros(1 << 12, dtype=np.uint64)
        self.values = np.zeros(1 << 12, dtype=np.int32)
        self.forms = np.zeros((1 << 11, MAX_FORMS), dtype=np.int32)
        self.kinds = np.zeros(1 << 11, dtype=np.uint8)
        self._known = np.zeros(1 << 11, dtype=np.bool_)
        self._count = 0
        self.learn([*STOP_WORDS, *PARTICLES])

    def __len__(self) -> int:
        return self._count

    def find(self, hashes: np.ndarray) -> np.ndarray:
        """Return the numbers of words by their hashes, ``int32``; -1 for those never learned."""
        return find_words(hashes, self.keys, self.values, self._known)

    def learn(self, words: Sequence[str]) -> np.ndarray:
        """Take up folded words with all of their forms, and return their numbers, ``int32``."""
        ids = self._intern(words)
        fresh = [(word, number) for word, number in zip(words, ids.tolist(), strict=True) if not self._known[number]]
        forms = [_other_forms(word) for word, _ in fresh]
        owners = np.repeat([number for _, number in fresh], [len(some) for some in forms]).astype(np.int64)
        columns = np.array([column for some in forms for column in range(1, len(some) + 1)], dtype=np.int64)
        others = self._intern([form for some in forms for form in some])
        self.forms[owners, columns] = others
        self._known[[number for _, number in fresh]] = True
        return ids

    def forget(self, count: int) -> None:
        """Drop all words but the first ``count``, whose forms are among them."""
        kept = (self.keys != 0) & (self.values < count)
        self.keys, self.values = rehashed(np.where(kept, self.keys, 0).astype(np.uint64), self.values, len(self.keys))
        self._known[count:] = False
        self.kinds[count:] = 0
        self._count = count

    def _intern(self, words: Sequence[str]) -> np.ndarray:
        """Return the numbers of words, new ones for those that had none."""
        needed = self._count + len(words)
        if needed > len(self.kinds):
            size = max(needed, 2 * len(self.kinds))
            self.forms, self.kinds, self._known = (_grown(a, size) for a in (self.forms, self.kinds, self._known))
        if 2 * needed > len(self.keys):
            slots = 1 << (2 * needed - 1).bit_length()
            self.keys, self.values = rehashed(self.keys, self.values, slots)
        before = self._count
        ids, self._count = intern_words(hash_words(words), self.keys, self.values, before)
        fresh = slice(before, self._count)
        self.forms[fresh] = -1
        self.forms[fresh, 0] = np.arange(before, self._count)
        for word, number in zip(words, ids.tolist(), strict=True):
            if number >= before and word.isascii():
                self.kinds[number] = (
                    STOP * (word in STOP_WORDS) | PARTICLE * (word in PARTICLES) | ARTICLE * (word in ARTICLES)
                )
        return ids


def _other_forms(word: str) -> tuple[str, ...]:
    if word in STOP_WORDS:
        return ()
    return tuple(dict.fromkeys((*base_forms(word), *spellings(word))))[: MAX_FORMS - 1]


def hash_words(words: Sequence[str]) -> np.ndarray:
    """Return the hashes of folded words, ``uint64``."""
    points, offsets = code_points(words)
    return _hash_words(points, offsets, *character_tables())


def _grown(array: np.ndarray, size: int) -> np.ndarray:
    out = np.zeros((size, *array.shape[1:]), dtype=array.dtype)
    out[: len(array)] = array
    return out


@numba.njit(nogil=True, cache=True)
def _hash_words(points: np.ndarray, offsets: np.ndarray, classes: np.ndarray, folds: np.ndarray) -> np.ndarray:
    out = np.empty(len(offsets) - 1, dtype=np.uint64)
    for i in range(len(out)):
        out[i] = hash_range(points, offsets[i], offsets[i + 1], classes, folds)
    return out


@numba.njit(inline="always")
def slot_of(key: Any, keys: np.ndarray) -> Any:
    """Return the slot of an open-addressing table that holds ``key``, or the empty one where it would stand."""
    mask = np.uint64(len(keys) - 1)
    spread = key * np.uint64(0x9E3779B97F4A7C15)
    slot = (spread ^ spread >> np.uint64(32)) & mask  # every bit of the key counts in the low ones
    while keys[slot] != np.uint64(0) and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@numba.njit(nogil=True, cache=True)
def find_words(hashes: np.ndarray, keys: np.ndarray, values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the values of some keys, -1 where a key is absent or its word is not known."""
    out = np.empty(len(hashes), dtype=np.int32)
    for i in range(len(hashes)):
        slot = slot_of(hashes[i], keys)
        out[i] = values[slot] if keys[slot] != np.uint64(0) and known[values[slot]] else -1
    return out


@numba.njit(nogil=True, cache=True)
def intern_words(hashes: np.ndarray, keys: np.ndarray, values: np.ndarray, count: int) -> tuple[np.ndarray, int]:
    """Return the values of some keys, and how many there are now; an absent one is given the next number."""
    out = np.empty(len(hashes), dtype=np.int32)
    for i in range(len(hashes)):
        slot = slot_of(hashes[i], keys)
        if keys[slot] == np.uint64(0):
            keys[slot], values[slot] = hashes[i], count
            count += 1
        out[i] = values[slot]
    return out, count


@numba.njit(nogil=True, cache=True)
def rehashed(keys: np.ndarray, values: np.ndarray, slots: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an open-addressing table with more slots, a power of two."""
    new_keys, new_values = np.zeros(slots, dtype=keys.dtype), np.zeros(slots, dtype=values.dtype)
    for i in range(len(keys)):
        if keys[i] != np.uint64(0):
            slot = slot_of(keys[i], new_keys)
            new_keys[slot], new_values[slot] = keys[i], values[i]
    return new_keys, new_values
