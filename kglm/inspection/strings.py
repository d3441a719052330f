"""Tables of strings as Arrow columns, which are searched and compared without making Python strings of them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from kglm.kg.strings import StringTable

CHUNK = 1 << 18


def column(table: StringTable) -> pa.Array:
    """Return a whole table as an Arrow column; it is decoded into memory."""
    return table.slice(0, len(table))


def chunks(table: StringTable) -> Iterator[tuple[int, pa.Array]]:
    """Yield a table in pieces, each with the index of its first string."""
    for start in range(0, len(table), CHUNK):
        yield start, table.slice(start, min(start + CHUNK, len(table)))
