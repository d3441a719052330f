"""Compiled code that passes a verdict on plain lines of ConceptNet 5; whatever is unusual is left to Python.

It takes or skips a line only where ``parse_assertion`` would do just the same, so that it need not know every form
that JSON or a URI may have. All compiled functions stand in this one file: numba keeps compiled code by the file of
the outermost function, and would not notice a change in another.
"""

from __future__ import annotations

import numba
import numpy as np

# Verdicts.
ODD, TAKEN, EXTERNAL, OTHER_LANGUAGE = 0, 1, 2, 3

# Columns of the slices that a taken line gives: begin and end of each in the block; end 0 where there is none.
RELATION, HEAD, TAIL, WEIGHT, DATASET, SURFACE_START, SURFACE_END = 0, 2, 4, 6, 8, 10, 12
SLICE_COLUMNS = 14

MAX_LANGUAGE_BYTES = 8

_MAX_DEPTH = 60
_MAX_NUMBER = 24
_QUOTE, _BACKSLASH, _SPACE, _COMMA, _COLON, _SLASH = 0x22, 0x5C, 0x20, 0x2C, 0x3A, 0x2F
_OPEN_BRACE, _CLOSE_BRACE, _OPEN_BRACKET, _CLOSE_BRACKET = 0x7B, 0x7D, 0x5B, 0x5D
_MINUS, _DOT, _ZERO, _NINE = 0x2D, 0x2E, 0x30, 0x39

_WEIGHT_KEY = np.frombuffer(b"weight", dtype=np.uint8)
_DATASET_KEY = np.frombuffer(b"dataset", dtype=np.uint8)
_START_KEY = np.frombuffer(b"surfaceStart", dtype=np.uint8)
_END_KEY = np.frombuffer(b"surfaceEnd", dtype=np.uint8)
_EXTERNAL_URL = np.frombuffer(b"/r/ExternalURL", dtype=np.uint8)
_RELATION_PREFIX = np.frombuffer(b"/r/", dtype=np.uint8)
_CONCEPT_PREFIX = np.frombuffer(b"/c/", dtype=np.uint8)
_DATASET_PREFIX = np.frombuffer(b"/d/", dtype=np.uint8)
_HTTP = np.frombuffer(b"http", dtype=np.uint8)
_TRUE = np.frombuffer(b"true", dtype=np.uint8)
_FALSE = np.frombuffer(b"false", dtype=np.uint8)
_NULL = np.frombuffer(b"null", dtype=np.uint8)


def pack_language(code: str) -> int:
    """Return a language code of at most 8 bytes as a number."""
    return int.from_bytes(code.encode(), "little")


@numba.njit(nogil=True, cache=True)
def judge(
    data: np.ndarray,
    starts: np.ndarray,
    counts: np.ndarray,
    line_ends: np.ndarray,
    utf8: np.ndarray,
    languages: np.ndarray,
    merge_senses: bool,
    verdicts: np.ndarray,
    slices: np.ndarray,
) -> None:
    """Pass a verdict on each of n lines.

    Args:
        data: bytes of a block.
        starts, counts, line_ends, utf8: as in ``FieldBlock``.
        languages: packed codes of the languages wanted, ``uint64``; empty for all.
        merge_senses: whether a concept's name ends before its part of speech.
        verdicts: ``uint8 [n]``, filled.
        slices: ``int32 [n, SLICE_COLUMNS]``, filled for taken lines. A head or tail begins with the concept where
            one language is wanted, else with the language.
    """
    for row in range(len(counts)):
        verdicts[row] = ODD
        if counts[row] != 5 or not utf8[row]:
            continue
        begin, end = starts[row, 1], starts[row, 2] - 1
        if end - begin <= 3 or not _begins(data, begin, end, _RELATION_PREFIX):
            continue
        slices[row, RELATION], slices[row, RELATION + 1] = begin + 3, end
        external = end - begin == len(_EXTERNAL_URL) and _begins(data, begin, end, _EXTERNAL_URL)
        if external or _begins(data, starts[row, 2], starts[row, 3] - 1, _HTTP):
            verdicts[row] = EXTERNAL
            continue
        if _begins(data, starts[row, 3], starts[row, 4] - 1, _HTTP):
            verdicts[row] = EXTERNAL
            continue
        head = _concept(data, starts[row, 2], starts[row, 3] - 1, languages, merge_senses, slices[row], HEAD)
        tail = _concept(data, starts[row, 3], starts[row, 4] - 1, languages, merge_senses, slices[row], TAIL)
        if head == ODD or tail == ODD:
            continue
        if head == OTHER_LANGUAGE or tail == OTHER_LANGUAGE:
            verdicts[row] = OTHER_LANGUAGE
        elif _metadata(data, starts[row, 4], line_ends[row], slices[row]):
            verdicts[row] = TAKEN


