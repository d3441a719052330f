"""A table of strings in front-coded blocks: compact, mapped from disk, searchable without being loaded.

Every block holds ``BLOCK`` strings; the first is stored whole, each other one as the number of bytes that it shares
with the string before it, and the rest (plain front coding; Martínez-Prieto et al., Practical compressed string
dictionaries, 2016). Neighbours in a sorted vocabulary share much: names take about half of their plain size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numba
import numpy as np
import pyarrow as pa

from kglm.kg.store import ArrayStore, ArrayWriter, StoreWriter

BLOCK = 16
CHUNK = 1 << 15  # strings decoded at once when a table is run through; a multiple of BLOCK


def is_unicode(text: str) -> bool:
    """Say whether UTF-8 can write a text: JSON and command lines may bring half of a surrogate pair."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


class StringTable(Sequence[str]):
    """Strings as front-coded UTF-8 bytes.

    A table is searched by bisection when its strings are sorted by code point, as those of entities and
    surface forms are; a table of labels is only indexed.

    Args:
        data: ``uint8 [number of bytes]``.
        blocks: ``uint64 [blocks + 1]``, where each block begins.
        length: number of strings.
    """

    def __init__(self, data: np.ndarray, blocks: np.ndarray, length: int) -> None:
        self._data = data
        self._blocks = blocks
        self._length = length

    @classmethod
    def open(cls, store: ArrayStore, name: str, length: int) -> StringTable:
        """Map the table ``name`` of a store."""
        return cls(store[f"{name}.data"], store[f"{name}.blocks"], length)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> str:  # type: ignore[override]
        if not 0 <= index < self._length:
            raise IndexError(f"index {index} outside a table of {self._length} strings")
        string = b""
        for position, string in enumerate(self._block(int(index) // BLOCK)):  # noqa: B007
            if position == index % BLOCK:
                break
        return string.decode()

    def __iter__(self) -> Iterator[str]:
        for start in range(0, self._length, CHUNK):
            yield from self.slice(start, min(start + CHUNK, self._length)).to_pylist()

    def take(self, indices: Iterable[int] | np.ndarray) -> list[str]:
        """Return the strings at some indices, in bulk.

        Raises:
            IndexError: an index is outside the table.
        """
        wanted = np.asarray(indices if isinstance(indices, np.ndarray) else list(indices), dtype=np.int64)
        if len(wanted) and not (wanted.min() >= 0 and wanted.max() < self._length):
            raise IndexError(f"index {wanted.min()} or {wanted.max()} outside a table of {self._length} strings")
        return _to_arrow(*_decode_some(self._data, self._blocks, wanted)).to_pylist()

    def slice(self, start: int, stop: int) -> pa.Array:
        """Return the strings of a range as an Arrow array (``large_string``)."""
        if not 0 <= start <= stop <= self._length:
            raise IndexError(f"range {start} to {stop} outside a table of {self._length} strings")
        return _to_arrow(*_decode_range(self._data, self._blocks, start, stop))

    def find(self, string: str) -> int:
        """Return the index of ``string`` in a sorted table, or -1."""
        try:
            wanted = string.encode()
        except UnicodeEncodeError:
            return -1  # a lone surrogate, which no table holds
        index = self._lower_bound(wanted)
        return index if index < self._length and self[index] == string else -1

    def prefix_range(self, prefix: str) -> tuple[int, int]:
        """Return the range of indices, first and past the last, of a sorted table's strings with this prefix."""
        try:
            wanted = prefix.encode()
        except UnicodeEncodeError:
            return 0, 0  # a lone surrogate, which no table holds
        # No UTF-8 byte is 0xFF, so that every string with the prefix comes before this.
        return self._lower_bound(wanted), self._lower_bound(wanted + b"\xff")

    def _lower_bound(self, wanted: bytes) -> int:
        """Return the index of the first string not less than ``wanted``, by bytes, which order as code points do."""
        low, high = 0, len(self._blocks) - 1
        while low < high:  # the first block whose first string is not less
            middle = (low + high) // 2
            if next(self._block(middle)) < wanted:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return 0
        index = (low - 1) * BLOCK
        for string in self._block(low - 1):
            if string >= wanted:
                return index
            index += 1
        return index

    def _block(self, block: int) -> Iterator[bytes]:
        """Yield the strings of a block, each decoded when it is asked for."""
        view = memoryview(self._data[int(self._blocks[block]) : int(self._blocks[block + 1])])  # type: ignore[arg-type]
        at, string = 0, b""
        for _ in range(block * BLOCK, min((block + 1) * BLOCK, self._length)):
            shared, at = _read_number(view, at)
            rest, at = _read_number(view, at)
            string = string[:shared] + bytes(view[at : at + rest])
            at += rest
            yield string


class StringTableWriter:
    """Writes a table of strings that come in Arrow arrays, in order."""

    def __init__(self, store: StoreWriter, name: str) -> None:
        self._store = store
        self._name = name
        self._stack = ExitStack()
        self._pending: list[pa.Array] = []
        self._pending_length = 0
        self._bytes = 0
        self.length = 0

    def __enter__(self) -> StringTableWriter:
        self._data: ArrayWriter = self._stack.enter_context(self._store.array(f"{self._name}.data", np.uint8))
        self._blocks: ArrayWriter = self._stack.enter_context(self._store.array(f"{self._name}.blocks", np.uint64))
        self._blocks.append(np.zeros(1, dtype=np.uint64))
        return self

    def append(self, strings: pa.Array) -> None:
        """Add strings (``string`` or ``large_string``).

        Raises:
            ValueError: one is null.
        """
        if strings.null_count:
            raise ValueError(f"a string of the table '{self._name}' is null")
        self._pending.append(strings.cast(pa.large_string()))
        self._pending_length += len(strings)
        if self._pending_length >= CHUNK:
            self._write(self._pending_length - self._pending_length % BLOCK)

    def __exit__(self, *exception: Any) -> None:
        if exception[0] is None:
            self._write(self._pending_length)
        self._stack.__exit__(*exception)

    def _write(self, count: int) -> None:
        """Encode the first ``count`` of the strings at hand; only the last ones may end within a block."""
        strings = pa.concat_arrays([*self._pending, pa.array([], pa.large_string())])
        self._pending, self._pending_length = [strings[count:]], len(strings) - count
        offsets, data = _from_arrow(strings[:count])
        encoded, ends = _encode(data, offsets)
        self._data.append(encoded)
        self._blocks.append(ends + np.uint64(self._bytes))
        self._bytes += len(encoded)
        self.length += count


def write_strings(store: StoreWriter, name: str, strings: Iterable[pa.Array]) -> int:
    """Write a table of strings and return how many they were."""
    with StringTableWriter(store, name) as writer:
        for part in strings:
            writer.append(part)
    return writer.length


def _from_arrow(strings: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets ``int64 [n + 1]`` and bytes of a ``large_string`` array."""
    _, offsets, data = strings.buffers()
    start = strings.offset
    ends = np.frombuffer(offsets, np.int64)[start : start + len(strings) + 1] if offsets else np.zeros(1, np.int64)
    blob = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return ends, blob


def _to_arrow(offsets: np.ndarray, data: np.ndarray) -> pa.Array:
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))


def _read_number(view: memoryview, at: int) -> tuple[int, int]:
    """Return a number written in groups of seven bits, lowest first, and where it ends."""
    number = shift = 0
    while view[at] >= 128:
        number |= (view[at] - 128) << shift
        shift += 7
        at += 1
    return number | view[at] << shift, at + 1


@numba.njit(nogil=True, cache=True)
def _encode(data: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the front-coded bytes of strings that begin with a block, and the end of each block."""
    count = len(offsets) - 1
    out = np.empty(offsets[count] - offsets[0] + 20 * count, dtype=np.uint8)
    ends = np.empty((count + BLOCK - 1) // BLOCK, dtype=np.uint64)
    at = 0
    for i in range(count):
        start, length = offsets[i], offsets[i + 1] - offsets[i]
        shared = 0
        if i % BLOCK:
            before, longest = offsets[i - 1], min(offsets[i] - offsets[i - 1], length)
            while shared < longest and data[before + shared] == data[start + shared]:
                shared += 1
        at = _put_number(out, at, shared)
        at = _put_number(out, at, length - shared)
        out[at : at + length - shared] = data[start + shared : start + length]
        at += length - shared
        ends[i // BLOCK] = at
    return out[:at].copy(), ends


@numba.njit(nogil=True, cache=True)
def _decode_range(data: np.ndarray, blocks: np.ndarray, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets and bytes of the strings ``start`` to ``stop``."""
    offsets = np.zeros(stop - start + 1, dtype=np.int64)
    out = np.empty(16 * (stop - start) + 16, dtype=np.uint8)
    string = np.empty(256, dtype=np.uint8)
    used: Any = 0
    at: Any = 0
    for i in range(start - start % BLOCK, stop):
        if i % BLOCK == 0:
            at = np.int64(blocks[i // BLOCK])
        string, length, at = _get_string(data, at, string)
        if i >= start:
            out = _put_string(out, used, string, length)
            used += length
            offsets[i - start + 1] = used
    return offsets, out[:used].copy()


@numba.njit(nogil=True, cache=True)
def _decode_some(data: np.ndarray, blocks: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets and bytes of the strings at ``indices``."""
    offsets = np.zeros(len(indices) + 1, dtype=np.int64)
    out = np.empty(16 * len(indices) + 16, dtype=np.uint8)
    string = np.empty(256, dtype=np.uint8)
    used = 0
    for i in range(len(indices)):
        at = np.int64(blocks[indices[i] // BLOCK])
        length = 0
        for _ in range(indices[i] % BLOCK + 1):
            string, length, at = _get_string(data, at, string)
        out = _put_string(out, used, string, length)
        used += length
        offsets[i + 1] = used
    return offsets, out[:used].copy()


@numba.njit(nogil=True, cache=True)
def _get_string(data: np.ndarray, at: Any, string: np.ndarray) -> tuple[np.ndarray, Any, Any]:
    """Turn ``string``, the one before, into the one at ``at``; return it, its length, and where it ends."""
    shared, at = _get_number(data, at)
    rest, at = _get_number(data, at)
    if shared + rest > len(string):
        longer = np.empty(2 * (shared + rest), dtype=np.uint8)
        longer[:shared] = string[:shared]
        string = longer
    for k in range(rest):
        string[shared + k] = data[at + k]
    return string, shared + rest, at + rest


@numba.njit(nogil=True, cache=True)
def _put_string(out: np.ndarray, used: int, string: np.ndarray, length: int) -> np.ndarray:
    if used + length > len(out):
        longer = np.empty(2 * (used + length), dtype=np.uint8)
        longer[:used] = out[:used]
        out = longer
    for k in range(length):
        out[used + k] = string[k]
    return out


@numba.njit(nogil=True, cache=True)
def _put_number(out: np.ndarray, at: int, number: int) -> int:
    while number >= 128:
        out[at] = number & 127 | 128
        number >>= 7
        at += 1
    out[at] = number
    return at + 1


@numba.njit(nogil=True, cache=True)
def _get_number(data: np.ndarray, at: Any) -> tuple[Any, Any]:
    number: Any = 0
    shift = 0
    while data[at] >= 128:
        number |= np.int64(data[at] - 128) << shift
        shift += 7
        at += 1
    return number | np.int64(data[at]) << shift, at + 1
