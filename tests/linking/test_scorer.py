import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad

from kglm.errors import ConfigError, DataError
from kglm.linking.scorer import LogLinearScorer, _Problem, fit_scorer, ragged_softmax


def naive_softmax(scores, offsets, nil):
    """Mention by mention, in plain Python."""
    chosen, rest = [], []
    for low, high in itertools.pairwise(offsets):
        ours = [math.exp(score) for score in scores[low:high]]
        other = 0.0 if nil is None else math.exp(nil)
        total = sum(ours) + other
        chosen += [one / total for one in ours]
        rest.append(other / total if ours else 1.0)
    return chosen, rest


def naive_loss(scorer, values, offsets, gold, l2, scale):
    weights = np.array(list(scorer.weights.values()))
    loss = 0.5 * l2 * float(((weights * scale) ** 2).sum())
    chosen, rest = naive_softmax((values @ weights).tolist(), offsets.tolist(), scorer.nil)
    for mention, right in enumerate(gold.tolist()):
        if offsets[mention + 1] > offsets[mention]:
            loss -= math.log(rest[mention] if right < 0 else chosen[offsets[mention] + right])
    return loss


def random_problem(seed, mentions=40, features=3):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 5, mentions)
    sizes[:2] = (3, 2)
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    values = rng.normal(size=(offsets[-1], features)) * [1, 10, 0.1]
    gold = np.array([rng.integers(-1, size) if size else -1 for size in sizes])
    return values, offsets, gold


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(-30, 30), max_size=4), min_size=1, max_size=5), st.none() | st.floats(-30, 30))
def test_softmax_is_that_of_each_mention(scores, nil):
    offsets = np.cumsum([0, *map(len, scores)])
    flat = np.array([score for row in scores for score in row])
    chosen, rest = ragged_softmax(flat, offsets, nil)
    naive = naive_softmax(flat.tolist(), offsets.tolist(), nil)
    np.testing.assert_allclose(chosen, naive[0], atol=1e-12)
    np.testing.assert_allclose(rest, naive[1], atol=1e-12)


def test_huge_scores_do_not_overflow():
    chosen, rest = ragged_softmax(np.array([1e5, -1e5]), np.array([0, 2]), 0.0)
    assert chosen.tolist() == [1, 0]
    assert rest.tolist() == [0]


@pytest.mark.parametrize("nil", [True, False])
def test_gradient_is_that_of_finite_differences(nil):
    values, offsets, gold = random_problem(1)
    weights = np.linspace(0.5, 2, len(gold))
    problem = _Problem.make(("a", "b", "c"), values, offsets, gold, nil, weights)
    at = np.random.default_rng(2).normal(size=3 + nil)
    error = check_grad(lambda x: problem.loss(x, 0.7)[0], lambda x: problem.loss(x, 0.7)[1], at)
    assert error < 1e-4


@pytest.mark.parametrize("l2", [0.1, 3.0])
def test_fit_is_a_minimum_of_the_naive_loss(l2):
    values, offsets, gold = random_problem(3)
    scorer = fit_scorer(("a", "b", "c"), values, offsets, gold, l2=l2)
    scale = values.std(0)
    best = naive_loss(scorer, values, offsets, gold, l2, scale)
    for name, size in zip("abc", 1 / scale, strict=True):
        for step in (-0.01, 0.01):
            moved = LogLinearScorer({**scorer.weights, name: scorer.weights[name] + step * size}, scorer.nil)
            assert naive_loss(moved, values, offsets, gold, l2, scale) > best
    for step in (-0.01, 0.01):
        assert naive_loss(LogLinearScorer(scorer.weights, scorer.nil + step), values, offsets, gold, l2, scale) > best


def test_fit_finds_the_weights_that_drew_the_data():
    rng = np.random.default_rng(0)
    offsets = np.arange(0, 4 * 20_001, 4)
    values = rng.normal(size=(80_000, 2))
    true = LogLinearScorer({"a": 1.5, "b": -0.5}, 0.8)
    chosen, rest = true.probabilities(values, offsets)
    cumulated = np.concatenate((rest[:, None], chosen.reshape(-1, 4)), 1).cumsum(1)
    gold = (rng.random((20_000, 1)) > cumulated[:, :-1]).sum(1) - 1
    fitted = fit_scorer(("a", "b"), values, offsets, gold, l2=0.0)
    assert fitted.weights == pytest.approx(true.weights, abs=0.05)
    assert fitted.nil == pytest.approx(0.8, abs=0.05)


def test_without_nil_a_mention_without_its_entity_teaches_nothing():
    values, offsets, gold = random_problem(5)
    kept = fit_scorer(("a", "b", "c"), values, offsets, gold, nil=False)
    assert kept.nil is None
    known = gold >= 0
    rows = np.repeat(known, np.diff(offsets))
    alone = fit_scorer(
        ("a", "b", "c"),
        values[rows],
        np.concatenate(([0], np.cumsum(np.diff(offsets)[known]))),
        gold[known],
        nil=False,
    )
    assert kept.weights == pytest.approx(alone.weights, rel=1e-3)


def test_scorer_survives_json():
    scorer = LogLinearScorer({"a": 1.5}, None)
    assert LogLinearScorer.from_dict(scorer.to_dict()) == scorer


def test_mistakes_are_told():
    with pytest.raises(ConfigError, match="finite"):
        LogLinearScorer({"a": math.nan}, None)
    with pytest.raises(DataError, match="expected 2 columns"):
        LogLinearScorer({"a": 1, "b": 1}, None).probabilities(np.zeros((1, 3)), np.array([0, 1]))
    with pytest.raises(DataError, match="expected weights by feature"):
        LogLinearScorer.from_dict({"weights": {"a": "x"}, "nil": 0})
    with pytest.raises(DataError, match="no mention to fit on"):
        fit_scorer(("a",), np.zeros((0, 1)), np.array([0, 0]), np.array([-1]))
    with pytest.raises(DataError, match="not among those"):
        fit_scorer(("a",), np.zeros((1, 1)), np.array([0, 1]), np.array([1]))
