"""Whether one experiment is better than another on the same questions, or only luckier.

Dimensions: S seeds, N questions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SAMPLES = 10_000
CHUNK = 250


@dataclass(frozen=True)
class Difference:
    """By how much an experiment is better than the baseline.

    Attributes:
        mean: difference of the mean accuracies over seeds, in [-1, 1].
        low: lower end of the 95 % interval.
        high: its upper end.
        p_value: two-sided: how often a sample of questions and seeds puts the difference on the other side of 0,
            doubled.
    """

    mean: float
    low: float
    high: float
    p_value: float


def paired_bootstrap(
    correct: np.ndarray, baseline: np.ndarray, *, samples: int = SAMPLES, seed: int = 0
) -> Difference:
    """Compare two experiments by resampling the questions, the same for both, and the seeds of each.

    The paired bootstrap of Koehn (EMNLP 2004), pooled over seeds: a sample draws N questions with replacement and,
    for each experiment, S of its seeds, and takes the difference of the mean accuracies. With one seed only the
    questions are drawn.

    Args:
        correct: which question each seed answers rightly.
        baseline: the same for the baseline; its number of seeds may differ.
        samples: how many are drawn.
        seed: of the draws.

    Raises:
        ValueError: the numbers of questions differ, or there are none.

    Shapes:
        correct: ``bool [S, N]``; baseline: ``bool [S', N]``
    """
    if correct.shape[1] != baseline.shape[1] or not correct.size or not baseline.size:
        raise ValueError(f"cannot compare answers of shapes {correct.shape} and {baseline.shape}")
    generator = np.random.default_rng(seed)
    questions = correct.shape[1]
    drawn = np.empty(samples)
    for start in range(0, samples, CHUNK):
        count = min(CHUNK, samples - start)
        # How often each question is drawn: one product then gives every seed's accuracy on every sample.
        times = generator.multinomial(questions, np.full(questions, 1 / questions), size=count)  # [count, N]
        means = [_drawn_mean(values, times, generator) for values in (correct, baseline)]
        drawn[start : start + count] = (means[0] - means[1]) / questions
    low, high = np.quantile(drawn, [0.025, 0.975])
    # One more on either side: a p-value of a bootstrap is never 0 (Davison & Hinkley 1997, ch. 4).
    beyond = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    p_value = min(1.0, 2 * (beyond + 1) / (samples + 1))
    return Difference(float(correct.mean() - baseline.mean()), float(low), float(high), p_value)


def _drawn_mean(values: np.ndarray, times: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return ``[count]`` sums of right answers, averaged over a fresh draw of seeds for each sample."""
    right = times @ values.T.astype(np.float64)  # [count, S]
    seeds = values.shape[0]
    chosen = generator.integers(seeds, size=(len(times), seeds))
    means: np.ndarray = np.take_along_axis(right, chosen, axis=1).mean(axis=1)
    return means
