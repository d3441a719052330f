"""Several rankings of the same texts made into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kglm.errors import ConfigError
from kglm.retrieval.hits import NONE

FUSIONS = ("rrf", "score")
RRF_CONSTANT = 60


class Ranking(NamedTuple):
    """Scores ``float32 [B, K]``, the best first, and positions ``int64 [B, K]``, -1 for none."""

    scores: np.ndarray
    positions: np.ndarray


def fuse(
    rankings: Sequence[Ranking], k: int, *, fusion: str = "rrf", weights: Sequence[float] | None = None
) -> Ranking:
    """Return the best k of several rankings, each with a K of its own.

    ``rrf``: reciprocal-rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009), the sum over rankings of
    ``weight / (60 + rank)`` with ranks from 1. ``score``: the sum of ``weight * scaled score``, where each query's
    scores in each ranking are scaled to 0 .. 1 (all equal: 1), and what a ranking has not found counts 0. Equal sums
    are ordered by position.

    Raises:
        ConfigError: another fusion, or a number of weights other than of rankings, or negative ones.
    """
    if fusion not in FUSIONS:
        raise ConfigError(f"fusion is {fusion!r}; allowed: {', '.join(FUSIONS)}")
    weights = [1.0] * len(rankings) if weights is None else list(weights)
    if len(weights) != len(rankings) or min(weights) < 0 or not max(weights) > 0:
        raise ConfigError(f"weights are {weights}; expected {len(rankings)} numbers from 0, not all of them 0")
    shares = _reciprocal_ranks if fusion == "rrf" else _scaled_scores
    values = np.concatenate([w * shares(r) for w, r in zip(weights, rankings, strict=True)], axis=1)
    return _best_sums(values, np.concatenate([ranking.positions for ranking in rankings], axis=1), k)


def _reciprocal_ranks(ranking: Ranking) -> np.ndarray:
    ranks = np.arange(1, ranking.positions.shape[1] + 1)
    return np.broadcast_to(1.0 / (RRF_CONSTANT + ranks), ranking.positions.shape)


def _scaled_scores(ranking: Ranking) -> np.ndarray:
    found = ranking.positions != NONE
    scores = ranking.scores.astype(np.float64)
    low = np.where(found, scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    high = np.where(found, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):
        scaled = np.where(high > low, (scores - low) / (high - low), 1.0)
    return np.where(found, scaled, 0.0)


def _best_sums(values: np.ndarray, positions: np.ndarray, k: int) -> Ranking:
    """Return, for each row, the k positions whose values have the largest sums."""
    rows = np.broadcast_to(np.arange(len(positions))[:, None], positions.shape)
    found = positions != NONE
    rows, positions, values = rows[found], positions[found], values[found]
    order = np.lexsort((positions, rows))
    rows, positions, values = rows[order], positions[order], values[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (positions[1:] != positions[:-1])
    sums = np.add.reduceat(values, np.flatnonzero(first)) if len(values) else values
    rows, positions = rows[first], positions[first]
    order = np.lexsort((positions, -sums, rows))
    rows, positions, sums = rows[order], positions[order], sums[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    best = rank < k
    out = Ranking(
        np.full((len(found), k), -np.inf, dtype=np.float32), np.full((len(found), k), NONE, dtype=np.int64)
    )  # fmt: skip
    out.scores[rows[best], rank[best]] = sums[best]
    out.positions[rows[best], rank[best]] = positions[best]
    return out
