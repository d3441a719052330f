"""Atomic writes: a reader, and a kill at any moment, finds the old content or the new, never half of it.

Everything is first written to a hidden sibling of its destination (the same file system, so that the rename
is atomic), flushed to the disk, and then renamed. Standard library only: every room may import this.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def atomic_file(path: Path | str, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that appears at ``path`` only if the block succeeds.

    Args:
        path: where it shall be; missing parent folders are made, an old file is replaced.
        mode: ``"w"`` for UTF-8 text with ``\\n`` line ends, ``"wb"`` for bytes.

    Yields:
        The open handle of a hidden sibling. If the block raises, that is removed and ``path`` is untouched.

    Raises:
        ValueError: another mode.
    """
    if mode not in {"w", "wb"}:
        raise ValueError(f"mode '{mode}' is not allowed; allowed: 'w', 'wb'")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sibling = _hidden_sibling(path)
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    try:
        with open(sibling, mode.replace("w", "x"), **text) as handle:  # type: ignore[call-overload]
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(sibling, path)
    except BaseException:
        sibling.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def atomic_write_bytes(path: Path | str, content: bytes) -> None:
    """Write ``content`` to ``path``, atomically."""
    with atomic_file(path, "wb") as handle:
        handle.write(content)


def atomic_write_text(path: Path | str, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, atomically."""
    with atomic_file(path) as handle:
        handle.write(text)


def atomic_write_json(path: Path | str, value: Any, *, indent: int | None = 2) -> None:
    """Write ``value`` to ``path`` as JSON with a final newline, atomically.

    Raises:
        TypeError, ValueError: JSON has no such value (an unknown type, NaN, infinity); ``path`` is untouched.
    """
    atomic_write_text(path, _to_json(value, indent) + "\n")


def atomic_write_jsonl(path: Path | str, rows: Iterable[Any]) -> None:
    """Write ``rows`` to ``path``, one JSON value a line, atomically; ``rows`` may be a generator.

    Raises:
        TypeError, ValueError: JSON has no such value (an unknown type, NaN, infinity); ``path`` is untouched.
    """
    with atomic_file(path) as handle:
        for row in rows:
            handle.write(_to_json(row, None) + "\n")


@contextmanager
def atomic_directory(path: Path | str) -> Iterator[Path]:
    """Fill a folder that takes the place of ``path`` only if the block succeeds.

    On Linux the old folder and the new one change places in one step. Where the system or the file system
    cannot do that, the old one is set aside for the moment between two renames; a kill in just that moment
    leaves no ``path``; :func:`recover_directory`, or the next ``atomic_directory``, puts the old one back.

    Args:
        path: where the folder shall be; missing parents are made, an old folder is replaced as a whole.

    Yields:
        An empty hidden sibling to write into. If the block raises, it is removed and ``path`` untouched.

    Raises:
        NotADirectoryError: ``path`` is a file.
    """
    path = Path(os.path.realpath(path))  # what a link points to is replaced, not the link
    path.parent.mkdir(parents=True, exist_ok=True)
    recover_directory(path)
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"'{path}' is a file; a folder cannot take its place")
    sibling = _hidden_sibling(path)
    sibling.mkdir()
    try:
        with _in_use(sibling):
            yield sibling
            _sync_tree(sibling)
            _put_in_place(sibling, path)
    except BaseException:
        shutil.rmtree(sibling, ignore_errors=True)
        raise


def recover_directory(path: Path | str) -> None:
    """Put back the folder that a killed :func:`atomic_directory` had set aside; does nothing otherwise."""
    path = Path(path)
    aside = _aside(path)
    if not aside.is_dir():
        return
    if path.exists():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.rename(aside, path)


def remove_abandoned(path: Path | str) -> None:
    """Remove what killed writes to ``path`` left beside it; what is being written stays (on Windows it may not)."""
    path = Path(os.path.realpath(path))
    if not path.parent.is_dir():
        return
    leftover = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{12}}\.tmp")
    for entry in path.parent.iterdir():
        if not leftover.fullmatch(entry.name):
            continue
        if entry.is_symlink():
            entry.unlink(missing_ok=True)
        elif entry.is_dir():
            with suppress(BlockingIOError), _in_use(entry):
                shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def link_or_copy(source: Path | str, target: Path | str) -> None:
    """Make ``target`` a hard link to a file that nobody changes, or a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _to_json(value: Any, indent: int | None) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)


def _hidden_sibling(path: Path) -> Path:
    return path.parent / f".{path.name}.{secrets.token_hex(6)}.tmp"


def _aside(path: Path) -> Path:
    return path.parent / f".{path.name}.old"


def _put_in_place(new: Path, path: Path) -> None:
    if not path.exists():
        os.rename(new, path)
    elif _exchange(new, path):
        shutil.rmtree(new, ignore_errors=True)
    else:
        aside = _aside(path)
        os.rename(path, aside)
        try:
            os.rename(new, path)
        except BaseException:
            os.rename(aside, path)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    _sync(path.parent)


def _exchange(first: Path, second: Path) -> bool:
    """Let two paths change places in one step; False where that is not possible."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if renameat2 is None:
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return bool(done == 0)


@contextmanager
def _in_use(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which the system drops with the process.

    Raises:
        BlockingIOError: another process holds it.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            _sync(Path(parent) / name)
        _sync(Path(parent))


def _sync(path: Path) -> None:
    """Flush a file or a folder's entries to the disk.

    Raises:
        OSError: the system could not write what it had taken (a full disk, a broken one).
    """
    try:
        descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        if path.is_dir():
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EBADF}:  # a file system that cannot sync folders
            raise
    finally:
        os.close(descriptor)