@numba.njit(nogil=True, cache=True)
def _begins(data: np.ndarray, begin: int, end: int, prefix: np.ndarray) -> bool:
    if end - begin < len(prefix):
        return False
    for k in range(len(prefix)):  # noqa: SIM110 - compiled code knows no generators
        if data[begin + k] != prefix[k]:
            return False
    return True


@numba.njit(nogil=True, cache=True)
def _concept(
    data: np.ndarray, begin: int, end: int, languages: np.ndarray, merge: bool, out: np.ndarray, column: int
) -> int:
    """Find the name in ``/c/language/concept[/sense ...]``."""
    if not _begins(data, begin, end, _CONCEPT_PREFIX):
        return ODD
    begin += 3
    at, code = begin, np.uint64(0)
    while at < end and data[at] != _SLASH:
        if data[at] == 0:
            return ODD  # would be packed as if it were not there
        if at - begin < MAX_LANGUAGE_BYTES:
            code |= np.uint64(data[at]) << np.uint64(8 * (at - begin))
        at += 1
    concept = at + 1
    if at == begin or concept >= end or data[concept] == _SLASH or data[end - 1] == _SLASH:
        return ODD
    wanted = len(languages) == 0
    for language in languages:
        wanted = wanted or (code == language and at - begin <= MAX_LANGUAGE_BYTES)
    if not wanted:
        return OTHER_LANGUAGE
    if merge:
        stop = concept
        while stop < end and data[stop] != _SLASH:
            stop += 1
        end = stop
    out[column], out[column + 1] = concept if len(languages) == 1 else begin, end
    return TAKEN


@numba.njit(nogil=True, cache=True)
def _metadata(data: np.ndarray, at: int, end: int, out: np.ndarray) -> bool:
    """Check that a JSON object is valid and holds a plain weight and data set; fill their slices.

    A pushdown automaton after RFC 8259: ``inside`` has a bit a level, set within an object.
    """
    out[WEIGHT + 1] = out[DATASET + 1] = out[SURFACE_START + 1] = out[SURFACE_END + 1] = 0
    if at >= end or data[at] != _OPEN_BRACE:
        return False
    inside, depth, at = np.uint64(1), 1, at + 1
    key, wants_key, may_close = -1, True, True
    while depth:
        at = _past_spaces(data, at, end)
        if at >= end:
            return False
        byte = data[at]
        if may_close and byte == (_CLOSE_BRACE if inside & np.uint64(1) else _CLOSE_BRACKET):
            at, depth, inside = at + 1, depth - 1, inside >> np.uint64(1)
        elif wants_key:
            key, at = _key(data, at, end, depth)
            if at < 0:
                return False
            wants_key = may_close = False
            continue
        elif byte == _OPEN_BRACE or byte == _OPEN_BRACKET:
            if depth == _MAX_DEPTH or (depth == 1 and key >= 0):
                return False
            is_object = byte == _OPEN_BRACE
            inside = (inside << np.uint64(1)) | np.uint64(is_object)
            depth, at, wants_key, may_close = depth + 1, at + 1, is_object, True
            continue
        else:
            stop = _scalar(data, at, end)
            if stop < 0 or (depth == 1 and key >= 0 and not _keep(data, at, stop, key, out)):
                return False
            at = stop
        # After a value: a comma and another, or the end of what it stands in.
        if depth:
            at = _past_spaces(data, at, end)
            if at >= end:
                return False
            wants_key = may_close = False
            if data[at] == _COMMA:
                at += 1
                wants_key = inside & np.uint64(1) == 1
            elif data[at] == (_CLOSE_BRACE if inside & np.uint64(1) else _CLOSE_BRACKET):
                may_close = True
            else:
                return False
    return at == end and out[WEIGHT + 1] > 0 and out[DATASET + 1] > 0


