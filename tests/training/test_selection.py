import pytest

from kglm.training.selection import Selection


@pytest.mark.parametrize(("mode", "sign"), [("max", 1), ("min", -1)])
def test_the_best_is_kept_and_patience_counts(mode, sign):
    selection = Selection(mode)
    values = [sign * value for value in (1.0, 3.0, 3.0, 2.0)] + [float("nan")]
    assert [selection.update(value, step) for step, value in enumerate(values)] == [True, True, False, False, False]
    assert (selection.best, selection.best_step, selection.evaluations_since_best) == (3.0 * sign, 1, 3)
    assert selection.exhausted(3)
    assert not selection.exhausted(4)
    assert not selection.exhausted(None)


def test_a_value_that_is_not_finite_is_never_the_best():
    selection = Selection("max")
    assert not selection.update(float("nan"), 1)
    assert not selection.update(float("inf"), 2)
    assert selection.update(0.0, 3)
