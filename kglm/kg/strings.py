"""A sorted table of strings in two flat arrays, searchable without being loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np


class StringTable(Sequence[str]):
    """Strings as UTF-8 bytes and offsets; memory-mapped when opened from disk.

    A table is searched by bisection when its strings are sorted by code point, as those of entities and
    surface forms are; a table of labels is only indexed.

    Args:
        data: ``uint8 [number of bytes]``.
        offsets: ``int64 [len + 1]`` into ``data``.
    """

    def __init__(self, data: np.ndarray, offsets: np.ndarray) -> None:
        self._data = data
        self._offsets = offsets

    @classmethod
    def from_strings(cls, strings: Sequence[str]) -> StringTable:
        """Pack ``strings`` in the order given."""
        encoded = [string.encode() for string in strings]
        offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(item) for item in encoded], out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)

    @classmethod
    def open(cls, folder: Path, name: str) -> StringTable:
        """Map the table ``name`` in ``folder`` into memory."""
        return cls(
            np.load(folder / f"{name}.bytes.npy", mmap_mode="r"),
            np.load(folder / f"{name}.offsets.npy", mmap_mode="r"),
        )

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays to store, by file stem."""
        return {f"{name}.bytes": self._data, f"{name}.offsets": self._offsets}

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> str:  # type: ignore[override]
        if not 0 <= index < len(self):
            raise IndexError(f"index {index} outside a table of {len(self)} strings")
        return bytes(self._data[self._offsets[index] : self._offsets[index + 1]]).decode()

    def __iter__(self) -> Iterator[str]:
        blob = bytes(self._data)
        ends = self._offsets.tolist()
        return (blob[start:end].decode() for start, end in pairwise(ends))

    def find(self, string: str) -> int:
        """Return the index of ``string`` in a sorted table, or -1."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self[middle] < string:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self[low] == string else -1
