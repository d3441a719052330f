import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.errors import DataError
from kglm.retrieval import retrieval_metrics


def recall_naively(ranking, relevant, k):
    return len(set(ranking[:k]) & relevant) / len(relevant)


def ndcg_naively(ranking, relevant, k):
    gained = sum(1 / math.log2(rank + 1) for rank, i in enumerate(ranking[:k], start=1) if i in relevant)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))
    return gained / best


def reciprocal_rank_naively(ranking, relevant):
    return next((1 / rank for rank, i in enumerate(ranking, start=1) if i in relevant), 0)


queries = st.lists(
    st.tuples(st.permutations(range(8)), st.integers(0, 6), st.sets(st.integers(0, 10), min_size=1)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40)
@given(queries)
def test_as_the_definitions(drawn):
    rankings = [list(order[:length]) + [-1] * (6 - length) for order, length, _ in drawn]
    relevant = [wanted for *_, wanted in drawn]
    found = retrieval_metrics(np.array(rankings), relevant, (1, 3, 6))
    pairs = list(zip(rankings, relevant, strict=True))
    for k in (1, 3, 6):
        assert found[f"recall@{k}"] == pytest.approx(np.mean([recall_naively(*pair, k) for pair in pairs]))
        assert found[f"ndcg@{k}"] == pytest.approx(np.mean([ndcg_naively(*pair, k) for pair in pairs]))
    assert found["mrr"] == pytest.approx(np.mean([reciprocal_rank_naively(*pair) for pair in pairs]))


def test_a_result_that_comes_twice_counts_once():
    assert retrieval_metrics(np.array([[4, 4, 5]]), [[4, 5, 5]], (2, 3)) == pytest.approx(
        {
            "recall@2": 0.5,
            "recall@3": 1,
            "ndcg@2": 1 / (1 + 1 / math.log2(3)),
            "ndcg@3": 1.5 / (1 + 1 / math.log2(3)),
            "mrr": 1,
        }
    )


@pytest.mark.parametrize(
    ("ids", "relevant", "ks", "message"),
    [
        (np.zeros((2, 3)), [{1}], (1,), "2 rankings, but 1 sets"),
        (np.zeros((1, 3)), [set()], (1,), "at least one relevant"),
        (np.zeros((0, 3)), [], (1,), "there must be a query"),
        (np.zeros((1, 3)), [{1}], (4,), r"ks are \[4\]; allowed: 1 to 3"),
        (np.zeros((1, 3)), [{1}], (0,), "allowed: 1 to 3"),
    ],
)
def test_what_cannot_be_measured(ids, relevant, ks, message):
    with pytest.raises(DataError, match=message):
        retrieval_metrics(ids, relevant, ks)
