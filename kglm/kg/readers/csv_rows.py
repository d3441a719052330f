"""Triples from CSV: quoted fields, rows that may span lines (RFC 4180)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from kglm.errors import ConfigError
from kglm.kg.readers.batches import BATCH_ROWS, merged_batches
from kglm.kg.readers.blocks import NOT_UTF8
from kglm.kg.readers.compression import open_bytes
from kglm.kg.readers.entity_entries import with_entities
from kglm.kg.readers.lines import BLANK, HEADER
from kglm.kg.readers.table import Batch, Columns, check_columns, is_header, numbered, positions, take_rows
from kglm.kg.records import Record
from kglm.kg.tally import Tally

DEFAULT_COLUMNS = {"head": 0, "relation": 1, "tail": 2, "weight": 3}


def read_csv(
    path: Path | str,
    tally: Tally,
    *,
    columns: Columns = None,
    header: bool | None = None,
    delimiter: str = ",",
    labels: str | None = None,
    label_layout: Mapping[str, Any] | None = None,
) -> Iterator[Record]:
    """Yield the triples of a CSV file in batches; the tally counts rows, at the line where each ends.

    Fields may be quoted with ``"``, doubled within; a row may then span lines. Blank rows are skipped. A row that
    breaks the quoting is rejected; the reading goes on behind it.

    Args:
        path: plain, or compressed.
        tally: counts rows.
        columns: role to the column's name in the header, or its position from 0, as for tab-separated files.
        header: whether the first row is a header; None: where ``columns`` holds a name, or without ``columns``
            where the first row names roles alone.
        delimiter: what separates fields.
        labels: file of labels, aliases and descriptions, as for tab-separated files.
        label_layout: under which keys that file says what.

    Raises:
        ConfigError: the map, the layout or the delimiter is wrong.
        DataError: the file is missing or damaged, its header lacks a column, or more rows are rejected than allowed.
    """
    check_columns(columns)
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise ConfigError(f"delimiter is {delimiter!r}; allowed: one character, but no quote or line end")
    triples = merged_batches(_batches(Path(path), tally, columns, header, delimiter))
    return with_entities(triples, tally, labels, label_layout)


def _batches(path: Path, tally: Tally, columns: Columns, header: bool | None, delimiter: str) -> Iterator[Batch]:
    with open_bytes(path) as handle:
        tally.start(path, unit="row")
        rows = _rows(csv.reader(_text_lines(handle), delimiter=delimiter, strict=True), tally, delimiter)
        first = next(rows, None)
        if first is None:
            return
        names = [field.strip() for field in first[1]]
        if header is None:
            named = columns is not None and any(isinstance(column, str) for column in columns.values())
            header = named or (columns is None and is_header(names))
        if header:
            places = positions(names, columns, f"{path}:{tally.line}")
            tally.skip(HEADER)
        else:
            places = numbered(columns) or DEFAULT_COLUMNS
        pending = [] if header else [first]
        while pending or (pending := list(islice(rows, BATCH_ROWS))):
            yield from _take(pending, places, tally, delimiter)
            pending = []


def _text_lines(handle: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(handle):
        yield (line if number else line.removeprefix(b"\xef\xbb\xbf")).decode("utf-8", "surrogateescape")


def _rows(reader: Iterator[list[str]], tally: Tally, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that hold text with the line where each ends, counting all.

    Blank rows, broken ones and those that are not UTF-8 get their verdict here.
    """
    while True:
        tally.text = ""
        try:
            row = next(reader, None)
        except csv.Error as error:
            tally.read()
            tally.line = reader.line_num  # type: ignore[attr-defined]
            tally.reject(f"not a row of CSV ({error})")
            continue
        if row is None:
            return
        tally.read()
        tally.line = reader.line_num  # type: ignore[attr-defined]
        text = "".join(row)
        if not (text.isascii() or _is_utf8(text)):
            shown = delimiter.join(row).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            tally.reject(NOT_UTF8, text=shown)
        elif text and not text.isspace():
            yield tally.line, row
        elif len(row) > 1:
            tally.reject("all fields are empty", text=delimiter.join(row))
        else:
            tally.skip(BLANK)


def _is_utf8(text: str) -> bool:
    """Say whether a text that was decoded with escapes holds none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _take(rows: list[tuple[int, list[str]]], places: dict[str, int], tally: Tally, delimiter: str) -> Iterator[Batch]:
    """Pass a verdict on rows, and yield what the good ones say; a field that a row lacks is missing, not empty."""
    numbers = np.array([number for number, _ in rows], dtype=np.int64)
    columns = {
        role: pa.array([row[place] if place < len(row) else None for _, row in rows], type=pa.string())
        for role, place in places.items()
    }
    yield from take_rows(columns, numbers, tally, lambda index: delimiter.join(rows[index][1]))
