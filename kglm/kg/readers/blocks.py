"""Large text files in blocks of whole lines, split into fields by compiled code."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import numba
import numpy as np
import pyarrow as pa

from kglm.errors import DataError
from kglm.kg.readers.compression import DamagedFileError, open_bytes
from kglm.kg.tally import Tally

# Below 32 MiB the allocator keeps freed blocks; fresh pages for each would cost more than the work on them.
BLOCK_BYTES = 1 << 23
MAX_LINE_BYTES = 1 << 28

NOT_UTF8 = "not UTF-8 text"

_TAB, _LINE_FEED, _CARRIAGE_RETURN = 9, 10, 13
# For the test of eight bytes at once: high bits, and what is taken from each byte.
_HIGH = np.uint64(0x8080808080808080)
_BELOW = np.uint64(0x0B0B0B0B0B0B0B0B)
_BOM = b"\xef\xbb\xbf"

T = TypeVar("T")


@dataclass(frozen=True)
class FieldBlock:
    """Some successive lines of a file, n of them, cut into tab-separated fields.

    Attributes:
        data: the bytes, ``uint8``.
        first_line: 1-based number of the first line.
        starts: where field k of line i begins, ``int32 [n, columns + 1]``; field k ends at
            ``starts[i, k + 1] - 1``. Entries beyond the fields of a line are undefined.
        counts: number of fields of each line, also where there are more than ``columns``, ``int32 [n]``.
        utf8: whether each line is valid UTF-8, ``bool [n]``.
    """

    data: np.ndarray
    first_line: int
    starts: np.ndarray
    counts: np.ndarray
    line_starts: np.ndarray
    line_ends: np.ndarray
    utf8: np.ndarray

    def __len__(self) -> int:
        return len(self.counts)

    def line(self, row: int) -> bytes:
        """Return a line without its end."""
        return self.data[self.line_starts[row] : self.line_ends[row]].tobytes()

    def text(self, row: int) -> str:
        """Return a line as text, bytes that are not UTF-8 escaped."""
        return self.line(row).decode("utf-8", "backslashreplace")

    def column(self, field: int, rows: np.ndarray) -> pa.Array:
        """Return a field of the rows given as strings; null where a line has too few fields.

        The rows must be valid UTF-8.
        """
        present = self.counts[rows] > field
        begins = np.where(present, self.starts[rows, field], 0)
        ends = np.where(present, self.starts[rows, field + 1] - 1, 0)
        return strings(self.data, begins, ends, None if present.all() else present)

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """Return the 1-based line numbers of rows."""
        return rows.astype(np.int64) + self.first_line


def read_field_blocks(
    path: Path | str, tally: Tally, columns: int, *, what: str = "graph source", size: int | None = None
) -> Iterator[FieldBlock]:
    """Yield a file in blocks of whole lines; the next block is read and cut while the caller works on one.

    Every line is counted as read; the caller passes its verdicts. Line ends are ``\\n``, with any ``\\r`` before
    it; a byte-order mark is left out.

    Args:
        path: plain, or compressed with gzip, bzip2 or Zstandard.
        tally: told the path, and at each block the number of its last line.
        columns: how many fields of a line are wanted at most.
        what: what the file is called where it is missing.
        size: bytes of a block.

    Raises:
        DataError: the file is missing, damaged, or has a line of more than 256 MiB.
    """
    path = Path(path)
    lines = 0
    with open_bytes(path, what) as handle:
        tally.start(path)
        try:
            for data in ahead(_whole_lines(handle, path, size or BLOCK_BYTES)):
                block = FieldBlock(data, lines + 1, *split_fields(data, columns))
                lines += len(block)
                tally.line, tally.text = lines, ""
                tally.read(len(block))
                yield block
        except DamagedFileError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise DamagedFileError.at(path, lines + 1, reason) from error


def _whole_lines(handle: IO[bytes], path: Path, size: int) -> Iterator[np.ndarray]:
    """Yield the file as arrays of bytes, each of whole lines; only the last may lack a line feed."""
    rest = b""
    if (start := handle.read(len(_BOM))) != _BOM:
        rest = start
    while chunk := handle.read(size):
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            rest += chunk
            if len(rest) > MAX_LINE_BYTES:
                raise DataError(f"{path}: a line has more than {MAX_LINE_BYTES >> 20} MiB; this is not a text table")
            continue
        yield np.frombuffer(b"".join((rest, memoryview(chunk)[:cut])), dtype=np.uint8)
        rest = chunk[cut:]
    if rest:
        yield np.frombuffer(rest, dtype=np.uint8)


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield items, the next one being made in another thread meanwhile; their order and errors stay as they are."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kglm-read") as pool:
        end = object()
        future = pool.submit(next, items, end)
        while (item := future.result()) is not end:
            future = pool.submit(next, items, end)
            yield item  # type: ignore[misc]


def split_fields(data: np.ndarray, columns: int) -> tuple[np.ndarray, ...]:
    """Cut lines into tab-separated fields.

    Args:
        data: bytes of whole lines, ``uint8``.
        columns: how many fields of a line are wanted at most.

    Returns:
        ``starts, counts, line_starts, line_ends, utf8`` of :class:`FieldBlock`.
    """
    lines = _count_lines(data)
    starts = np.empty((lines, columns + 1), dtype=np.int32)
    counts = np.empty(lines, dtype=np.int32)
    line_starts, line_ends = np.empty(lines, dtype=np.int32), np.empty(lines, dtype=np.int32)
    utf8 = np.ones(lines, dtype=np.bool_)
    _split(data, starts, counts, line_starts, line_ends, utf8)
    return starts, counts, line_starts, line_ends, utf8


def strings(data: np.ndarray, begins: np.ndarray, ends: np.ndarray, present: np.ndarray | None = None) -> pa.Array:
    """Return slices of valid UTF-8 as an Arrow array of strings.

    Args:
        data: bytes.
        begins: where each slice begins, integers ``[n]``.
        ends: where it ends.
        present: booleans; False gives null. None means all.
    """
    lengths = ends - begins
    offsets = np.zeros(len(begins) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    out = np.empty(offsets[-1], dtype=np.uint8)
    _copy_slices(data, begins, lengths, offsets, out)
    valid = None if present is None else pa.array(present).buffers()[1]
    return pa.StringArray.from_buffers(len(begins), pa.py_buffer(offsets), pa.py_buffer(out), valid)


@numba.njit(nogil=True, cache=True)
def plain_lines(data: np.ndarray, line_starts: np.ndarray, line_ends: np.ndarray) -> np.ndarray:
    """Return which lines hold nothing but tabs and visible ASCII, ``bool [n]``."""
    plain = np.ones(len(line_starts), dtype=np.bool_)
    for row in range(len(line_starts)):
        for at in range(line_starts[row], line_ends[row]):
            if data[at] != _TAB and not 0x20 < data[at] < 0x7F:
                plain[row] = False
                break
    return plain


@numba.njit(nogil=True, cache=True)
def _count_lines(data: np.ndarray) -> int:
    count = 0
    for byte in data:
        count += byte == _LINE_FEED
    return count + (len(data) > 0 and data[-1] != _LINE_FEED)


@numba.njit(nogil=True, cache=True)
def _split(
    data: np.ndarray,
    starts: np.ndarray,
    counts: np.ndarray,
    line_starts: np.ndarray,
    line_ends: np.ndarray,
    utf8: np.ndarray,
) -> None:
    columns = starts.shape[1] - 1
    size = len(data)
    words = data[: size - size % 8].view(np.uint64)
    line, field, begin, at = 0, 0, 0, 0
    if size:
        starts[0, 0] = 0
    while at < size:
        if at & 7 == 0:
            # Eight bytes at once where none is a tab, a line feed (or another below 0x0B) or beyond ASCII.
            word = at >> 3
            while word < len(words) and ((words[word] - _BELOW) | words[word]) & _HIGH == 0:
                word += 1
            at = word << 3
            if at >= size:
                break
        byte = data[at]
        if byte >= 0x80:
            length = _utf8_length(data, at, size)
            if length == 0:
                utf8[line] = False
                length = 1
            at += length
            continue
        at += 1
        if byte == _TAB:
            field += 1
            if field <= columns:
                starts[line, field] = at
        elif byte == _LINE_FEED:
            _close_line(data, starts, counts, line_starts, line_ends, line, field, begin, at - 1)
            line, field, begin = line + 1, 0, at
            if at < size:
                starts[line, 0] = at
    if begin < size:
        _close_line(data, starts, counts, line_starts, line_ends, line, field, begin, size)


@numba.njit(nogil=True, cache=True)
def _close_line(
    data: np.ndarray,
    starts: np.ndarray,
    counts: np.ndarray,
    line_starts: np.ndarray,
    line_ends: np.ndarray,
    line: int,
    field: int,
    begin: int,
    end: int,
) -> None:
    while end > begin and data[end - 1] == _CARRIAGE_RETURN:
        end -= 1
    counts[line] = field + 1
    line_starts[line], line_ends[line] = begin, end
    if field + 1 < starts.shape[1]:
        starts[line, field + 1] = end + 1


@numba.njit(nogil=True, cache=True)
def _utf8_length(data: np.ndarray, at: int, size: int) -> int:
    """Return the length of the character that begins at a byte >= 0x80, or 0 where it is not UTF-8 (RFC 3629)."""
    first = data[at]
    if 0xC2 <= first <= 0xDF:
        length, low, high = 2, 0x80, 0xBF
    elif 0xE0 <= first <= 0xEF:
        length, low, high = 3, 0xA0 if first == 0xE0 else 0x80, 0x9F if first == 0xED else 0xBF
    elif 0xF0 <= first <= 0xF4:
        length, low, high = 4, 0x90 if first == 0xF0 else 0x80, 0x8F if first == 0xF4 else 0xBF
    else:
        return 0
    if at + length > size or not low <= data[at + 1] <= high:
        return 0
    for follow in range(at + 2, at + length):
        if not 0x80 <= data[follow] <= 0xBF:
            return 0
    return length


@numba.njit(nogil=True, cache=True)
def _copy_slices(
    data: np.ndarray, begins: np.ndarray, lengths: np.ndarray, offsets: np.ndarray, out: np.ndarray
) -> None:
    for row in range(len(begins)):
        begin, to = begins[row], offsets[row]
        for k in range(lengths[row]):
            out[to + k] = data[begin + k]
