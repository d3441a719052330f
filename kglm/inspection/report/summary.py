"""The figures of a report: accuracies, tests against the baseline, slices and calibration.

Dimensions: S seeds, N questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kglm.errors import DataError, UnknownNameError
from kglm.inspection.report.calibration import Calibration, calibrate
from kglm.inspection.report.experiments import Experiment
from kglm.inspection.report.runs import Row
from kglm.inspection.report.significance import Difference, paired_bootstrap
from kglm.inspection.report.slices import Slice


@dataclass(frozen=True)
class Score:
    """Accuracy over seeds.

    Attributes:
        mean: over the seeds, in [0, 1].
        deviation: sample deviation over the seeds; None for one seed.
        questions: N.
    """

    mean: float
    deviation: float | None
    questions: int

    @classmethod
    def of(cls, correct: np.ndarray) -> Score:
        """Return the score of ``bool [S, N]``."""
        by_seed = correct.mean(axis=1)
        deviation = float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None
        return cls(float(by_seed.mean()), deviation, correct.shape[1])


@dataclass(frozen=True)
class SliceScore:
    """Accuracy on a slice, and how it differs from the baseline's there (None for the baseline itself)."""

    group: str
    name: str
    score: Score
    difference: Difference | None


@dataclass(frozen=True)
class ExperimentSummary:
    """What a report says about one experiment.

    Attributes:
        name: of the experiment.
        seeds: its seeds.
        score: on all questions.
        difference: against the baseline; None for the baseline itself.
        calibration: over the answers of all seeds.
        slices: its scores on the slices.
        seconds: mean wall-clock seconds of training.
    """

    name: str
    seeds: tuple[int, ...]
    score: Score
    difference: Difference | None
    calibration: Calibration
    slices: tuple[SliceScore, ...]
    seconds: float


@dataclass(frozen=True)
class Summary:
    """A report's figures.

    Attributes:
        split: of the task.
        baseline: name of the experiment that the others are compared with.
        questions: N.
        experiments: one each, the baseline first.
    """

    split: str
    baseline: str
    questions: int
    experiments: tuple[ExperimentSummary, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return asdict(self)


def summarize(
    experiments: Sequence[Experiment], split: str, *, baseline: str | None = None, slices: Sequence[Slice] = ()
) -> Summary:
    """Return the figures of some experiments on the same questions.

    Args:
        experiments: at least one; all reported on ``split``.
        split: of the task.
        baseline: name of an experiment; by default the first one.
        slices: of the questions, see :func:`kglm.inspection.report.slices.slice_questions`.

    Raises:
        UnknownNameError: there is no such baseline.
        DataError: experiments answered different questions, or none.
    """
    names = [experiment.name for experiment in experiments]
    baseline = names[0] if baseline is None else baseline
    if baseline not in names:
        raise UnknownNameError("experiment", baseline, names)
    first = experiments[names.index(baseline)]
    ordered = [first, *(experiment for experiment in experiments if experiment is not first)]
    ids = _common_questions(ordered, split)
    base = first.correctness(split, ids)
    rows = [_summarize(one, split, ids, None if one is first else base, slices) for one in ordered]
    return Summary(split, baseline, len(ids), tuple(rows))


def _common_questions(experiments: Sequence[Experiment], split: str) -> list[str]:
    """Return the ids of the labelled questions, which must be the same for all runs."""
    first: list[str] | None = None
    for run in (run for experiment in experiments for run in experiment.runs):
        ids = [row.id for row in run.predictions(split)]
        if first is None:
            first, owner = ids, run.folder
        elif set(ids) != set(first):
            raise DataError(
                f"'{run.folder}' and '{owner}' answered different questions of split '{split}' ({len(ids)} and "
                f"{len(first)}); report on runs of one task at a time"
            )
    if not first:
        raise DataError(f"there is no labelled question in split '{split}'")
    return first


def _summarize(
    experiment: Experiment,
    split: str,
    ids: Sequence[str],
    base: np.ndarray | None,
    slices: Sequence[Slice],
) -> ExperimentSummary:
    correct = experiment.correctness(split, ids)
    answers = [row for run in experiment.runs for row in run.predictions(split)]
    cut = []
    for one in slices:
        inside = np.asarray([name in one.ids for name in ids])
        if inside.any():
            difference = None if base is None else paired_bootstrap(correct[:, inside], base[:, inside])
            cut.append(SliceScore(one.group, one.name, Score.of(correct[:, inside]), difference))
    return ExperimentSummary(
        name=experiment.name,
        seeds=experiment.seeds,
        score=Score.of(correct),
        difference=None if base is None else paired_bootstrap(correct, base),
        calibration=_calibrate(answers),
        slices=tuple(cut),
        seconds=float(np.mean([float(run.metrics.get("seconds", 0.0)) for run in experiment.runs])),
    )


def _calibrate(answers: Sequence[Row]) -> Calibration:
    confidence = np.asarray([row.probabilities[row.predicted] for row in answers])
    return calibrate(confidence, np.asarray([row.correct for row in answers]))
