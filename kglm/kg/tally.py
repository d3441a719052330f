"""What became of every line of a source: accepted, skipped for a reason, or rejected; none is lost silently."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from kglm.errors import DataError

REJECTED_FILE = "rejected.jsonl"
EXAMPLES_KEPT = 10
TEXT_KEPT = 500


@dataclass
class Tally:
    """Counts what a reader does with its source, and stops the reading when more than ``limit`` lines are bad.

    The unit is a line, or whatever :attr:`unit` says (a row, an RDF triple), and gives at most one triple.
    A reader moves :attr:`path`, :attr:`line` and :attr:`text` along (``read_lines`` does so, and calls
    :meth:`read`), and passes one verdict on each unit: :meth:`accept`, :meth:`skip` or :meth:`reject`, each
    before the records of that unit are yielded. Whoever takes a record later changes the verdict with
    :meth:`drop` or :meth:`refuse`. So at the end ``lines = accepted + skipped + rejected``
    (:meth:`require_settled`).

    Attributes:
        limit: how many rejections are borne; with 0 the first one is raised as it is.
        path: the file being read.
        line: 1-based number of the current unit in that file.
        text: the current unit as it stands in the file, shown beside a rejection.
        unit: what is counted, in the singular.
        lines: units read so far, over all files.
        accepted: units that gave a record.
        skipped: units that are well-formed but not wanted, by reason.
        rejected: units that cannot be used.
        examples: the first rejections as ``path:line: reason``.
    """

    limit: int = 100
    path: Path = Path()
    line: int = 0
    text: str = ""
    unit: str = "line"
    lines: int = 0
    accepted: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    examples: list[str] = field(default_factory=list)
    _side_path: Path | None = field(default=None, repr=False)
    _side: IO[str] | None = field(default=None, repr=False)

    def start(self, path: Path, unit: str = "line") -> None:
        """Begin with a file; its counts add to those of the files before."""
        self.path, self.unit, self.line, self.text = path, unit, 0, ""

    def read(self, count: int = 1) -> None:
        """Count units as read."""
        self.lines += count

    def accept(self, count: int = 1) -> None:
        """Count units that give a record."""
        self.accepted += count

    def skip(self, reason: str, count: int = 1) -> None:
        """Count units that are well-formed but not wanted (a header, a blank line, another language)."""
        if count:
            self.skipped[reason] += count

    def reject(self, reason: str, line: int | None = None, text: str | None = None) -> None:
        """Count one unit that cannot be used, and write it to the side file where one is open.

        Args:
            reason: what is wrong with it and what would be right.
            line: its number; the current one by default.
            text: how it stands in the file; the current text by default.

        Raises:
            DataError: more than ``limit`` units have been rejected; shows the first ones.
        """
        line = self.line if line is None else line
        self.rejected += 1
        if len(self.examples) < EXAMPLES_KEPT:
            self.examples.append(f"{self.path}:{line}: {reason}")
        self._write_aside(reason, line, self.text if text is None else text)
        if self.rejected <= self.limit:
            return
        if self.limit == 0:
            raise DataError(self.examples[0])
        shown = "\n  ".join(self.examples)
        raise DataError(
            f"{self.rejected} {self.unit}s of '{self.path}' cannot be used, more than the limit of {self.limit}; "
            f"the first ones:\n  {shown}"
        )

    def drop(self, reason: str, count: int = 1) -> None:
        """Count units as skipped after all that the reader had accepted."""
        self.accepted -= count
        self.skip(reason, count)

    def refuse(self, reason: str, line: int | None = None, text: str | None = None) -> None:
        """Count a unit as rejected after all that the reader had accepted; arguments as for :meth:`reject`.

        Raises:
            DataError: more than ``limit`` units have been rejected.
        """
        self.accepted -= 1
        self.reject(reason, line, text)

    def require_settled(self) -> None:
        """Check at the end of a source that a verdict was passed on each unit read.

        Raises:
            RuntimeError: the reader has lost some, or counted some twice: a defect of the reader, not of the data.
        """
        verdicts = self.accepted + self.skipped.total() + self.rejected
        if verdicts != self.lines:
            raise RuntimeError(f"{self.lines} {self.unit}s of '{self.path}' read, but {verdicts} accounted for")

    @contextmanager
    def side_file(self, path: Path | str) -> Iterator[None]:
        """Write each unit rejected in the block to ``path``, one JSON object a line.

        The keys are ``path``, ``line``, ``reason`` and ``text`` (its first 500 characters). Without rejections no
        file is made.
        """
        self._side_path = Path(path)
        try:
            yield
        finally:
            self._side_path = None
            if self._side is not None:
                self._side.close()
                self._side = None

    def counts(self) -> dict[str, Any]:
        """Return the counts for a manifest, as JSON values."""
        return {
            "unit": self.unit,
            "lines": self.lines,
            "accepted": self.accepted,
            "skipped": dict(sorted(self.skipped.items())),
            "rejected": self.rejected,
        }

    def summary(self) -> str:
        """Return one line for the log, or an empty string when nothing was rejected."""
        if not self.rejected:
            return ""
        return f"{self.rejected} of {self.lines} {self.unit}(s) rejected, the first: {self.examples[0]}"

    def _write_aside(self, reason: str, line: int, text: str) -> None:
        if self._side_path is None:
            return
        if self._side is None:
            self._side = self._side_path.open("w", encoding="utf-8", newline="\n")
        row = {"path": str(self.path), "line": line, "reason": reason, "text": text[:TEXT_KEPT]}
        # ASCII, as a rejected text or a file's name may hold what UTF-8 cannot write.
        self._side.write(json.dumps(row) + "\n")
