"""Lines of a source that cannot be used: counted, the first ones kept, and a limit on how many."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kglm.errors import DataError

EXAMPLES_KEPT = 10


@dataclass
class Rejects:
    """Counts malformed lines, and stops the reading when there are more than ``limit``.

    A reader moves :attr:`path` and :attr:`line` along, so that whoever rejects a record downstream can say
    where it came from.
    """

    limit: int = 100
    path: Path = Path()
    line: int = 0
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def reject(self, reason: str) -> None:
        """Count the current line as rejected for ``reason``.

        Raises:
            DataError: more than ``limit`` lines have been rejected.
        """
        self.count += 1
        message = f"{self.path}:{self.line}: {reason}"
        if len(self.examples) < EXAMPLES_KEPT:
            self.examples.append(message)
        if self.count > self.limit:
            shown = "\n  ".join(self.examples)
            raise DataError(
                f"{self.count} lines of '{self.path}' cannot be used, more than the limit of {self.limit}; "
                f"the first ones:\n  {shown}"
            )

    def summary(self) -> str:
        """Return one line for the log, or an empty string when nothing was rejected."""
        if not self.count:
            return ""
        return f"{self.count} line(s) of '{self.path}' skipped, the first: {self.examples[0]}"
