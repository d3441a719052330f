import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import DataError
from kglm.training.classification_metrics import accuracy, loose_macro_f1, loose_micro_f1, micro_f1

pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)
label_sets = st.frozensets(st.integers(0, 4), max_size=4)
set_pairs = st.lists(st.tuples(label_sets, label_sets), min_size=1, max_size=8)


def naive_tacred(gold, predicted, negative):
    """The scorer's bookkeeping, relation by relation."""
    guessed, true, right = {}, {}, {}
    for g, p in zip(gold, predicted, strict=True):
        if g != negative:
            true[g] = true.get(g, 0) + 1
        if p != negative:
            guessed[p] = guessed.get(p, 0) + 1
        if g == p != negative:
            right[g] = right.get(g, 0) + 1
    precision, recall, f1 = 1.0, 0.0, 0.0
    if sum(guessed.values()) > 0:
        precision = sum(right.values()) / sum(guessed.values())
    if sum(true.values()) > 0:
        recall = sum(right.values()) / sum(true.values())
    if precision + recall > 0:
        f1 = 2 * precision * recall / (precision + recall)
    return precision, recall, f1


@given(pairs, st.sampled_from([None, 0, 3]))
def test_micro_f1_is_that_of_tacreds_scorer(examples, negative):
    gold, predicted = map(np.array, zip(*examples, strict=True))
    found = micro_f1(gold, predicted, negative)
    assert (found.precision, found.recall, found.f1) == pytest.approx(naive_tacred(gold, predicted, negative))


def test_the_negative_class_counts_for_nothing():
    gold, predicted = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 0])
    found = micro_f1(gold, predicted, negative=0)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    assert accuracy(gold, predicted) == micro_f1(gold, predicted).f1 == 0.6


@given(set_pairs)
def test_loose_measures_are_the_naive_ones(examples):
    gold, predicted = zip(*examples, strict=True)
    macro, micro = loose_macro_f1(gold, predicted), loose_micro_f1(gold, predicted)
    precision = recall = right = found = true = 0.0
    for g, p in examples:
        both = sum(1 for label in g if label in p)
        right, found, true = right + both, found + len(p), true + len(g)
        precision += both / len(p) if p else 0
        recall += both / len(g) if g else 0
    n = len(examples)
    assert (macro.precision, macro.recall) == pytest.approx((precision / n, recall / n))
    assert (micro.precision, micro.recall) == pytest.approx(
        (right / found if found else 0, right / true if true else 0)
    )
    for measure in (macro, micro):
        p, r = measure.precision, measure.recall
        assert measure.f1 == pytest.approx(2 * p * r / (p + r) if p + r else 0)


def test_nothing_to_measure_is_refused():
    for measure in (accuracy, micro_f1, loose_macro_f1, loose_micro_f1):
        with pytest.raises(DataError, match="0 right labels and 0 predicted"):
            measure([], [])
        with pytest.raises(DataError, match="1 right labels and 2 predicted"):
            measure([[1]], [[1], [2]])
