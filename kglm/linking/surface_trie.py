"""The forms of a graph as paths of words, in arrays that compiled code walks and that grow when a form is added.

A form is kept under its content words; what the rest of it says (stop words, punctuation, spelling) is kept beside it
and compared where a text has its content words. It has one path as it is written, and one of base forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np

from kglm.linking.tokenization import (
    HYPHENED,
    JOINED,
    POSSESSIVE,
    SHOUTED,
    RawTokens,
    folded_word,
    hash_plain,
    mixed,
    tokenize_many,
)
from kglm.linking.word_table import ARTICLE, STOP, WordTable, rehashed, slot_of

WRITTEN, BASE = 0, 1
"""How a path spells a form: as it is written, or in base forms."""
AMONG_STOPS = 2
"""The group of paths whose form has stop words before or after its content words."""

ALL_STOP, ENDS_POSSESSIVE, ALL_SHOUTED = 1, 2, 4
"""Flags of a form: it has stop words only; it ends in ``'s``; all of its words are in capitals."""

MOST_WORDS = 32  # bits of a break mask
_CHUNK = 4096  # forms for which room is made at once


PATH = np.dtype(
    [
        ("stops", np.uint64),  # hash of the stop words of the form
        ("form", np.int32),
        ("next", np.int32),  # the next path that ends in the same node, or -1
        ("breaks", np.uint32),  # bit i: a punctuation mark stands after content word i of the form
        ("kind", np.uint8),  # WRITTEN or BASE
        ("flags", np.uint8),  # of the form
        ("leading", np.uint8),  # stop words before the first content word, without articles
        ("trailing", np.uint8),  # the same after the last one
    ]
)
"""A path, and what of its form is not in it."""


class Trie(NamedTuple):
    """Arrays of a trie; N nodes (0 is the root), P paths, S forms.

    Attributes:
        edge_keys: ``uint64 [slots]``, node and word of an edge in an open-addressing table; 0 is an empty slot.
        edge_values: ``int32 [slots]``, where the edge leads.
        roots: ``int32 [words]``, where the edge of a word leads from the root, or -1.
        open: ``bool [N]``, the node has edges.
        first: ``int32 [N, 3]``, the first path that ends in the node, or -1, of each group: ``WRITTEN`` and ``BASE``
            of forms that begin and end with a content word, ``AMONG_STOPS`` of all others.
        paths: ``PATH [P]``; all that is asked of a path lies together, since what costs is to fetch it.
        leading: ``uint8 [S]``, words before the first content word of a form.
        plain: ``uint64 [S]``, hash of the characters as they are.
        flags: ``uint8 [S]``.
    """

    edge_keys: np.ndarray
    edge_values: np.ndarray
    roots: np.ndarray
    open: np.ndarray
    first: np.ndarray
    paths: np.ndarray
    leading: np.ndarray
    plain: np.ndarray
    flags: np.ndarray


class SurfaceTrie:
    """A trie that grows.

    Args:
        words: numbers the words; learns those of the forms.
        max_words: content words of the longest form that is taken up, at most 32.
    """

    def __init__(self, words: WordTable, max_words: int) -> None:
        self._words = words
        self._max_words = max_words
        self._nodes, self._paths, self._forms = 1, 0, 0
        self.arrays = Trie(
            edge_keys=np.zeros(16, dtype=np.uint64),
            edge_values=np.zeros(16, dtype=np.int32),
            roots=np.full(16, -1, dtype=np.int32),
            open=np.zeros(16, dtype=np.bool_),
            first=np.full((16, 3), -1, dtype=np.int32),
            paths=np.zeros(16, dtype=PATH),
            leading=np.zeros(16, dtype=np.uint8),
            plain=np.zeros(16, dtype=np.uint64),
            flags=np.zeros(16, dtype=np.uint8),
        )

    def add(self, surfaces: Sequence[str]) -> range:
        """Take up forms and return their numbers; one without words, or with too many, is numbered but never met."""
        numbers = range(self._forms, self._forms + len(surfaces))
        for start in range(0, len(surfaces), _CHUNK):
            self._add(surfaces[start : start + _CHUNK])
        return numbers

    def content_words(self, surface: str) -> int:
        """Return how many words of a form count; all of them where it has stop words only."""
        points, _, tokens = tokenize_many([surface])
        ids, _ = learn_tokens(self._words, points, tokens)
        kinds, lower = self._words.kinds[ids].tolist(), bool(tokens.lower[0])
        return sum(is_content(*word, lower) for word in zip(kinds, tokens.flags.tolist(), strict=True)) or len(ids)

    def _add(self, surfaces: Sequence[str]) -> None:
        points, _, tokens = tokenize_many(surfaces)
        ids, joined = learn_tokens(self._words, points, tokens)
        self._make_room(len(surfaces), len(ids))
        words = self._words
        self._nodes, self._paths = insert(
            self.arrays,
            points,
            tokens,
            ids,
            joined,
            words.forms,
            words.kinds,
            self._max_words,
            self._nodes,
            self._paths,
            self._forms,
        )
        self._forms += len(surfaces)

    def _make_room(self, surfaces: int, tokens: int) -> None:
        """Enlarge the arrays to what so many more forms of so many words in all may need."""
        most = 3 * tokens + self._words.forms.shape[1] * surfaces  # a path as written, one of base forms, one joined
        old = self.arrays
        sizes = {
            "roots": (len(self._words), -1),
            "open": (self._nodes + most, 0),
            "first": (self._nodes + most, -1),
            "paths": (self._paths + most, 0),
            **dict.fromkeys(("leading", "plain", "flags"), (self._forms + surfaces, 0)),
        }
        new = {name: _enlarged(getattr(old, name), size, empty) for name, (size, empty) in sizes.items()}
        keys, values = old.edge_keys, old.edge_values
        if 2 * (self._nodes + most) > len(keys):
            slots = 1 << (2 * (self._nodes + most) - 1).bit_length()
            keys, values = rehashed(keys, values, slots)
        self.arrays = old._replace(edge_keys=keys, edge_values=values, **new)


