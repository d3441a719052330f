"""Measures of classification, as the scorers of the tasks compute them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from kglm.errors import DataError


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision, recall and their harmonic mean, each in [0, 1]."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """2 P R / (P + R); 0 where both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def accuracy(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Return the share of examples whose label is right.

    Raises:
        DataError: there is no example, or the numbers differ.
    """
    _check(gold, predicted)
    return float((np.asarray(gold) == np.asarray(predicted)).mean())


def micro_f1(gold: np.ndarray, predicted: np.ndarray, negative: int | None = None) -> PrecisionRecall:
    """Return micro-averaged precision and recall over all labels but the negative one.

    As TACRED's scorer (Zhang et al., EMNLP 2017): an example counts for precision if a label other than ``negative``
    is predicted, for recall if it has one. Precision is 1 where nothing is predicted, recall 0 where there is nothing
    to find. Without a negative label both are the accuracy.

    Args:
        gold: right labels.
        predicted: labels found.
        negative: the label that means "none", such as TACRED's ``no_relation``.

    Shapes:
        gold, predicted: ``int64 [N]``

    Raises:
        DataError: there is no example, or the numbers differ.
    """
    _check(gold, predicted)
    gold, predicted = np.asarray(gold), np.asarray(predicted)
    is_gold = np.ones(len(gold), dtype=bool) if negative is None else gold != negative
    is_found = np.ones(len(gold), dtype=bool) if negative is None else predicted != negative
    right = int(((gold == predicted) & is_gold & is_found).sum())
    return PrecisionRecall(
        precision=right / int(is_found.sum()) if is_found.any() else 1.0,
        recall=right / int(is_gold.sum()) if is_gold.any() else 0.0,
    )


def loose_micro_f1(gold: Sequence[Collection[int]], predicted: Sequence[Collection[int]]) -> PrecisionRecall:
    """Return precision and recall over all labels of all examples (Ling & Weld, AAAI 2012, section 5.2).

    Raises:
        DataError: there is no example, or the numbers differ.
    """
    _check(gold, predicted)
    right = sum(len(set(true) & set(found)) for true, found in zip(gold, predicted, strict=True))
    found, true = sum(len(set(labels)) for labels in predicted), sum(len(set(labels)) for labels in gold)
    return PrecisionRecall(right / found if found else 0.0, right / true if true else 0.0)


def loose_macro_f1(gold: Sequence[Collection[int]], predicted: Sequence[Collection[int]]) -> PrecisionRecall:
    """Return the means, over all examples, of an example's precision and recall (Ling & Weld, AAAI 2012).

    An example without a predicted label has precision 0, one without a right label recall 0.

    Raises:
        DataError: there is no example, or the numbers differ.
    """
    _check(gold, predicted)
    pairs = [(set(true), set(found)) for true, found in zip(gold, predicted, strict=True)]
    precisions = [len(true & found) / len(found) if found else 0.0 for true, found in pairs]
    recalls = [len(true & found) / len(true) if true else 0.0 for true, found in pairs]
    return PrecisionRecall(sum(precisions) / len(pairs), sum(recalls) / len(pairs))


def _check(gold: Collection[object] | np.ndarray, predicted: Collection[object] | np.ndarray) -> None:
    if len(gold) != len(predicted) or not len(gold):
        raise DataError(
            f"{len(gold)} right labels and {len(predicted)} predicted; expected one of each, at least once"
        )
