import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.errors import ConfigError
from kglm.retrieval import Ranking, fuse


def fuse_naively(rankings, k, fusion, weights):
    """Return one query's best k as (score, position)."""
    sums = {}
    for weight, ranking in zip(weights, rankings, strict=True):
        scores = [score for score, _ in ranking]
        for rank, (score, position) in enumerate(ranking, start=1):
            share = 1 / (60 + rank)
            if fusion == "score":
                spread = max(scores) - min(scores)
                share = (score - min(scores)) / spread if spread else 1.0
            sums[position] = sums.get(position, 0) + weight * share
    return sorted(((value, position) for position, value in sums.items()), key=lambda pair: (-pair[0], pair[1]))[:k]


def ranking_of(lists, width):
    scores = np.full((len(lists), width), -np.inf, dtype=np.float32)
    positions = np.full((len(lists), width), -1)
    for row, entries in enumerate(lists):
        for rank, (score, position) in enumerate(entries):
            scores[row, rank], positions[row, rank] = score, position
    return Ranking(scores, positions)


entries = st.lists(st.tuples(st.integers(-8, 8), st.integers(0, 12)), max_size=6, unique_by=lambda pair: pair[1])


@settings(max_examples=40)
@given(
    st.lists(st.tuples(entries, entries), min_size=1, max_size=4),
    st.integers(1, 8),
    st.sampled_from(["rrf", "score"]),
    st.sampled_from([(1.0, 1.0), (2.0, 1.0), (0.0, 1.0)]),
)
def test_as_the_naive_sum(pairs, k, fusion, weights):
    pairs = [tuple(sorted(part, key=lambda e: -e[0]) for part in pair) for pair in pairs]
    rankings = [ranking_of([pair[0] for pair in pairs], 6), ranking_of([pair[1] for pair in pairs], 7)]
    found = fuse(rankings, k, fusion=fusion, weights=weights)
    assert found.scores.shape == found.positions.shape == (len(pairs), k)
    for row, pair in enumerate(pairs):
        expected = fuse_naively(pair, k, fusion, weights)
        there = found.positions[row] != -1
        assert there.sum() == len(expected)
        # Sums that differ only by rounding may change places.
        np.testing.assert_allclose(found.scores[row][there], [score for score, _ in expected], rtol=1e-5)
        if len({round(score, 6) for score, _ in expected}) == len(expected):
            assert found.positions[row][there].tolist() == [position for _, position in expected]
        assert np.isneginf(found.scores[row][~there]).all()


def test_both_agreeing_beats_either_alone():
    first, second = ranking_of([[(9, 1), (8, 2)]], 2), ranking_of([[(5, 3), (4, 2)]], 2)
    assert fuse([first, second], 3).positions.tolist() == [[2, 1, 3]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fusion": "sum"}, "fusion is 'sum'; allowed: rrf, score"),
        ({"weights": [1]}, "expected 2 numbers"),
        ({"weights": [1, -1]}, "expected 2 numbers from 0"),
        ({"weights": [0, 0]}, "not all of them 0"),
    ],
)
def test_what_is_not_allowed(options, message):
    ranking = ranking_of([[(1, 1)]], 1)
    with pytest.raises(ConfigError, match=message):
        fuse([ranking, ranking], 1, **options)
