"""Readers: from a file in some format to a stream of records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from kglm.errors import DataError, UnknownNameError
from kglm.kg.readers.conceptnet_merged import COLUMNS, read_conceptnet_merged
from kglm.kg.readers.lines import read_lines
from kglm.kg.readers.tsv import read_tsv
from kglm.kg.readers.turtle import read_turtle
from kglm.kg.records import Record
from kglm.kg.tally import Tally

Reader = Callable[[Path, Tally], Iterator[Record]]

READERS: dict[str, Reader] = {
    "conceptnet_merged": read_conceptnet_merged,
    "tsv": read_tsv,
    "turtle": read_turtle,
}


def read_records(path: Path | str, tally: Tally, format: str | None = None) -> Iterator[Record]:
    """Yield the records of a source in the format given, or in the one that its name and header show.

    Raises:
        UnknownNameError: there is no reader for ``format``.
        DataError: the source is missing or cannot be read.
    """
    path = Path(path)
    format = format or detect_format(path)
    if format not in READERS:
        raise UnknownNameError("graph format", format, READERS)
    return _accounted(READERS[format], path, tally)


def _accounted(reader: Reader, path: Path, tally: Tally) -> Iterator[Record]:
    yield from reader(path, tally)
    tally.require_settled()


def detect_format(path: Path) -> str:
    """Return the name of the reader for a source.

    Raises:
        DataError: the file is missing, or its name shows no format.
    """
    if path.is_dir() or path.suffix == ".ttl":
        return "turtle"
    stem = path.with_suffix("") if path.suffix == ".gz" else path
    if stem.suffix in {".tsv", ".txt"}:
        header = next(read_lines(path, Tally()), "")
        return "conceptnet_merged" if tuple(header.split("\t")) == COLUMNS else "tsv"
    raise DataError(
        f"the format of graph source '{path}' cannot be told from its name; "
        f"expected .ttl, .tsv or .tsv.gz, or name one of {sorted(READERS)}"
    )
