"""Compiling a graph while a person waits: what is being done is told on standard error."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kglm.kg import GraphRecipe, KnowledgeGraph, build_graph
from kglm.kg.tally import Tally

if TYPE_CHECKING:
    from kglm.kg.records import Record

REFRESH_SECONDS = 0.2


@dataclass(frozen=True)
class Built:
    """A graph just compiled, what became of the lines of its source, and how long it took."""

    graph: KnowledgeGraph
    tally: Tally
    seconds: float


def build(recipe: GraphRecipe, folder: Path) -> Built:
    """Compile a graph into a folder.

    Raises:
        ConfigError: an option is not allowed.
        DataError: the source is missing, malformed beyond the limit, or holds no triple.
    """
    started = time.perf_counter()
    tally = Tally(limit=recipe.max_rejected)
    with _progress(tally) as progress:
        graph = build_graph(
            progress.through(recipe.records(tally)),
            folder,
            name=recipe.name,
            provenance={"recipe": asdict(recipe)},
            tally=tally,
            merge_weights=recipe.merge_weights,
        )
    return Built(graph, tally, time.perf_counter() - started)


class _Progress:
    """What is being done, in a few words."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._read = False
        self._started = time.monotonic()

    def through(self, records: Iterator[Record]) -> Iterator[Record]:
        """Pass records on, and notice the last."""
        yield from records
        self._read = True

    def text(self) -> str:
        """Return the line that is shown now."""
        tally, seconds = self._tally, time.monotonic() - self._started
        rejected = f", {tally.rejected:,} rejected" if tally.rejected else ""
        doing = "writing" if self._read else "reading"
        return f"{doing}: {tally.lines:,} {tally.unit}s{rejected}, {seconds:.0f} s"


@contextmanager
def _progress(tally: Tally) -> Iterator[_Progress]:
    """Show progress in a line that is rewritten, where standard error is a terminal; nothing elsewhere."""
    progress = _Progress(tally)
    if not sys.stderr.isatty():
        yield progress
        return
    from rich.console import Console

    done = threading.Event()
    with Console(stderr=True).status(progress.text()) as status:

        def refresh() -> None:
            while not done.wait(REFRESH_SECONDS):
                status.update(progress.text())

        thread = threading.Thread(target=refresh, daemon=True)
        thread.start()
        try:
            yield progress
        finally:
            done.set()
            thread.join()
