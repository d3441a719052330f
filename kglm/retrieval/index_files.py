"""What all indexes on disk have in common: a manifest, written last, with the size and SHA-256 of each file.

As for compiled graphs, reading gigabytes at each opening would take seconds, so ``checked.json`` records sizes and
times of change at which the content was last known to be right; where anything differs, all files are read again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kglm.errors import DataError, RetrievalIndexError
from kglm.files import atomic_write_json

MANIFEST = "manifest.json"
CHECKED = "checked.json"
VERSION = 1
# The coarsest clock of a file system in use (FAT): a file changed twice within a tick bears the same time.
TICK_NS = 2_000_000_000


def seal(folder: Path, kind: str, content: Mapping[str, Any], names: Iterable[str]) -> None:
    """Write the manifest of a finished index: its presence marks completion.

    Args:
        folder: of the index.
        kind: such as ``kglm-vector-index``.
        content: what the manifest tells beside the files.
        names: the files, relative to the folder.
    """
    files = {}
    for name in sorted(names):
        path = folder / name
        files[name] = {"size": path.stat().st_size, "sha256": _sha256(path)}
        written = path.stat().st_mtime_ns
        os.utime(path, ns=(written, written - TICK_NS))  # a change at this very moment gives another time
    manifest = {"format": kind, "version": VERSION, **content, "files": files}
    _record(folder, files)
    atomic_write_json(folder / MANIFEST, {**manifest, "checksum": _digest(manifest)})


def read_manifest(folder: Path, kind: str) -> dict[str, Any]:
    """Return the manifest of an index whose files are what was written.

    Raises:
        RetrievalIndexError: there is none, it is damaged or of another version, or a file is missing or damaged.
    """
    manifest = _parse(folder, kind)
    files = manifest["files"]
    for name, expected in files.items():
        if problem := _size_problem(folder, name, expected):
            raise RetrievalIndexError(f"the index '{folder}' is damaged: {problem}; build it again")
    if _states(folder, files) != _read_record(folder):
        for problem in problems(folder, files):
            raise RetrievalIndexError(f"the index '{folder}' is damaged: {problem}; build it again")
        states = _states(folder, files)
        if all(time.time_ns() - state[1] >= TICK_NS for state in states.values()):
            with suppress(OSError):  # a folder that cannot be written to is checked anew each time
                atomic_write_json(folder / CHECKED, states, indent=None)
    return manifest


def problems(folder: Path, files: Mapping[str, Any]) -> Iterator[str]:
    """Read all files and yield what is wrong with them."""
    for name, expected in files.items():
        problem = _size_problem(folder, name, expected)
        if problem is None and _sha256(folder / name) != expected["sha256"]:
            problem = f"the content of '{name}' is not what was written (SHA-256 differs)"
        if problem is not None:
            yield problem


def require_place(folder: Path) -> None:
    """Check that an index may be written to a folder: there is none, it is empty, or it holds an index.

    Raises:
        DataError: it is a file, or holds something else.
    """
    if folder.is_file():
        raise DataError(f"'{folder}' is a file; expected the name of a folder for the index")
    if folder.is_dir() and any(folder.iterdir()):
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            manifest = None
        if not isinstance(manifest, dict) or not str(manifest.get("format")).endswith("-index"):
            raise DataError(f"the folder '{folder}' holds something other than an index; nothing is overwritten")


def _parse(folder: Path, kind: str) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise RetrievalIndexError(f"'{folder}' holds no index ({MANIFEST} is missing)")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RetrievalIndexError(f"the manifest '{path}' cannot be read ({error}); build the index again") from error
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != kind:
        raise RetrievalIndexError(f"'{folder}' is not a {kind}: its manifest has the format {found!r}")
    if manifest.get("version") != VERSION:
        raise RetrievalIndexError(
            f"the index '{folder}' has version {manifest.get('version')}, this kglm reads version {VERSION}; "
            "build it again"
        )
    checksum = manifest.pop("checksum", None)
    if checksum != _digest(manifest):
        raise RetrievalIndexError(f"the manifest '{path}' is damaged (its checksum differs); build the index again")
    return manifest


def _size_problem(folder: Path, name: str, expected: Mapping[str, Any]) -> str | None:
    try:
        size = os.stat(folder / name).st_size
    except OSError:
        return f"'{name}' is missing"
    return None if size == expected["size"] else f"'{name}' has {size} bytes, expected {expected['size']}"


def _states(folder: Path, files: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return size, times of change and digest of each file."""
    found = {}
    for name, expected in files.items():
        status = os.stat(folder / name)
        found[name] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, expected["sha256"]]
    return found


def _record(folder: Path, files: Mapping[str, Any]) -> None:
    atomic_write_json(folder / CHECKED, _states(folder, files), indent=None)


def _read_record(folder: Path) -> object:
    try:
        return json.loads((folder / CHECKED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _sha256(path: Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
