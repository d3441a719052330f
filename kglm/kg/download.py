"""Downloads that resume, that are verified, and that never leave a wrong file in place.

Standard library only: of the libraries at hand, pooch verifies but does not resume, and requests and httpx leave
both to the caller.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kglm.errors import DataError
from kglm.files import atomic_write_json
from kglm.kg.checksum import UNKNOWN, Checksum, lock_path, read_memo, sha256_of, stamp_of
from kglm.kg.http_transfer import HttpTransfer, Progress, TransientError

try:
    import fcntl
except ImportError:  # Windows: two processes must not download the same file at once there.
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0
ATTEMPTS = 6
MAX_WAIT_S = 60.0


def download(
    url: str,
    path: Path | str,
    checksum: Checksum = UNKNOWN,
    *,
    progress: Progress | None = None,
    attempts: int = ATTEMPTS,
    timeout_s: float = TIMEOUT_S,
    backoff_s: float = 1.0,
) -> Path:
    """Download ``url`` to ``path``, unless the right file lies there already.

    An interrupted download goes on where it stopped, in this call or a later one, as long as the server has the same
    version (strong ETag, else Last-Modified, else the checksum tells). After ``attempts`` failures in a row, none of
    which brought it further than it had been, it gives up; what has come stays for the next call.

    ``NAME.lock.json`` beside the file records what was retrieved: ``url``, ``sha256``, ``bytes``, ``etag``,
    ``last_modified``, and a stamp by which the file is known again without being read. Where the checksum is not
    known, the first download is trusted, and a later one must have the content recorded there. Of two processes that
    download to the same place, one waits for the other.

    Args:
        url: ``http`` or ``https``; redirects are followed, but not from https to http.
        path: where the file shall be.
        checksum: what it must be.
        progress: called with the bytes that have come and the total (None where the server does not tell it).
        attempts: how many failures in a row are borne.
        timeout_s: seconds without a byte after which the connection counts as failed.
        backoff_s: seconds before the second attempt; doubled each time, up to a minute. A server's ``Retry-After``
            is heeded, up to a minute too.

    Raises:
        DataError: the server refuses, cannot be reached, or sends another file than expected; or the disk is full.
            ``path`` is what it was.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise DataError(f"cannot download '{url}': expected a URL of http or https")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        lock = _Lock(url, path)
        expected = checksum if checksum.sha256 else lock.recorded(checksum)
        if not lock.knows(expected):
            transfer = HttpTransfer(url, path, expected, progress, timeout_s)
            try:
                state = _retry(transfer, attempts, backoff_s)
            except DataError as error:
                if expected == checksum:
                    raise
                raise DataError(
                    f"{error}. This is what the first download gave, recorded in '{lock.path}'; delete that file to "
                    "trust what the server sends now"
                ) from error
            os.replace(transfer.part, path)
            transfer.state.unlink(missing_ok=True)
            lock.record(expected, state)
    return path


def _retry(transfer: HttpTransfer, attempts: int, backoff_s: float) -> dict[str, Any]:
    """Run a transfer until it succeeds, fails for good, or has failed ``attempts`` times without going further."""
    failures, furthest = 0, transfer.done
    while True:
        try:
            return transfer.run()
        except TransientError as error:
            done = transfer.done
            failures = 1 if done > furthest else failures + 1
            furthest = max(furthest, done)
            if failures >= attempts:
                kept = f"; the {done:,} bytes that have come are kept for the next time" if done else ""
                raise DataError(
                    f"cannot download '{transfer.url}': {error} ({failures} attempts in a row){kept}"
                ) from error
            wait = min(backoff_s * 2 ** (failures - 1) if error.wait_s is None else error.wait_s, MAX_WAIT_S)
            logger.warning("download of '%s': %s; next attempt in %.0f s", transfer.url, error, wait)
            time.sleep(wait)


class _Lock:
    """The record beside a downloaded file."""

    def __init__(self, url: str, path: Path) -> None:
        self.url = url
        self.file = path
        self.path = lock_path(path)
        self.memo = read_memo(self.path)

    def recorded(self, checksum: Checksum) -> Checksum:
        """Return the checksum of the first download of this URL, or the one given where there is no record."""
        if self.memo.get("url") != self.url:
            return checksum
        try:
            return Checksum(sha256=self.memo["sha256"], size=checksum.size or self.memo["bytes"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the record '{self.path}' of an earlier download is damaged ({error}); delete it to trust what the "
                "server sends now"
            ) from error

    def knows(self, expected: Checksum) -> bool:
        """Say whether the right file is in place; a wrong one will be replaced."""
        if expected.sha256 is None or not self.file.is_file():
            return False
        if self.memo.get("sha256") == expected.sha256 and self.memo.get("stamp") == stamp_of(self.file):
            return True
        if problem := expected.problem(self.file):
            logger.warning("'%s' is downloaded anew: %s", self.file, problem)
            return False
        self.record(expected, self.memo if self.memo.get("url") == self.url else {})
        return True

    def record(self, expected: Checksum, state: dict[str, Any]) -> None:
        """Write down what the file in place is."""
        sha256 = expected.sha256 or sha256_of(self.file)
        if expected.sha256 is None:
            logger.warning(
                "no checksum of '%s' is known; trusted SHA-256 %s, recorded in '%s'", self.url, sha256, self.path
            )
        row = {
            "url": self.url,
            "sha256": sha256,
            "bytes": self.file.stat().st_size,
            "etag": state.get("etag"),
            "last_modified": state.get("last_modified"),
            "stamp": stamp_of(self.file),
        }
        atomic_write_json(self.path, row)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time download to a place; the system lets go of it when that ends."""
    if fcntl is None:
        yield
        return
    with path.with_name(f".{path.name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info("waiting for another process that downloads '%s'", path)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
