"""Texts from files: JSON lines, CSV, tab-separated, Parquet, or plain lines; compressed ones too."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet

from kglm.errors import ConfigError, DataError, did_you_mean, require_file
from kglm.kg.readers.compression import open_bytes, plain_suffix
from kglm.retrieval.text_store import Document

FORMATS = ("jsonl", "csv", "tsv", "parquet", "lines")
_ENDINGS = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".txt": "lines",
}  # fmt: skip
WHAT = "file of texts"
Row = Callable[[str], object]


def read_documents(
    path: Path | str, *, column: str | None = None, key: str | None = None, format: str | None = None,
    header: bool = True,
) -> Iterator[Document]:  # fmt: skip
    """Yield the texts of a file, numbered from 0; a blank text is an error, as a wrong column mostly shows so.

    Args:
        path: the file, plain or compressed (Parquet: not compressed as a whole).
        column: the field that holds the text; within JSON objects ``question.stem`` goes into the inner one. Needed
            unless the format is ``lines``. Without ``header``, its number from 0.
        key: the field that is kept as the text's key, or None.
        format: one of :data:`FORMATS`; None takes it from the file's ending.
        header: whether the first row of a CSV or tab-separated file names the columns.

    Raises:
        ConfigError: an option is not allowed, or one is missing.
        DataError: the file is missing or damaged, lacks the column, or holds a blank text; tells the line.
    """
    path = require_file(path, WHAT)
    format = format or _ENDINGS.get(plain_suffix(path))
    if format not in FORMATS:
        raise ConfigError(f"the format of '{path}' is {format!r}; allowed: {', '.join(FORMATS)}")
    if format == "lines":
        if column is not None or key is not None:
            raise ConfigError("plain lines have no columns; name a format with columns, or no column and no key")
        return _documents(path, _lines(path), None)
    if column is None:
        raise ConfigError(f"the format '{format}' needs the name of the column that holds the texts")
    rows = _tables(path, format, header)
    return _documents(
        path,
        (
            (place, _field(path, place, row, column), None if key is None else _field(path, place, row, key))
            for place, row in rows
        ),
        key,
    )


def _documents(path: Path, rows: Iterator[tuple[int, object, object]], key: str | None) -> Iterator[Document]:
    for number, (place, text, named) in enumerate(rows):
        if not isinstance(text, str) or not text.strip():
            raise DataError.at(path, place, f"the text is {text!r}; expected one that is not blank")
        yield Document(number, "" if key is None or named is None else str(named), text.strip())


def _lines(path: Path) -> Iterator[tuple[int, object, object]]:
    for place, line in text_lines(path):
        if line.strip():
            yield place, line, None


def text_lines(path: Path, what: str = WHAT) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file with their numbers from 1.

    Raises:
        DataError: the file is missing or damaged, or a line is not UTF-8.
    """
    with open_bytes(path, what) as handle:
        for place, line in enumerate(handle, start=1):
            try:
                yield place, line.decode("utf-8-sig" if place == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise DataError.at(path, place, f"not UTF-8 text ({error.reason})") from error


def json_rows(path: Path, what: str = WHAT) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the objects of a file of JSON lines with their line numbers; blank lines are skipped.

    Raises:
        DataError: a line is not a JSON object.
    """
    for place, line in text_lines(path, what):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError.at(path, place, f"not JSON ({error})") from error
        if not isinstance(row, dict):
            raise DataError.at(path, place, f"a JSON {type(row).__name__}; expected an object")
        yield place, row


def field_of(row: Mapping[str, Any], name: str) -> Any:
    """Return a field of a JSON object; ``a.b`` is the field ``b`` of the object ``a`` unless there is an ``a.b``.

    Raises:
        KeyError: there is none.
    """
    if name in row:
        return row[name]
    outer, dot, inner = name.partition(".")
    if not dot or not isinstance(row.get(outer), dict):
        raise KeyError(name)
    return field_of(row[outer], inner)


def _field(path: Path, place: int, row: Mapping[str, Any], name: str) -> object:
    try:
        return field_of(row, name)
    except KeyError:
        raise DataError.at(
            path, place, f"no column '{name}'{did_you_mean(name, row)}; found {', '.join(list(row)[:20])}"
        ) from None


def _tables(path: Path, format: str, header: bool) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if format == "jsonl":
        return json_rows(path)
    if format == "parquet":
        return _parquet_rows(path)
    return _delimited_rows(path, format, header)


def _delimited_rows(path: Path, format: str, header: bool) -> Iterator[tuple[int, Mapping[str, Any]]]:
    options: dict[str, Any] = {"strict": True}
    if format == "tsv":
        options = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
    with open_bytes(path, WHAT) as handle:
        reader = csv.reader(_decoded(path, handle), **options)
        rows = _checked_rows(reader, path, format)
        names = next(rows, None) if header else None
        for fields in rows:
            if not fields:
                continue
            if names is not None and len(fields) != len(names):
                raise DataError.at(path, reader.line_num, f"{len(fields)} fields, but the header has {len(names)}")
            yield reader.line_num, dict(zip(names or map(str, range(len(fields))), fields, strict=True))


def _checked_rows(reader: Any, path: Path, format: str) -> Iterator[list[str]]:
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise DataError.at(path, reader.line_num, f"not {format.upper()} ({error})") from error
        if fields is None:
            return
        yield fields


def _decoded(path: Path, handle: IO[bytes]) -> Iterator[str]:
    for place, line in enumerate(handle, start=1):
        try:
            yield line.decode("utf-8-sig" if place == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError.at(path, place, f"not UTF-8 text ({error.reason})") from error


def _parquet_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    place = 0
    try:
        with pa.parquet.ParquetFile(path) as table:
            for batch in table.iter_batches():
                for row in batch.to_pylist():
                    place += 1
                    yield place, row
    except (pa.ArrowException, OSError) as error:
        raise DataError.at(path, place + 1, f"the Parquet file is damaged ({error})") from error
