"""Finished runs, as ``kglm train`` leaves them.

Dimensions: C choices.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kglm.errors import DataError

CONFIG = "config.json"
METRICS = "metrics.json"
HISTORY = "metrics.jsonl"


@dataclass(frozen=True)
class Row:
    """What a run says about one question.

    Attributes:
        id: the question's.
        probabilities: ``C`` of them.
        predicted: index of the likeliest choice.
        label: index of the right choice.
    """

    id: str
    probabilities: tuple[float, ...]
    predicted: int
    label: int

    @property
    def correct(self) -> bool:
        """Whether the prediction is the label."""
        return self.predicted == self.label


@dataclass(frozen=True)
class Run:
    """One finished run.

    Attributes:
        folder: where it lies.
        name: of its experiment.
        seed: its seed.
        config: what it was told.
        metrics: ``metrics.json``: what it cost and gave.
        history: the entries of ``metrics.jsonl``, in order.
    """

    folder: Path
    name: str
    seed: int
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    history: tuple[Mapping[str, float], ...]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the run reported on."""
        return tuple(self.metrics["splits"])

    def predictions(self, split: str) -> list[Row]:
        """Return what the best model said about each labelled question of a split, in the order of the file.

        Raises:
            DataError: there are no predictions for this split, or a line is malformed.
        """
        path = self.folder / f"predictions_{split}.jsonl"
        rows = [_row(line, path, number) for number, line in enumerate(_lines(path), start=1)]
        return [row for row in rows if row is not None]


def find_runs(places: Iterable[Path | str]) -> list[Run]:
    """Return the finished question-answering runs in some folders, and in the folders below them.

    A run that is not finished, and what another stage left, is passed over.

    Raises:
        DataError: a folder does not exist, holds no finished run, or a run's files are damaged.
    """
    found: dict[Path, Run] = {}
    for place in map(Path, places):
        if not place.is_dir():
            raise DataError(f"folder of runs '{place}' does not exist")
        inside = [run for path in sorted(place.rglob(METRICS)) if (run := read_run(path.parent)) is not None]
        if not inside:
            raise DataError(f"'{place}' holds no finished run of `kglm train` with reported splits")
        found.update({run.folder.resolve(): run for run in inside})
    return list(found.values())


def read_run(folder: Path) -> Run | None:
    """Return the run in a folder; None where it reports on no split of questions.

    Raises:
        DataError: a file is damaged.
    """
    metrics = _json(folder / METRICS)
    if not isinstance(metrics, dict) or not isinstance(metrics.get("splits"), dict):
        return None
    config = _json(folder / CONFIG)
    if not isinstance(config, dict) or not isinstance(config.get("name"), str) or "seed" not in config:
        raise DataError(f"'{folder / CONFIG}' is no configuration of a run: it has no name and seed")
    path = folder / HISTORY
    history = tuple(_parse(line, path, number) for number, line in enumerate(_lines(path), start=1))
    return Run(folder, config["name"], int(config["seed"]), config, metrics, history)


def _row(line: str, path: Path, number: int) -> Row | None:
    value = _parse(line, path, number)
    try:
        if value["label"] is None:
            return None
        return Row(value["id"], tuple(value["probabilities"]), int(value["predicted"]), int(value["label"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError.at(path, number, f"not a prediction ({error!r})") from None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"'{path}' cannot be read ({error})") from error


def _json(path: Path) -> Any:
    return _parse("\n".join(_lines(path)), path, 1)


def _parse(line: str, path: Path, number: int) -> Any:
    try:
        return json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError.at(path, number, f"not JSON ({error})") from None
