"""Sorting more lines than fit in memory: sorted runs on disk, merged."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO

RUN_LINES = 500_000


def sorted_lines(lines: Iterable[str], folder: Path, run_lines: int = RUN_LINES) -> Iterator[bytes]:
    """Yield lines in UTF-8 with their ends, sorted by their bytes, as ``LC_ALL=C sort`` does.

    Args:
        lines: without line ends and without line breaks inside.
        folder: where the runs are kept meanwhile; they have no names there and vanish with the process.
        run_lines: how many lines are held in memory.
    """
    iterator = iter(lines)
    with ExitStack() as stack:
        runs: list[IO[bytes]] = []
        while run := sorted(f"{line}\n".encode() for line in islice(iterator, run_lines)):
            if len(run) < run_lines and not runs:
                yield from run
                return
            file = stack.enter_context(tempfile.TemporaryFile(dir=folder, buffering=1 << 20))
            file.writelines(run)
            file.seek(0)
            runs.append(file)
        yield from heapq.merge(*runs)
