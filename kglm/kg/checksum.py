"""What a file must be: its size and SHA-256, as far as they are known."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kglm.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Checksum:
    """What a file must be.

    Attributes:
        sha256: 64 lower-case hexadecimal digits, or None where nobody knows it.
        size: in bytes, or None.
    """

    sha256: str | None = None
    size: int | None = None

    def __post_init__(self) -> None:
        if self.sha256 is not None and not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError(f"sha256 is '{self.sha256}', expected 64 lower-case hexadecimal digits")

    def problem(self, path: Path) -> str:
        """Return what is wrong with a file, or an empty text."""
        size = path.stat().st_size
        if self.size is not None and size != self.size:
            return f"it has {size:,} bytes, expected {self.size:,}"
        if self.sha256 is not None and (found := sha256_of(path)) != self.sha256:
            return f"its SHA-256 is {found}, expected {self.sha256}"
        return ""


UNKNOWN = Checksum()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def stamp_of(path: Path) -> list[int]:
    """Return size and time of change, by which a file is known again without being read."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def lock_path(path: Path) -> Path:
    """Return where the record of a downloaded file lies; see :func:`kglm.kg.download.download`."""
    return path.with_name(path.name + ".lock.json")


def read_memo(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, or an empty one where there is none: a memo may be lost."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def known_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, unread where it was downloaded and has not changed since."""
    memo = read_memo(lock_path(path))
    known = memo.get("sha256")
    return known if isinstance(known, str) and memo.get("stamp") == stamp_of(path) else sha256_of(path)


def verify_checksum(path: Path | str, checksum: Checksum) -> Path:
    """Return ``path`` if the file is what it must be.

    Raises:
        DataError: it is not; tells what was expected and found.
    """
    path = Path(path)
    if problem := checksum.problem(path):
        raise DataError(f"'{path}' is not the expected file: {problem}")
    return path
