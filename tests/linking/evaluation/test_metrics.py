import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.linking.evaluation.calibration import reliability
from kglm.linking.evaluation.metrics import Annotation, Scores, score

annotations = st.lists(
    st.builds(Annotation, st.integers(0, 3), st.integers(4, 5), st.none() | st.integers(0, 2)),
    max_size=5,
    unique_by=lambda one: one[:2],
)


def naive(gold, found, nil):
    """GERBIL's counts with loops over annotations."""
    each, pooled = [], [0, 0, 0]
    for wanted, had in zip(gold, found, strict=True):
        tp = fp = fn = 0
        for one in had:
            if one.entity is None and not nil:
                continue
            if one in wanted:
                tp += 1
            else:
                fp += 1
        for one in wanted:
            if (nil or one.entity is not None) and one not in had:
                fn += 1
        each.append(prf(tp, fp, fn))
        pooled = [a + b for a, b in zip(pooled, (tp, fp, fn), strict=True)]
    return prf(*pooled), tuple(sum(column) / len(each) for column in zip(*each, strict=True))


def prf(tp, fp, fn):
    if tp + fp + fn == 0:
        return 1.0, 1.0, 1.0
    precision = tp / (tp + fp) if tp + fp else 0.0
    recall = tp / (tp + fn) if tp + fn else 0.0
    f1 = 2 * precision * recall / (precision + recall) if tp else 0.0
    return precision, recall, f1


@given(st.lists(st.tuples(annotations, annotations), min_size=1, max_size=4), st.booleans())
def test_scores_are_those_of_plain_counting(documents, nil):
    gold, found = zip(*documents, strict=True)
    scores = score(gold, found, nil=nil)
    micro, macro = naive(gold, found, nil)
    assert scores.micro == pytest.approx(micro)
    assert scores.macro == pytest.approx(macro)


def test_a_link_where_gold_has_nil_is_a_mistake_in_the_graph_too():
    scores = score(
        [[Annotation(0, 1, None), Annotation(2, 3, 7)]], [[Annotation(0, 1, 5), Annotation(2, 3, 7)]], nil=False
    )
    assert scores.micro == Scores(0.5, 1.0, pytest.approx(2 / 3))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=50), st.integers(1, 12))
def test_calibration_error_is_the_weighted_gap(decisions, bins):
    confidences = np.array([confidence for confidence, _ in decisions])
    right = np.array([truth for _, truth in decisions], dtype=bool)
    error = 0.0
    for number in range(bins):
        chosen = [
            (confidence, truth)
            for confidence, truth in decisions
            if min(math.floor(confidence * bins), bins - 1) == number
        ]
        if chosen:
            gap = sum(truth for _, truth in chosen) - sum(confidence for confidence, _ in chosen)
            error += abs(gap) / len(decisions)
    assert reliability(confidences, right, bins).error == pytest.approx(error)
