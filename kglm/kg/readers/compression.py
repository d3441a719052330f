"""Files that may be compressed (gzip, bzip2, Zstandard), told by their first bytes, whatever their name."""

from __future__ import annotations

import bz2
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

import zstandard

from kglm.errors import DataError, require_file

CHUNK = 1 << 18
ENDINGS = (".gz", ".bz2", ".zst", ".zstd")

_GZIP_WINDOW = zlib.MAX_WBITS | 16
_DECOMPRESSORS: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(_GZIP_WINDOW),
    b"BZh": bz2.BZ2Decompressor,
    b"\x28\xb5\x2f\xfd": lambda: zstandard.ZstdDecompressor().decompressobj(),
}


class DamagedFileError(DataError):
    """A compressed file is truncated or its bytes are not what they were."""


def open_bytes(path: Path | str, what: str = "graph source") -> IO[bytes]:
    """Open a file for reading, decompressing it where its first bytes say that it is compressed.

    Several members or frames one after another are read as one, as the command-line tools do.

    Raises:
        DataError: the file is missing.
        DamagedFileError: its name says that it is compressed, but its content is not; or, while reading, it ends
            early or does not decompress.
    """
    path = require_file(path, what)
    handle = path.open("rb")
    begin = handle.peek(4)
    for magic, decompressor in _DECOMPRESSORS.items():
        if begin.startswith(magic):
            return cast("IO[bytes]", io.BufferedReader(_Decompressed(handle, decompressor), CHUNK))
    if path.suffix.lower() in ENDINGS:
        handle.close()
        found = "its content is not" if begin else "it is empty"
        raise DamagedFileError(f"{path}: the compressed file is damaged (so its name says, but {found})")
    return handle


def is_compressed(path: Path) -> bool:
    """Say whether a file is compressed, by its first bytes."""
    with path.open("rb") as handle:
        return handle.read(4).startswith(tuple(_DECOMPRESSORS))


def plain_suffix(path: Path) -> str:
    """Return the ending of a file's name before the ending of a compression, in lower case (``.tsv``)."""
    return (path.with_suffix("") if path.suffix.lower() in ENDINGS else path).suffix.lower()


class _Decompressed(io.RawIOBase):
    """The content of a compressed file, member after member.

    One class for all three, since the stream reader of ``zstandard`` takes a truncated file for a whole one.
    """

    def __init__(self, handle: IO[bytes], decompressor: Callable[[], Any]) -> None:
        self._handle = handle
        self._new = decompressor
        self._current = decompressor()
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and self._advance():
            pass
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def close(self) -> None:
        self._handle.close()
        super().close()

    def _advance(self) -> bool:
        """Decompress another piece; False at the end of a whole file."""
        if self._current.eof:
            # Zeros after the last member are padding (tar tapes, block devices).
            rest = self._current.unused_data.lstrip(b"\0") or self._handle.read(CHUNK).lstrip(b"\0")
            if not rest:
                return self._handle.peek(1) != b""  # type: ignore[attr-defined]
            self._current = self._new()
        else:
            rest = self._handle.read(CHUNK)
            if not rest:
                raise self._damaged("it ends in the middle")
        try:
            self._ready = memoryview(self._current.decompress(rest))
        except (EOFError, OSError, ValueError, zlib.error, zstandard.ZstdError) as error:
            raise self._damaged(str(error)) from error
        return True

    def _damaged(self, reason: str) -> DamagedFileError:
        name = getattr(self._handle, "name", "")
        return DamagedFileError(f"{name}: the compressed file is damaged ({reason})")
