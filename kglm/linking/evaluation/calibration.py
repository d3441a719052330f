"""Whether probabilities mean what they say: reliability bins and expected calibration error.

ECE = Σ_b n_b / n · |accuracy(b) − confidence(b)| over bins of equal width (Naeini, Cooper and Hauskrecht, *Obtaining
well calibrated probabilities using Bayesian binning*, AAAI 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reliability:
    """Decisions by their confidence.

    Attributes:
        counts: ``int64 [bins]``.
        confidences: ``float64 [bins]``, mean probability that was stated; 0 where a bin is empty.
        accuracies: ``float64 [bins]``, share of right ones; 0 where a bin is empty.
    """

    counts: np.ndarray
    confidences: np.ndarray
    accuracies: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error, 0 where there are no decisions."""
        total = self.counts.sum()
        gaps = np.abs(self.accuracies - self.confidences)
        return float(self.counts @ gaps / total) if total else 0.0


def reliability(confidences: np.ndarray, right: np.ndarray, bins: int = 10) -> Reliability:
    """Return decisions in bins ``[0, 1/bins), ..., [1 - 1/bins, 1]``.

    Args:
        confidences: ``[n]``, probability of what was chosen.
        right: ``bool [n]``, whether it was right.
        bins: how many.
    """
    places = np.minimum((np.asarray(confidences) * bins).astype(np.int64), bins - 1)
    counts = np.bincount(places, minlength=bins)
    some = np.maximum(counts, 1)
    return Reliability(
        counts,
        np.bincount(places, confidences, minlength=bins) / some,
        np.bincount(places, right, minlength=bins) / some,
    )
