"""Whether probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 10


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy, in bins of equal width.

    Attributes:
        error: the expected calibration error in [0, 1].
        confidence: mean confidence of each bin that is not empty.
        accuracy: its accuracy.
        counts: how many answers it holds.
    """

    error: float
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]
    counts: tuple[int, ...]


def calibrate(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> Calibration:
    r"""Return the calibration; its error is :math:`\sum_b n_b / n\, |acc_b - conf_b|` (Guo et al., ICML 2017, eq. 3).

    Args:
        confidence: probability of each chosen answer, ``[N]``.
        correct: whether it is right, ``[N]``.
        bins: of equal width; a confidence at an edge belongs to the lower bin.

    Raises:
        ValueError: there are no answers, or the two differ in number.
    """
    if len(confidence) != len(correct) or not len(confidence):
        raise ValueError(f"{len(confidence)} confidences and {len(correct)} answers")
    places = np.clip(np.ceil(np.asarray(confidence) * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    filled = counts > 0
    sums = [np.bincount(places, weights=values, minlength=bins)[filled] for values in (confidence, correct)]
    means, accuracies = (total / counts[filled] for total in sums)
    error = float(np.sum(counts[filled] * np.abs(accuracies - means)) / len(confidence))
    return Calibration(error, tuple(means.tolist()), tuple(accuracies.tolist()), tuple(counts[filled].tolist()))
