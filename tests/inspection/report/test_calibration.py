import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.inspection.report.calibration import calibrate


def naive(confidence, correct, bins):
    total = 0.0
    for b in range(bins):
        inside = [
            (p, c)
            for p, c in zip(confidence, correct, strict=True)
            if b / bins < p <= (b + 1) / bins or (b == 0 and p == 0)
        ]
        if inside:
            gap = abs(np.mean([c for _, c in inside]) - np.mean([p for p, _ in inside]))
            total += len(inside) / len(confidence) * gap
    return total


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_equals_the_formula(answers):
    confidence, correct = map(np.asarray, zip(*answers, strict=True))
    found = calibrate(confidence, correct, bins=8)  # edges of eighths are exact
    assert found.error == pytest.approx(naive(confidence, correct, 8))
    assert sum(found.counts) == len(answers)


def test_sure_and_right_is_calibrated_and_bad_input_refused():
    assert calibrate(np.ones(5), np.ones(5, dtype=bool)).error == 0
    assert calibrate(np.ones(5), np.zeros(5, dtype=bool)).error == 1
    with pytest.raises(ValueError, match="0 confidences"):
        calibrate(np.ones(0), np.ones(0))
    with pytest.raises(ValueError, match="2 confidences and 1"):
        calibrate(np.ones(2), np.ones(1))