@numba.njit(nogil=True, cache=True)
def _past_spaces(data: np.ndarray, at: int, end: int) -> int:
    while at < end and data[at] == _SPACE:
        at += 1
    return at


@numba.njit(nogil=True, cache=True)
def _key(data: np.ndarray, at: int, end: int, depth: int) -> tuple[int, int]:
    """Return which key begins here (a column of the slices, or -1) and the place behind its colon, or -1."""
    stop = _string(data, at, end)
    if stop < 0:
        return -1, -1
    key, begin, close = -1, at + 1, stop - 1
    if depth == 1:
        for k in range(begin, close):
            if data[k] == _BACKSLASH:
                return -1, -1
        if close - begin == len(_WEIGHT_KEY) and _begins(data, begin, close, _WEIGHT_KEY):
            key = WEIGHT
        elif close - begin == len(_DATASET_KEY) and _begins(data, begin, close, _DATASET_KEY):
            key = DATASET
        elif close - begin == len(_START_KEY) and _begins(data, begin, close, _START_KEY):
            key = SURFACE_START
        elif close - begin == len(_END_KEY) and _begins(data, begin, close, _END_KEY):
            key = SURFACE_END
    at = _past_spaces(data, stop, end)
    if at >= end or data[at] != _COLON:
        return -1, -1
    return key, at + 1


@numba.njit(nogil=True, cache=True)
def _keep(data: np.ndarray, at: int, stop: int, key: int, out: np.ndarray) -> bool:
    """Fill the slice of a value under a known key; False where it stands twice or is not plain."""
    if out[key + 1] > 0:
        return False
    if key == WEIGHT:
        out[key], out[key + 1] = at, stop
        return data[at] >= _ZERO and data[at] <= _NINE
    if data[at] != _QUOTE:
        return False
    at, stop = at + 1, stop - 1
    for k in range(at, stop):
        if data[k] == _BACKSLASH:
            return False
    if key == DATASET:
        if stop - at <= 3 or not _begins(data, at, stop, _DATASET_PREFIX):
            return False
        at += 3
    out[key], out[key + 1] = at, stop
    return True


@numba.njit(nogil=True, cache=True)
def _scalar(data: np.ndarray, at: int, end: int) -> int:
    """Return where the string, number or word that begins here ends, or -1."""
    byte = data[at]
    if byte == _QUOTE:
        return _string(data, at, end)
    if byte == _MINUS or _ZERO <= byte <= _NINE:
        return _number(data, at, end)
    if _begins(data, at, end, _TRUE):
        return at + 4
    if _begins(data, at, end, _FALSE):
        return at + 5
    return at + 4 if _begins(data, at, end, _NULL) else -1


@numba.njit(nogil=True, cache=True)
def _string(data: np.ndarray, at: int, end: int) -> int:
    """Return the place behind the closing quote, or -1; escapes other than those of one letter are odd."""
    if data[at] != _QUOTE:
        return -1
    at += 1
    while at < end:
        byte = data[at]
        if byte == _QUOTE:
            return at + 1
        if byte < _SPACE:
            return -1
        if byte == _BACKSLASH:
            at += 1
            if at >= end:
                return -1
            # " \ / b f n r t
            follow = data[at]
            if not (
                follow == 0x22 or follow == 0x5C or follow == 0x2F or follow == 0x62 or follow == 0x66
                or follow == 0x6E or follow == 0x72 or follow == 0x74
            ):  # fmt: skip
                return -1
        at += 1
    return -1


@numba.njit(nogil=True, cache=True)
def _number(data: np.ndarray, at: int, end: int) -> int:
    """Return the end of a number without exponent and of at most 24 characters, or -1."""
    begin = at
    if data[at] == _MINUS:
        at += 1
    digits = at
    while at < end and _ZERO <= data[at] <= _NINE:
        at += 1
    if at == digits or (data[digits] == _ZERO and at - digits > 1):
        return -1
    if at < end and data[at] == _DOT:
        at += 1
        digits = at
        while at < end and _ZERO <= data[at] <= _NINE:
            at += 1
        if at == digits:
            return -1
    return -1 if at - begin > _MAX_NUMBER else at
