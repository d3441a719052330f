"""The table at the end of a Hydra multirun: mean and deviation over seeds."""

from __future__ import annotations

import json
import shutil
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from kglm.files import atomic_write_json

Results = Sequence[tuple[str, int, Mapping[str, float]]]


class MultirunTable(Callback):
    """Collects what each job of a multirun returns, prints one row an experiment, and keeps it as JSON.

    A launcher may run the jobs in other processes, or on other machines with the sweep's folder in common: each
    leaves its result there, as a file of its own.
    """

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Keep the metrics of a finished job."""
        if config.hydra.mode != RunMode.MULTIRUN or job_return.status != JobStatus.COMPLETED:
            return
        if isinstance(job_return.return_value, dict):
            result = {
                "name": config.name,
                "seed": config.seed,
                "metrics": job_return.return_value,
                "overrides": list(job_return.overrides or ()),
            }
            atomic_write_json(_results_folder(config) / f"{int(config.hydra.job.num):06}.json", result)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print the table."""
        folder = _results_folder(config)
        jobs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
        if not jobs:
            return
        names = row_names([job["name"] for job in jobs], [job["overrides"] for job in jobs])
        rows = summarize([(name, job["seed"], job["metrics"]) for name, job in zip(names, jobs, strict=True)])
        Console(width=120).print(draw(rows))
        atomic_write_json(Path(config.hydra.sweep.dir) / "summary.json", rows)
        shutil.rmtree(folder)


def _results_folder(config: DictConfig) -> Path:
    return Path(config.hydra.sweep.dir) / ".results"


def row_names(experiments: Sequence[str], overrides: Sequence[Sequence[str]]) -> list[str]:
    """Return what the jobs are called: the experiment, and the settings in which it differs from other jobs.

    Runs of equal name are seeds of one experiment; so seeds, and what all jobs share, are no part of it.
    """
    shared = set(overrides[0]).intersection(*overrides)
    names = []
    for experiment, own in zip(experiments, overrides, strict=True):
        varied = [item for item in own if item not in shared and not item.startswith(("seed=", "experiment="))]
        names.append(" ".join([experiment, *varied]))
    return names


def summarize(results: Results) -> list[dict[str, Any]]:
    """Return for each experiment its seeds, and mean and sample deviation of each metric (None for one seed)."""
    grouped: defaultdict[str, list[tuple[int, Mapping[str, float]]]] = defaultdict(list)
    for name, seed, metrics in results:
        grouped[name].append((seed, metrics))
    rows = []
    for name, runs in grouped.items():
        row: dict[str, Any] = {"experiment": name, "seeds": [seed for seed, _ in runs], "metrics": {}}
        for metric in runs[0][1]:
            values = [metrics[metric] for _, metrics in runs]
            deviation = statistics.stdev(values) if len(values) > 1 else None
            row["metrics"][metric] = {"mean": statistics.fmean(values), "deviation": deviation}
        rows.append(row)
    return rows


def draw(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the rows as a table; accuracies in per cent."""
    names = list(rows[0]["metrics"])
    table = Table("experiment", "seeds", *names, title="mean ± deviation over seeds")
    for row in rows:
        cells = [_cell(row["metrics"][name]) for name in names]
        table.add_row(row["experiment"], ", ".join(map(str, row["seeds"])), *cells)
    return table


def _cell(value: Mapping[str, float | None]) -> str:
    mean, deviation = value["mean"], value["deviation"]
    return f"{100 * (mean or 0):.1f}" + ("" if deviation is None else f" ± {100 * deviation:.1f}")
