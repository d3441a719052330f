"""Text files line by line, plain or compressed, with their place kept for error messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kglm.kg.readers.compression import DamagedFileError, open_bytes
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, WEIGHT_EXPECTED
from kglm.kg.tally import Tally

BLANK = "blank line"
COMMENT = "comment"
HEADER = "header"


def read_lines(path: Path | str, tally: Tally, what: str = "graph source") -> Iterator[str]:
    """Yield the lines of a UTF-8 file without their ends, keeping ``tally`` at the current place.

    Every line is counted as read; one that is not UTF-8 is rejected, and on each line yielded the caller passes
    its verdict.

    Args:
        path: plain, or compressed with gzip, bzip2 or Zstandard.
        tally: told the path, and the number and text of each line.
        what: what the file is called where it is missing.

    Raises:
        DataError: the file is missing, or compressed and damaged; or more lines are rejected than allowed.
    """
    path = Path(path)
    with open_bytes(path, what) as handle:
        tally.start(path)
        try:
            # Decoded line by line: a text handle decodes ahead, and its error would name an earlier line.
            for number, line in enumerate(handle, start=1):
                tally.line = number
                tally.read()
                try:
                    tally.text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    tally.reject(f"not UTF-8 text ({error.reason})", text=line.decode("utf-8", "backslashreplace"))
                    continue
                yield tally.text
        except DamagedFileError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise DamagedFileError.at(path, tally.line + 1, reason) from error


def parse_weight(text: str, tally: Tally) -> float | None:
    """Return a weight that can be stored, or reject the line and return None."""
    try:
        weight = float(text)
    except ValueError:
        weight = float("nan")
    if MIN_WEIGHT <= weight <= MAX_WEIGHT:
        return weight
    tally.reject(f"weight '{text}', {WEIGHT_EXPECTED}")
    return None


def require_text(names: dict[str, Any], tally: Tally) -> bool:
    """Say whether all named fields hold text; reject the line if one is empty."""
    for name, value in names.items():
        if not value:
            tally.reject(f"the {name} is empty")
            return False
    return True


def first_line(path: Path) -> str:
    """Return the first line of a file without its end, undecodable bytes replaced; empty for an empty file.

    Raises:
        DataError: the file is missing, or compressed and damaged.
    """
    with open_bytes(path) as handle:
        return handle.readline(1 << 16).decode("utf-8-sig", "replace").rstrip("\r\n")
