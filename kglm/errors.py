"""Typed exceptions.

Every error a user can cause is a :class:`KglmError`; the command line prints it as one paragraph, without a
traceback. A message says what was wrong, where (file, line, value) and what would be right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MAX_NAMES_LISTED = 8


class KglmError(Exception):
    """Base of all errors that a user can cause and mend."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Made of its message, not by __init__, whose parameters are gone: an error may come from another process.
        return _sent, (type(self), self.args, self.__dict__)


def _sent(cls: type[KglmError], args: tuple[Any, ...], fields: dict[str, Any]) -> KglmError:
    """Return the error that another process has sent."""
    error = cls.__new__(cls, *args)
    error.__dict__.update(fields)
    return error


class ConfigError(KglmError):
    """A configuration field has a value that is not allowed."""


class DataError(KglmError):
    """A file is missing, malformed, or holds what it should not."""

    @classmethod
    def at(cls, path: Path | str, line: int, message: str) -> DataError:
        """Return the error with its place: ``path:line: message``."""
        return cls(f"{path}:{line}: {message}")


class GraphError(KglmError):
    """A compiled graph is missing, damaged, or of another version."""


class UnknownNameError(KglmError):
    """A name is not in a vocabulary; the message proposes the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, count: int | None = None) -> None:
        known = list(known)
        count = len(known) if count is None else count
        listed = f": {', '.join(known)}" if len(known) == count <= MAX_NAMES_LISTED else ""
        super().__init__(f"unknown {kind} '{name}'{did_you_mean(name, known)} ({count} known{listed})")
        self.name = name


class FingerprintMismatchError(KglmError):
    """An artefact was made on another graph than the one it is used with."""

    def __init__(self, artefact: str, expected: str, found: str, remedy: str) -> None:
        super().__init__(
            f"{artefact} was made on the graph with fingerprint {expected[:12]}, "
            f"but the graph given has {found[:12]}. {remedy}"
        )


class RetrievalIndexError(KglmError):
    """A retrieval index is missing, damaged, or of another version."""


class EncoderMismatchError(KglmError):
    """An artefact was made with another encoder than the one it is used with."""

    def __init__(self, artefact: str, expected: str, found: str, remedy: str) -> None:
        super().__init__(f"{artefact} was made with {expected}, but {found} is given. {remedy}")


class MissingExtraError(KglmError):
    """A library is needed that comes with an optional extra of kglm."""

    def __init__(self, library: str, purpose: str, extra: str) -> None:
        remedy = f"install it with pip install 'kglm[{extra}]'"
        super().__init__(f"{purpose} needs {library}, which is not installed; {remedy}")


class BadQuestionError(KglmError):
    """A question or its choices cannot be answered as given."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'a' or 'b'?"`` with the names nearest to ``name``, or an empty string."""
    folded = {candidate.lower(): candidate for candidate in known}
    near = [folded[match] for match in difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.6)]
    if not near:
        return ""
    return "; did you mean " + " or ".join(f"'{match}'" for match in near) + "?"


def require_file(path: Path | str, what: str) -> Path:
    """Return ``path`` if it is a readable file.

    Raises:
        DataError: it does not exist or is a folder; names the nearest file beside it.
    """
    path = Path(path)
    if path.is_file():
        return path
    if path.is_dir():
        raise DataError(f"{what} '{path}' is a folder, not a file")
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    raise DataError(f"{what} '{path}' does not exist{did_you_mean(path.name, siblings)}")


def require_file_place(path: Path | str, what: str) -> Path:
    """Return ``path`` if a file can stand there; asked before long work whose result it shall hold.

    Raises:
        DataError: it is a folder, or one of its parents is a file.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{what} '{path}' is a folder; expected the name of a file")
    blocking = next((parent for parent in path.parents if parent.exists() and not parent.is_dir()), None)
    if blocking is not None:
        raise DataError(f"{what} '{path}' cannot be written: '{blocking}' is a file, not a folder")
    return path
