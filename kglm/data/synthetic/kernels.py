"""Compiled code: which of the entities drawn for a question may stand beside its answer.

All compiled functions stand in this one file: numba keeps compiled code by the file of the outermost function.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def fill_pools(
    out_ptr: np.ndarray,
    out_neighbors: np.ndarray,
    text: np.ndarray,
    keyword_offsets: np.ndarray,
    keywords: np.ndarray,
    known: np.ndarray,
    answers: np.ndarray,
    sources: np.ndarray,
    drawn: np.ndarray,
    pools: np.ndarray,
) -> np.ndarray:
    """Write the drawn entities that may be distractors into ``pools``, in the order of the draw, until it is full.

    Args:
        out_ptr: rows of edges by head, ``[entities + 1]``.
        out_neighbors: ``int32`` tails, sorted within a row.
        text: see :class:`kglm.data.synthetic.labels.LabelFacts`, as the two that follow.
        keyword_offsets: ``int64 [entities + 1]``.
        keywords: ``int32``.
        known: ``[Q]``, the end of each question's triple that it names.
        answers: ``[Q]``, the other end.
        sources: ``[Q, T]``, of each triple drawn the end that corresponds to ``known``.
        drawn: ``[Q, T]``, the end that corresponds to ``answers``.
        pools: ``int32 [Q, P]``, to be filled.

    Returns:
        ``int64 [Q]``, how many each pool holds.
    """
    counts = np.zeros(len(known), dtype=np.int64)
    for q in range(len(known)):
        asked, answer, pool = known[q], answers[q], pools[q]
        size = 0
        for i in range(drawn.shape[1]):
            if size == len(pool):
                break
            source, candidate = sources[q, i], drawn[q, i]
            if candidate in (asked, answer) or source == asked or _repeats(text, pool[:size], candidate):
                continue
            if text[candidate] == text[answer] or text[candidate] == text[asked]:
                continue
            if (
                _linked(out_ptr, out_neighbors, asked, candidate)
                or _linked(out_ptr, out_neighbors, answer, candidate)
                or _linked(out_ptr, out_neighbors, asked, source)
                or _share(keyword_offsets, keywords, asked, candidate)
                or _share(keyword_offsets, keywords, answer, candidate)
                or _share(keyword_offsets, keywords, asked, source)
            ):
                continue
            pool[size] = candidate
            size += 1
        counts[q] = size
    return counts


@numba.njit(nogil=True, cache=True)
def _repeats(text: np.ndarray, pool: np.ndarray, candidate: int) -> bool:
    for entity in pool:  # noqa: SIM110  compiled
        if text[entity] == text[candidate]:
            return True
    return False


@numba.njit(nogil=True, cache=True)
def _linked(out_ptr: np.ndarray, out_neighbors: np.ndarray, first: int, second: int) -> bool:
    return _leads(out_ptr, out_neighbors, first, second) or _leads(out_ptr, out_neighbors, second, first)


@numba.njit(nogil=True, cache=True)
def _leads(out_ptr: np.ndarray, out_neighbors: np.ndarray, head: int, tail: int) -> bool:
    row = out_neighbors[out_ptr[head] : out_ptr[head + 1]]  # in ascending order
    place = np.searchsorted(row, tail)
    return bool(place < len(row) and row[place] == tail)


@numba.njit(nogil=True, cache=True)
def _share(offsets: np.ndarray, keywords: np.ndarray, first: int, second: int) -> bool:
    """Say whether two entities share a keyword; each one's stand in ascending order."""
    i, j = offsets[first], offsets[second]
    while i < offsets[first + 1] and j < offsets[second + 1]:
        if keywords[i] == keywords[j]:
            return True
        if keywords[i] < keywords[j]:
            i += 1
        else:
            j += 1
    return False
