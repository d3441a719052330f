"""The texts of an index and their keys, in an Arrow file that is mapped: only those that are looked at are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from kglm.errors import DataError, RetrievalIndexError

CHUNK = 1 << 14  # texts in one record batch
SCHEMA = pa.schema([("id", pa.int64()), ("key", pa.large_string()), ("text", pa.large_string())])


class Document(NamedTuple):
    """A text to index.

    Attributes:
        id: what searches return; not negative.
        key: the name under which the user knows it, or empty.
        text: the text.
    """

    id: int
    key: str
    text: str


def write_texts(path: Path, documents: Iterable[Document]) -> int:
    """Write documents as they come, and return how many they were.

    Raises:
        DataError: an id is negative, or a text is not valid Unicode.
    """
    count = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        for chunk in _chunks(documents):
            try:
                columns = [
                    pa.array(values, kind)
                    for values, kind in zip(zip(*chunk, strict=True), SCHEMA.types, strict=True)
                ]
            except UnicodeEncodeError as error:
                raise DataError(
                    f"one of the texts {count} to {count + len(chunk) - 1} has a lone surrogate"
                ) from error
            if min(columns[0].to_numpy()) < 0:
                raise DataError(f"id {min(columns[0].to_numpy())} is negative; -1 stands for no result")
            writer.write_batch(pa.record_batch(columns, schema=SCHEMA))
            count += len(chunk)
    return count


class TextStore:
    """Texts, keys and ids by position, mapped from disk.

    Args:
        path: of the Arrow file.

    Raises:
        RetrievalIndexError: it is missing, or no such file.
    """

    def __init__(self, path: Path) -> None:
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(path)))
            if reader.schema != SCHEMA:
                raise pa.ArrowInvalid(f"its columns are {reader.schema.names}")
            self._batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
        except (OSError, pa.ArrowInvalid) as error:
            raise RetrievalIndexError(f"'{path}' cannot be read ({error}); build the index again") from error
        self._ends = np.cumsum([len(batch) for batch in self._batches], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def describe(self, positions: Sequence[int]) -> list[tuple[str, str]]:
        """Return text and key of some positions."""
        found = []
        for position in positions:
            number = int(np.searchsorted(self._ends, position, side="right"))
            batch = self._batches[number]
            row = position - int(self._ends[number]) + len(batch)
            found.append((batch.column(2)[row].as_py(), batch.column(1)[row].as_py()))
        return found

    def chunks(self) -> Iterator[list[str]]:
        """Yield all texts, some thousands at a time."""
        for batch in self._batches:
            yield batch.column(2).to_pylist()

    def keys(self) -> Iterator[list[str]]:
        """Yield all keys, some thousands at a time."""
        for batch in self._batches:
            yield batch.column(1).to_pylist()

    def ids(self) -> np.ndarray:
        """Return all ids, ``int64 [N]``."""
        return np.concatenate([batch.column(0).to_numpy() for batch in self._batches])


def _chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    chunk: list[Document] = []
    for document in documents:
        chunk.append(document)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
