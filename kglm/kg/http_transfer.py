"""One file on its way from a web server to the disk, resumed where it stopped (RFC 9110, ``Range``, ``If-Range``)."""

from __future__ import annotations

import errno
import http.client
import os
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kglm import __version__
from kglm.errors import DataError
from kglm.files import atomic_write_json
from kglm.kg.checksum import Checksum, read_memo

CHUNK = 1 << 18
TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})

Progress = Callable[[int, int | None], None]


class TransientError(Exception):
    """Something that may be well the next time; ``wait_s`` is how long the server asks to wait, if it does."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class HttpTransfer:
    """A download that grows as ``NAME.part`` beside its destination.

    ``NAME.part.json`` tells which version of which URL the part is a part of: ``url``, ``etag``, ``last_modified``
    and ``total``, the size of the whole in bytes or null.
    """

    def __init__(self, url: str, path: Path, checksum: Checksum, progress: Progress | None, timeout_s: float) -> None:
        self.url = url
        self.part = path.with_name(path.name + ".part")
        self.state = path.with_name(path.name + ".part.json")
        self.checksum = checksum
        self.progress = progress or (lambda done, total: None)
        self.timeout_s = timeout_s
        self._opener = urllib.request.build_opener(_NoDowngrade)

    @property
    def done(self) -> int:
        """Bytes that have come."""
        return self.part.stat().st_size if self.part.exists() else 0

    def run(self) -> dict[str, Any]:
        """Fetch what is missing, so that the part is whole and as the checksum says; return its state.

        Raises:
            TransientError: it may succeed when called again.
            DataError: it will not.
        """
        state = self._resumable()
        start = self.done
        if start == 0 or start != state.get("total"):
            state = self._fetch(start, state)
        problem = self.checksum.problem(self.part)
        if problem:
            self.discard()
            if start > 0:
                raise TransientError(f"the parts do not fit together ({problem}); the download begins anew", 0.0)
            raise DataError(f"'{self.url}' is not the expected file: {problem}")
        return state

    def discard(self) -> None:
        """Throw the part away."""
        self.part.unlink(missing_ok=True)
        self.state.unlink(missing_ok=True)

    def _resumable(self) -> dict[str, Any]:
        """Return what the part is a part of; without that, or of another URL, the part is thrown away."""
        state = read_memo(self.state)
        known = state.get("etag") or state.get("last_modified") or self.checksum.sha256
        if self.part.exists() and state.get("url") == self.url and known:
            return state
        self.discard()
        return {}

    def _fetch(self, start: int, state: dict[str, Any]) -> dict[str, Any]:
        """Append to the part what comes after ``start``, or begin anew where the server has it so."""
        with self._answer(start, state) as answer:
            partial = answer.status == 206
            total = self._total_of_range(answer, start, state) if partial else _content_length(answer)
            start = start if partial else 0
            self._check_size(total)
            self._check_complete(answer, total)
            self._check_space(start, total)
            state = {
                "url": self.url,
                "etag": answer.headers.get("ETag"),
                "last_modified": answer.headers.get("Last-Modified"),
                "total": total,
            }
            if start == 0:
                # The old part goes before the new state comes: a kill between the two must not join them.
                self.discard()
                atomic_write_json(self.state, state)
            self._write(answer, start, total)
        return state

    def _answer(self, start: int, state: dict[str, Any]) -> Any:
        """Ask the server for the file from ``start`` on."""
        headers = {"User-Agent": f"kglm/{__version__}", "Accept-Encoding": "identity"}
        if start > 0:
            headers["Range"] = f"bytes={start}-"
            etag = state.get("etag") or ""
            # A weak ETag may not stand in If-Range (RFC 9110, 13.1.5).
            validator = etag if etag and not etag.startswith("W/") else state.get("last_modified")
            if validator:
                headers["If-Range"] = validator
        try:
            return self._opener.open(urllib.request.Request(self.url, headers=headers), timeout=self.timeout_s)
        except urllib.error.HTTPError as error:
            raise self._refused(error, start) from error
        except (OSError, http.client.HTTPException) as error:
            inner = error.reason if isinstance(error, urllib.error.URLError) else error
            if isinstance(inner, ssl.SSLCertVerificationError | http.client.InvalidURL):
                raise DataError(f"cannot download '{self.url}': {inner}") from error
            raise TransientError(f"no answer ({_name(inner)})") from error

    def _refused(self, error: urllib.error.HTTPError, start: int) -> Exception:
        with error:
            if error.code == 416 and start > 0:
                self.discard()
                return TransientError("the server has no such part; the download begins anew", 0.0)
            if error.code in TRANSIENT_STATUS:
                return TransientError(f"HTTP {error.code} {error.reason}", _retry_after(error.headers))
            return DataError(f"cannot download '{self.url}': HTTP {error.code} {error.reason}")

    def _total_of_range(self, answer: Any, start: int, state: dict[str, Any]) -> int:
        """Return the size of the whole file of which a 206 answer sends the rest from ``start`` on."""
        stated = answer.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", stated.strip())
        etags = {state.get("etag"), answer.headers.get("ETag")} - {None}
        total = state.get("total")
        if match and int(match[1]) == start and total in {None, int(match[2])} and len(etags) <= 1:
            return int(match[2])
        self.discard()
        raise TransientError(
            f"asked for the bytes from {start:,} of {total} on, the server sent '{stated}' of the version "
            f"{answer.headers.get('ETag')}; the download begins anew",
            0.0,
        )

    def _check_size(self, total: int | None) -> None:
        if total is not None and self.checksum.size is not None and total != self.checksum.size:
            self.discard()
            raise DataError(
                f"'{self.url}' is not the expected file: it has {total:,} bytes, expected {self.checksum.size:,}"
            )

    def _check_complete(self, answer: Any, total: int | None) -> None:
        """Check that it will be possible to say whether all has come."""
        if total is None and not answer.chunked and self.checksum == Checksum():
            raise DataError(
                f"cannot download '{self.url}': the server tells no length, so that nobody can say when the file is "
                "whole; give its size or checksum"
            )

    def _check_space(self, start: int, total: int | None) -> None:
        free = shutil.disk_usage(self.part.parent).free
        if total is not None and total - start > free:
            raise DataError(
                f"cannot download '{self.url}': {total - start:,} bytes are to come, but only {free:,} are free in "
                f"'{self.part.parent}'"
            )

    def _write(self, answer: Any, start: int, total: int | None) -> None:
        limit = self.checksum.size if total is None else total
        done = start
        with self._disk_errors():
            self.part.touch()
            with self.part.open("r+b") as handle:
                handle.truncate(start)
                handle.seek(start)
                for chunk in _chunks(answer):
                    done += len(chunk)
                    if limit is not None and done > limit:
                        break
                    handle.write(chunk)
                    self.progress(done, total)
                handle.flush()
                os.fsync(handle.fileno())
        if limit is not None and done > limit:
            self.discard()
            raise TransientError(f"the server sent more than the {limit:,} bytes expected")
        if limit is not None and done < limit:
            raise TransientError(f"the connection ended after {done:,} of {limit:,} bytes")

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise DataError(
                f"cannot download '{self.url}': the disk of '{self.part}' is full; what has come is kept, make room "
                "and try again"
            ) from error


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from https to something else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in {urlsplit(req.full_url).scheme, "https"}:
            raise DataError(f"'{req.full_url}' redirects to '{newurl}', which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _chunks(answer: Any) -> Iterator[bytes]:
    """Yield the body of an answer as it comes."""
    while True:
        try:
            chunk = answer.read1(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(f"the connection failed ({_name(error)})") from error
        if not chunk:
            return
        yield chunk


def _content_length(answer: Any) -> int | None:
    stated = answer.headers.get("Content-Length", "").strip()
    return int(stated) if stated.isdecimal() else None


def _retry_after(headers: Any) -> float | None:
    """Return the seconds that a server asks to wait, or None."""
    stated = (headers.get("Retry-After") or "").strip()
    if stated.isdecimal():
        return float(stated)
    try:
        return max(0.0, parsedate_to_datetime(stated).timestamp() - time.time())
    except ValueError:
        return None


def _name(error: BaseException | str) -> str:
    return str(error) or type(error).__name__
