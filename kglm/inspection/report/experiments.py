"""Experiments: runs that differ in nothing but their seed.

Dimensions: S seeds, N questions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kglm.errors import DataError
from kglm.inspection.report.run_settings import Settings, meaning_of, settings_of
from kglm.inspection.report.runs import Run


@dataclass(frozen=True)
class Experiment:
    """Runs that differ in nothing but their seed.

    Attributes:
        name: of the experiment, with a few settings that tell it from others of that name; what is off is not named.
        runs: S of them, by seed.
    """

    name: str
    runs: tuple[Run, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, ascending."""
        return tuple(run.seed for run in self.runs)

    def correctness(self, split: str, ids: Sequence[str]) -> np.ndarray:
        """Return ``bool [S, N]``: which of the questions ``ids`` each seed answers rightly.

        Raises:
            DataError: a run has no prediction for one of them.
        """
        rows = []
        for run in self.runs:
            known = {row.id: row.correct for row in run.predictions(split)}
            missing = next((name for name in ids if name not in known), None)
            if missing is not None:
                raise DataError(f"run '{run.folder}' has no prediction for question '{missing}' of split '{split}'")
            rows.append([known[name] for name in ids])
        return np.asarray(rows, dtype=bool)


def group_runs(runs: Iterable[Run]) -> list[Experiment]:
    """Return the experiments of some runs, in the order in which their first runs come.

    Raises:
        DataError: two runs are the same experiment with the same seed; a run that others start from is damaged.
    """
    named: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        named[run.name].append(run)
    return [experiment for name, peers in named.items() for experiment in _group(name, peers)]


def _group(name: str, peers: Sequence[Run]) -> list[Experiment]:
    """Return the experiments of one name, each called by the settings that tell it from the others."""
    settings = [settings_of(run.config) for run in peers]
    fields = _differing(settings)
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, one in enumerate(settings):
        groups[tuple(meaning_of(one.get(field)) for field in fields)].append(index)
    told = _telling(fields, list(groups))
    experiments = []
    for members in groups.values():
        first = settings[members[0]]
        called = " ".join([name, *(f"{field}={first[field]}" for field in told if field in first)])
        experiments.append(Experiment(called, _by_seed([peers[index] for index in members])))
    return experiments


def _telling(fields: Sequence[str], groups: Sequence[tuple[str, ...]]) -> list[str]:
    """Return a few fields whose values differ between any two groups: the most telling first, then the shortest."""
    columns = dict(zip(fields, zip(*groups, strict=True), strict=True))
    told: list[str] = []
    while (found := _kinds(columns, told)) < len(groups):
        gains = {field: _kinds(columns, [*told, field]) - found for field in fields}
        told.append(min(fields, key=lambda field: (-gains[field], len(field), field)))
    return sorted(told)


def _kinds(columns: Mapping[str, Sequence[str]], fields: Sequence[str]) -> int:
    """Return how many groups ``fields`` tell apart."""
    return len(set(zip(*(columns[field] for field in fields), strict=True))) if fields else 1


def _differing(settings: Sequence[Settings]) -> list[str]:
    fields = sorted({field for one in settings for field in one})
    return [field for field in fields if len({repr(one.get(field)) for one in settings}) > 1]


def _by_seed(runs: Sequence[Run]) -> tuple[Run, ...]:
    ordered = sorted(runs, key=lambda run: run.seed)
    for one, other in pairwise(ordered):
        if one.seed == other.seed:
            raise DataError(f"'{one.folder}' and '{other.folder}' are the same experiment with seed {one.seed}")
    return tuple(ordered)
