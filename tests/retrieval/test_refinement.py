import numpy as np
import pytest

from kglm.retrieval.refinement import refine


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_candidates_are_ordered_by_their_whole_vectors(vectors, queries, naive, metric):
    draw = np.random.default_rng(0)
    candidates = np.stack([draw.permutation(len(vectors))[:30] for _ in queries])
    candidates[:, 25:] = -1
    values, rows = refine(vectors, queries, candidates, 4, metric)
    kind = "l2" if metric == "l2" else "inner_product"
    expected = np.take_along_axis(naive(vectors, queries, kind), candidates[:, :25], axis=1)
    order = np.argsort(-expected, axis=1)[:, :4]
    assert (rows == np.take_along_axis(candidates, order, axis=1)).all()
    found = -values if metric == "l2" else values
    np.testing.assert_allclose(found, np.take_along_axis(expected, order, axis=1), rtol=1e-4, atol=1e-4)


def test_missing_candidates_come_last(vectors, queries):
    candidates = np.array([[-1, 5, -1], [-1, -1, -1]])
    values, rows = refine(vectors, queries[:2], candidates, 2, "l2")
    assert rows.tolist() == [[5, -1], [-1, -1]]
    assert np.isinf(values[0, 1])
    assert np.isinf(values[1]).all()
