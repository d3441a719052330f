"""The choice among candidates and NIL: a conditional logit over features, and its fit.

A candidate scores w · x; NIL scores a constant. The probabilities of a mention are the softmax over its candidates
and NIL (McFadden, *Conditional logit analysis of qualitative choice behavior*, 1974). Being fitted by maximum
likelihood, they are calibrated on what they were fitted on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from kglm.errors import ConfigError, DataError


@dataclass(frozen=True)
class LogLinearScorer:
    """Weights of named features, and the score of NIL.

    Attributes:
        weights: by name of the feature.
        nil: the score of NIL; None where every mention means one of its candidates.
    """

    weights: Mapping[str, float]
    nil: float | None

    def __post_init__(self) -> None:
        values = [*self.weights.values(), *([] if self.nil is None else [self.nil])]
        if not all(math.isfinite(value) for value in values):
            raise ConfigError(f"a linker's weights are {dict(self.weights)} and {self.nil}; expected finite numbers")

    @property
    def features(self) -> tuple[str, ...]:
        """The features it reads, in the order of the columns it expects."""
        return tuple(self.weights)

    def probabilities(self, values: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``float64 [sum K]``, the probability of each candidate, and ``[M]``, that of NIL.

        A mention without candidates is NIL. Where NIL is not allowed, its probability is else 0.

        Args:
            values: ``[sum K, F]``, a column for each of :attr:`features`.
            offsets: ``int64 [M + 1]`` of the mentions' candidates.

        Raises:
            DataError: the number of columns is another.
        """
        weights = np.array(list(self.weights.values()), dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(weights):
            raise DataError(f"features have the shape {values.shape}, expected {len(weights)} columns")
        return ragged_softmax(values.astype(np.float64) @ weights, offsets, self.nil)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"weights": {name: float(weight) for name, weight in self.weights.items()}, "nil": self.nil}

    @classmethod
    def from_dict(cls, values: Any) -> LogLinearScorer:
        """Return a scorer from what :meth:`to_dict` gave.

        Raises:
            DataError: something is missing or no number.
        """
        try:
            nil = values["nil"]
            weights = {str(name): float(weight) for name, weight in values["weights"].items()}
            return cls(weights, None if nil is None else float(nil))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"a linker's weights are {values!r}; expected weights by feature, and nil") from error


def ragged_softmax(scores: np.ndarray, offsets: np.ndarray, nil: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the softmax of ``scores [sum K]`` and NIL within each mention: ``[sum K]`` and ``[M]``.

    Args:
        scores: of the candidates.
        offsets: ``int64 [M + 1]``.
        nil: the score of NIL, or None.
    """
    count = len(offsets) - 1
    owners = np.repeat(np.arange(count), np.diff(offsets))
    top = np.full(count, -np.inf if nil is None else nil)
    np.maximum.at(top, owners, scores)
    exponentials = np.exp(scores - top[owners])
    rest = np.zeros(count) if nil is None else np.exp(nil - top)
    total = rest + np.bincount(owners, exponentials, minlength=count)
    empty = np.diff(offsets) == 0
    total[empty] = 1.0
    rest[empty] = 1.0
    return exponentials / total[owners], rest / total


def fit_scorer(
    features: Sequence[str],
    values: np.ndarray,
    offsets: np.ndarray,
    gold: np.ndarray,
    *,
    nil: bool = True,
    l2: float = 1.0,
    mention_weights: np.ndarray | None = None,
) -> LogLinearScorer:
    """Return the weights of largest penalised likelihood, by L-BFGS; the problem is convex.

    Mentions without candidates teach nothing and are passed over; so are those whose entity is not among the
    candidates where NIL is not allowed.

    Args:
        features: names of the columns.
        values: ``[sum K, F]``.
        offsets: ``int64 [M + 1]``.
        gold: ``int64 [M]``, the right candidate of each mention, counted within it; -1 for NIL.
        nil: whether NIL is an alternative.
        l2: half the square of each weight, in units of its feature's standard deviation, times this is added to the
            negative log-likelihood; the score of NIL is free.
        mention_weights: ``[M]``, how much each mention counts; None for 1.

    Raises:
        DataError: shapes do not fit, a gold candidate does not exist, or no mention is left.
    """
    problem = _Problem.make(features, values, offsets, gold, nil, mention_weights)
    start = np.zeros(len(features) + nil)
    result = minimize(problem.loss, start, args=(l2,), jac=True, method="L-BFGS-B", options={"maxiter": 2000})
    scaled = result.x[: len(features)] / problem.scale
    # Scores were of centred features: what that took from all candidates, NIL must lose too.
    constant = float(result.x[-1] + scaled @ problem.center) if nil else None
    return LogLinearScorer(dict(zip(features, map(float, scaled), strict=True)), constant)


@dataclass(frozen=True)
class _Problem:
    """Standardised features of the mentions that teach something."""

    values: np.ndarray
    offsets: np.ndarray
    right: np.ndarray
    """Position of the right candidate among all, -1 for NIL."""
    nil: bool
    weights: np.ndarray
    center: np.ndarray
    scale: np.ndarray

    @classmethod
    def make(
        cls,
        features: Sequence[str],
        values: np.ndarray,
        offsets: np.ndarray,
        gold: np.ndarray,
        nil: bool,
        mention_weights: np.ndarray | None,
    ) -> _Problem:
        sizes = np.diff(offsets)
        if values.shape != (int(offsets[-1]), len(features)) or len(gold) != len(sizes):
            raise DataError(
                f"features have the shape {values.shape} and gold {gold.shape}; expected {int(offsets[-1])} "
                f"candidates by {len(features)} features, and {len(sizes)} mentions"
            )
        if ((gold >= sizes) & (gold >= 0)).any() or (gold < -1).any():
            raise DataError("a gold candidate is not among those of its mention")
        kept = (sizes > 0) & (nil | (gold >= 0))
        if not kept.any():
            raise DataError("no mention to fit on: none has candidates with the right one among them")
        rows = np.repeat(kept, sizes)
        chosen = values[rows].astype(np.float64)
        kept_offsets = np.concatenate(([0], np.cumsum(sizes[kept])))
        right = np.where(gold[kept] < 0, -1, kept_offsets[:-1] + gold[kept])
        weights = np.ones(len(gold)) if mention_weights is None else np.asarray(mention_weights, dtype=np.float64)
        center, scale = chosen.mean(0), chosen.std(0)
        scale[scale < 1e-9] = 1.0
        return cls((chosen - center) / scale, kept_offsets, right, nil, weights[kept], center, scale)

    def loss(self, parameters: np.ndarray, l2: float) -> tuple[float, np.ndarray]:
        """Return the penalised negative log-likelihood and its gradient."""
        weights = parameters[: self.values.shape[1]]
        chosen, rest = ragged_softmax(
            self.values @ weights, self.offsets, float(parameters[-1]) if self.nil else None
        )
        found = self.right >= 0
        likelihood = np.where(found, chosen[self.right], rest)
        loss = 0.5 * l2 * weights @ weights - self.weights @ np.log(np.maximum(likelihood, 1e-300))
        surplus = chosen * np.repeat(self.weights, np.diff(self.offsets))
        surplus[self.right[found]] -= self.weights[found]
        gradient = l2 * weights + self.values.T @ surplus
        if self.nil:
            gradient = np.append(gradient, self.weights @ (rest - ~found))
        return float(loss), gradient
