"""Where the numbers of a run go as they come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Protocol

from kglm.files import atomic_write_text


class Tracker(Protocol):
    """Receives metrics of one run, in the main process only."""

    def start(self, config: Mapping[str, Any], first_step: int) -> None:
        """Begin, or go on with, a run that has taken ``first_step`` steps; later entries are of a lost future."""
        ...

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Record metrics after ``step`` steps; names are such as "train/loss" and "dev/accuracy"."""
        ...

    def close(self) -> None:
        """Flush and release; called also when the run fails."""
        ...


class JsonlTracker:
    """Writes a JSON line ``{"step": ..., "train/loss": ...}`` for each entry, flushed at once."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._handle: IO[str] | None = None

    def start(self, config: Mapping[str, Any], first_step: int) -> None:
        """Keep the lines up to ``first_step``; a kill may have cut off the last one."""
        kept = [line for line in self._lines() if (step := _step_of(line)) is not None and step <= first_step]
        atomic_write_text(self.path, "".join(kept) if first_step else "")
        self._handle = self.path.open("a", encoding="utf-8")

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Append a line."""
        if self._handle is not None:
            self._handle.write(json.dumps({"step": step, **metrics}) + "\n")
            self._handle.flush()

    def close(self) -> None:
        """Close the file."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def _lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines(keepends=True) if self.path.exists() else []


class TensorBoardTracker:
    """Writes event files for TensorBoard."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._writer: Any = None

    def start(self, config: Mapping[str, Any], first_step: int) -> None:
        """Open an event file, tell TensorBoard to hide what lies beyond ``first_step``, and note the config."""
        from torch.utils.tensorboard import SummaryWriter  # slow to import, and only needed here

        self._writer = SummaryWriter(str(self.folder), purge_step=first_step + 1 if first_step else None)
        self._writer.add_text("config", f"```\n{json.dumps(dict(config), indent=2)}\n```", first_step)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Add a scalar for each metric."""
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush and close the event file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _step_of(line: str) -> int | None:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return None
