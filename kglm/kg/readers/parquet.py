"""Triples from Arrow tables on disk: Parquet, and Arrow IPC (Feather) files and streams."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from kglm.errors import DataError, require_file
from kglm.kg.readers.batches import BATCH_ROWS, merged_batches
from kglm.kg.readers.table import Batch, Columns, check_columns, positions, take_rows
from kglm.kg.records import Record
from kglm.kg.tally import Tally

ARROW_FILE_MAGIC = b"ARROW1"
PARQUET_MAGIC = b"PAR1"


def read_parquet(path: Path | str, tally: Tally, *, columns: Columns = None) -> Iterator[Record]:
    """Yield the triples of a Parquet file in batches; the tally counts rows.

    Args:
        path: the file.
        tally: counts rows, from 1.
        columns: role to the column's name or position, as for tab-separated files; None takes the columns named as
            the roles. Head, relation, tail, source and labels may be text, numbers or dictionary-encoded; aliases
            text separated by ``|`` or lists.

    Raises:
        ConfigError: the map is wrong.
        DataError: the file is missing or damaged, lacks a column, or more rows are rejected than allowed.
    """
    check_columns(columns)
    path = require_file(path, "Parquet file")
    return merged_batches(read_tables(_parquet_batches(path, columns), path, tally, columns))


def read_arrow(path: Path | str, tally: Tally, *, columns: Columns = None) -> Iterator[Record]:
    """Yield the triples of an Arrow IPC file or stream; arguments and errors as for :func:`read_parquet`."""
    check_columns(columns)
    path = require_file(path, "Arrow file")
    return merged_batches(read_tables(arrow_batches(path), path, tally, columns))


def read_tables(tables: Iterator[pa.RecordBatch], path: Path, tally: Tally, columns: Columns) -> Iterator[Batch]:
    """Yield what the rows of Arrow tables say.

    Raises:
        DataError: a table is damaged, lacks a column, or has one of a type that cannot be read as text.
    """
    tally.start(path, unit="row")
    try:
        for table in tables:
            places = positions(table.schema.names, columns, str(path))
            chosen = {role: _readable(table.column(place), role, path) for role, place in places.items()}
            numbers = np.arange(tally.line + 1, tally.line + 1 + table.num_rows)
            tally.line += table.num_rows
            tally.read(table.num_rows)
            yield from take_rows(chosen, numbers, tally, partial(_row_text, table))
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise DataError(f"{path}: not a sound table ({error})") from error


def _row_text(table: pa.RecordBatch, row: int) -> str:
    return str(table.slice(row, 1).to_pylist()[0])


def arrow_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the record batches of an Arrow IPC file or stream, memory-mapped.

    Raises:
        DataError: it is neither.
    """
    try:
        with pa.memory_map(str(path)) as source:
            if source.read(len(ARROW_FILE_MAGIC)) == ARROW_FILE_MAGIC:
                reader = pa.ipc.open_file(source)
                batches = (reader.get_batch(index) for index in range(reader.num_record_batches))
            else:
                source.seek(0)
                batches = iter(pa.ipc.open_stream(source))
            for batch in batches:
                for begin in range(0, batch.num_rows, BATCH_ROWS):
                    piece = batch.slice(begin, BATCH_ROWS)
                    piece.validate(full=True)
                    yield piece
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not an Arrow table ({error})") from error


def _parquet_batches(path: Path, columns: Columns) -> Iterator[pa.RecordBatch]:
    try:
        with pa.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            wanted = sorted({names[place] for place in positions(names, columns, str(path)).values()})
            # Only the columns with a role are read; a map by position speaks of the whole table.
            by_name = columns is None or all(isinstance(column, str) for column in columns.values())
            for batch in file.iter_batches(BATCH_ROWS, columns=wanted if by_name else None):
                batch.validate(full=True)
                yield batch
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a sound Parquet file ({error})") from error


def _readable(column: pa.Array, role: str, path: Path) -> pa.Array:
    """Return a column as strings, the weight as numbers, lists of aliases as lists of strings."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = pc.cast(column, kind.value_type)
    if role == "weight" and not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        target = pa.float64()
    elif role.endswith("_aliases") and (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        target = pa.list_(pa.string())
    else:
        target = pa.string()
    try:
        return pc.cast(column, target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{path}: the column for '{role}' holds {kind}, which cannot be read as {target}") from error
