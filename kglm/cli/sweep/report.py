"""What came of a search: a table, and the same as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from kglm.files import atomic_write_json

if TYPE_CHECKING:
    from kglm.cli.sweep.study import Sweep

RESULTS = "sweep.json"


def summary(sweep: Sweep) -> dict[str, Any]:
    """Return all trials, and the best: its value, its overrides, and the command that trains with them.

    Of equal ones the first is the best; None if none is finished.
    """
    trials = sweep.rows()
    sign = 1 if sweep.settings.direction == "maximize" else -1
    finished = [trial for trial in trials if trial["state"] == "complete"]
    best = max(finished, key=lambda trial: sign * trial["value"], default=None)
    if best is not None:
        command = shlex.join(["kglm", "train", *sweep.base, *best["overrides"]])
        best = {**{key: best[key] for key in ("number", "value", "overrides", "run_dir")}, "command": command}
    return {"metric": sweep.settings.metric, "direction": sweep.settings.direction, "best": best, "trials": trials}


def write_summary(sweep: Sweep) -> None:
    """Write :func:`summary` into the sweep's folder."""
    atomic_write_json(sweep.folder / RESULTS, summary(sweep))


def draw(found: Mapping[str, Any]) -> None:
    """Print the trials, best first, those without a result last."""
    keys = [item.partition("=")[0] for item in found["trials"][0]["overrides"]]
    table = Table("trial", found["metric"], *keys, "seconds")
    sign = -1 if found["direction"] == "maximize" else 1
    for trial in sorted(found["trials"], key=lambda t: (t["value"] is None, sign * (t["value"] or 0), t["number"])):
        value = trial["state"] if trial["value"] is None else f"{trial['value']:.4f}"
        cells = [_short(item.partition("=")[2]) for item in trial["overrides"]]
        seconds = "" if trial["seconds"] is None else f"{trial['seconds']:.0f}"
        table.add_row(str(trial["number"]), value, *cells, seconds)
    Console(width=120).print(table)


def _short(value: str) -> str:
    """Return a value that was drawn with four digits; others as they are."""
    try:
        return value if value.lstrip("-").isdigit() else f"{float(value):.4g}"
    except ValueError:
        return value
