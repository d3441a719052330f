import numpy as np
import pytest

from kglm.inspection.report.significance import paired_bootstrap


def naive(correct, baseline, samples, seed):
    """Draw questions one by one, and seeds one by one."""
    generator = np.random.default_rng(seed)
    questions = correct.shape[1]
    drawn = []
    for _ in range(samples):
        chosen = generator.integers(questions, size=questions)
        means = []
        for values in (correct, baseline):
            rows = generator.integers(len(values), size=len(values))
            means.append(np.mean([values[row, question] for row in rows for question in chosen]))
        drawn.append(means[0] - means[1])
    return np.quantile(drawn, [0.025, 0.975]), np.asarray(drawn)


def test_agrees_with_draws_one_by_one():
    generator = np.random.default_rng(0)
    baseline = generator.random((3, 80)) < 0.5
    correct = baseline.copy()
    correct[:, :10] = True
    found = paired_bootstrap(correct, baseline, samples=4000)
    (low, high), drawn = naive(correct, baseline, 1500, 1)
    assert found.mean == pytest.approx(correct.mean() - baseline.mean())
    assert found.low == pytest.approx(low, abs=0.015)
    assert found.high == pytest.approx(high, abs=0.015)
    assert found.p_value == pytest.approx(2 * min((drawn <= 0).mean(), (drawn >= 0).mean()), abs=0.03)


def test_the_same_answers_do_not_differ_and_better_ones_do():
    answers = np.random.default_rng(0).random((1, 200)) < 0.5
    same = paired_bootstrap(answers, answers)
    assert (same.mean, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    better = answers.copy()
    better[0, np.flatnonzero(~answers[0])[:30]] = True
    assert paired_bootstrap(better, answers).p_value < 0.001
    assert paired_bootstrap(answers, better).p_value < 0.001


def test_chance_alone_is_rarely_significant():
    generator = np.random.default_rng(1)
    found = [
        paired_bootstrap(*(generator.random((2, 3, 150)) < 0.5), samples=400, seed=number).p_value < 0.05
        for number in range(200)
    ]
    assert np.mean(found) < 0.1


def test_repeats_and_refuses():
    answers = np.random.default_rng(0).random((2, 50)) < 0.5
    assert paired_bootstrap(answers, ~answers) == paired_bootstrap(answers, ~answers)
    with pytest.raises(ValueError, match="cannot compare"):
        paired_bootstrap(answers, answers[:, :3])
    with pytest.raises(ValueError, match="cannot compare"):
        paired_bootstrap(answers[:, :0], answers[:, :0])