def learn_tokens(words: WordTable, points: np.ndarray, tokens: RawTokens) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of words, and of hyphened pairs in one (-1 where there is none); new ones are learned."""
    ids, pairs = words.find(tokens.hashes), np.flatnonzero(tokens.joined)
    pair_ids = words.find(tokens.joined[pairs])
    _learn(words, points, tokens.hashes, ids, tokens.starts, tokens.bare_ends, np.arange(len(ids)))
    _learn(words, points, tokens.joined[pairs], pair_ids, tokens.starts[pairs], tokens.bare_ends, pairs + 1)
    joined = np.full(len(ids), -1, dtype=np.int32)
    joined[pairs] = pair_ids
    return ids, joined


def _learn(
    words: WordTable,
    points: np.ndarray,
    hashes: np.ndarray,
    ids: np.ndarray,
    starts: np.ndarray,
    bare_ends: np.ndarray,
    last: np.ndarray,
) -> None:
    """Fill in the numbers that are missing from ``ids``; word i ends where token ``last[i]`` does."""
    missing = np.flatnonzero(ids < 0)
    if not len(missing):
        return
    _, where, back = np.unique(hashes[missing], return_index=True, return_inverse=True)
    fresh = missing[where]
    spelt = [
        folded_word(points, start, end) for start, end in zip(starts[fresh], bare_ends[last[fresh]], strict=True)
    ]
    ids[missing] = words.learn(spelt)[back]


def _enlarged(array: np.ndarray, size: int, empty: int) -> np.ndarray:
    if size <= len(array):
        return array
    out = np.zeros((max(size, len(array) + len(array) // 2), *array.shape[1:]), dtype=array.dtype)
    out[: len(array)] = array
    if empty:
        out[len(array) :] = empty
    return out


@numba.njit(inline="always")
def is_content(kind: Any, flag: Any, lower: Any) -> bool:
    """Return whether a word counts: it is no stop word, or it is written as none (``U.S.``, ``the US``)."""
    return not kind & STOP or flag & JOINED != 0 or (lower and flag & SHOUTED != 0)


@numba.njit(nogil=True, cache=True)
def stop_words_around(
    ids: np.ndarray,
    content: np.ndarray,
    kinds: np.ndarray,
    begin: int,
    end: int,
    first: Any,
    last: Any,
    leading: Any,
    trailing: Any,
) -> Any:
    """Return the hash of the stop words of a phrase, articles left out.

    Args:
        ids: numbers of the words of all texts.
        content: whether each counts.
        kinds: kinds of words, by number.
        begin: first word of the text.
        end: past its last word.
        first: first content word of the phrase.
        last: its last one.
        leading: how many stop words before the phrase are part of it.
        trailing: the same for those after it.

    Returns:
        The hash; 0 where there are not so many stop words before or after it.
    """
    state = np.uint64(7)
    for at in range(first + 1, last):
        if not content[at] and not kinds[ids[at]] & ARTICLE:
            state = mixed(state, np.uint64(ids[at] + 2))
    state = mixed(state, np.uint64(1))
    at = first - 1
    while leading > 0 and at >= begin and not content[at]:
        if not kinds[ids[at]] & ARTICLE:
            state = mixed(state, np.uint64(ids[at] + 2))
            leading -= 1
        at -= 1
    state = mixed(state, np.uint64(1))
    at = last + 1
    while trailing > 0 and at < end and not content[at]:
        if not kinds[ids[at]] & ARTICLE:
            state = mixed(state, np.uint64(ids[at] + 2))
            trailing -= 1
        at += 1
    return state if leading == 0 and trailing == 0 else np.uint64(0)


@numba.njit(inline="always")
def edge_key(node: Any, word: Any) -> Any:
    """Return the key of an edge; the root, which has node 0, has its edges elsewhere, so that no key is 0."""
    return np.uint64(node) << np.uint64(32) | np.uint64(word)


@numba.njit(nogil=True, cache=True)
def _insert_path(trie: Trie, words: np.ndarray, count: int, kind: int, nodes: int, paths: int) -> Any:
    """Add the path that stands at the end of ``trie.paths``, under so many words, unless the form has one there.

    Returns:
        The numbers of nodes and of paths.
    """
    node: Any = 0
    for i in range(count):
        if node == 0:
            child: Any = np.int64(trie.roots[words[i]])
            if child < 0:
                child = nodes
                nodes += 1
                trie.roots[words[i]] = child
        else:
            key = edge_key(node, words[i])
            slot = slot_of(key, trie.edge_keys)
            if trie.edge_keys[slot] == np.uint64(0):
                trie.edge_keys[slot], trie.edge_values[slot] = key, nodes
                trie.open[node] = True
                nodes += 1
            child = np.int64(trie.edge_values[slot])
        node = child
    new = trie.paths[paths]
    group = AMONG_STOPS if new.leading or new.trailing else kind
    for known in (WRITTEN, AMONG_STOPS):
        path = trie.first[node, known] if known != AMONG_STOPS or group == AMONG_STOPS else np.int32(-1)
        while path >= 0:
            if trie.paths[path].form == new.form:
                return nodes, paths
            path = trie.paths[path].next
    new.kind, new.next = kind, trie.first[node, group]
    trie.first[node, group] = paths
    if paths + 1 < len(trie.paths):  # the next path is most likely of the same form
        trie.paths[paths + 1] = new
    return nodes, paths + 1


@numba.njit(nogil=True, cache=True)
def insert(
    trie: Trie,
    points: np.ndarray,
    tokens: RawTokens,
    ids: np.ndarray,
    joined: np.ndarray,
    forms: np.ndarray,
    kinds: np.ndarray,
    max_words: int,
    nodes: int,
    paths: int,
    number: int,
) -> tuple[int, int]:
    """Add forms, numbered from ``number`` on, and return how many nodes and paths there are."""
    content = np.empty(len(ids), dtype=np.bool_)
    words = np.empty(MOST_WORDS, dtype=np.int64)
    for text in range(len(tokens.offsets) - 1):
        begin, end = tokens.offsets[text], tokens.offsets[text + 1]
        count, shouted = 0, True
        for at in range(begin, end):
            content[at] = is_content(kinds[ids[at]], tokens.flags[at], tokens.lower[text])
            count += content[at]
            shouted &= tokens.flags[at] & SHOUTED != 0
        flag = 0
        if count == 0:
            content[begin:end] = True
            count, flag = end - begin, ALL_STOP
        form = number + text
        if not 0 < count <= max_words:
            continue
        first: Any = -1
        last: Any = -1
        breaks: Any = np.uint32(0)
        place = 0
        for at in range(begin, end):
            if content[at]:
                if first < 0:
                    first = at
                elif tokens.segments[at] != tokens.segments[last]:
                    breaks |= np.uint32(1) << np.uint32(place - 1)
                words[place] = ids[at]
                place += 1
                last = at
        leading, trailing = 0, 0
        for at in range(begin, first):
            leading += not kinds[ids[at]] & ARTICLE
        for at in range(last + 1, end):
            trailing += not kinds[ids[at]] & ARTICLE
        flag |= ENDS_POSSESSIVE if tokens.flags[last] & POSSESSIVE else 0
        flag |= ALL_SHOUTED if shouted else 0
        trie.flags[form], trie.leading[form] = flag, min(first - begin, 255)
        trie.plain[form] = hash_plain(points, tokens.starts[begin], tokens.ends[end - 1])
        new = trie.paths[paths]
        new.form, new.breaks, new.flags = form, breaks, flag
        new.leading, new.trailing = min(leading, 255), min(trailing, 255)
        new.stops = stop_words_around(ids, content, kinds, begin, end, first, last, new.leading, new.trailing)
        nodes, paths = _insert_path(trie, words, count, WRITTEN, nodes, paths)
        if count == 1:
            for other in forms[words[0]][1:]:
                if other >= 0:
                    words[0] = other
                    nodes, paths = _insert_path(trie, words, 1, BASE, nodes, paths)
        else:
            for i in range(count):
                if forms[words[i], 1] >= 0:
                    words[i] = forms[words[i], 1]
            nodes, paths = _insert_path(trie, words, count, BASE, nodes, paths)
        place, at, pairs = 0, first, False
        while at <= last:  # once more, what hyphens join in one word
            if content[at]:
                if tokens.flags[at] & HYPHENED and joined[at] >= 0 and at < last and content[at + 1]:
                    words[place] = joined[at]
                    pairs = True
                    at += 1
                else:
                    words[place] = ids[at]
                place += 1
            at += 1
        if pairs:
            nodes, paths = _insert_path(trie, words, place, BASE, nodes, paths)
    return nodes, paths
