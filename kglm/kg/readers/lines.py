"""Text files line by line, plain or gzip-compressed, with their place kept for error messages."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from kglm.errors import DataError, require_file
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, WEIGHT_EXPECTED
from kglm.kg.rejects import Rejects


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressing by its ending."""
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def read_lines(path: Path | str, rejects: Rejects, what: str = "graph source") -> Iterator[str]:
    """Yield the lines of a UTF-8 file without their ends, keeping ``rejects`` at the current place.

    Args:
        path: plain, or ``.gz``.
        rejects: told the path and each line's number.
        what: what the file is called where it is missing.

    Raises:
        DataError: the file is missing, not UTF-8, or not whole.
    """
    path = require_file(path, what)
    rejects.path, rejects.line = path, 0
    try:
        with open_bytes(path) as handle:
            # Decoded line by line: a text handle decodes ahead, and its error would name an earlier line.
            for number, line in enumerate(handle, start=1):
                rejects.line = number
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError.at(path, rejects.line, f"not UTF-8 text ({error.reason})") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError.at(path, rejects.line + 1, f"the compressed file is damaged ({error})") from error


def parse_weight(text: str, rejects: Rejects) -> float | None:
    """Return a weight that can be stored, or reject the line and return None."""
    try:
        weight = float(text)
    except ValueError:
        weight = float("nan")
    if MIN_WEIGHT <= weight <= MAX_WEIGHT:
        return weight
    rejects.reject(f"weight '{text}', {WEIGHT_EXPECTED}")
    return None


def require_text(names: dict[str, Any], rejects: Rejects) -> bool:
    """Say whether all named fields hold text; reject the line if one is empty."""
    for name, value in names.items():
        if not value:
            rejects.reject(f"the {name} is empty")
            return False
    return True
