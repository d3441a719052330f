import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.kg import Triple
from kglm.linking.priors import degrees, surface_prior

pairs = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=6)


@given(pairs, st.floats(0.01, 100))
def test_the_prior_is_what_its_equation_says(rows, smoothing):
    counts, links = np.array(rows).T
    expected = []
    for count, link in rows:
        by_degree = (link + 1) / sum(other + 1 for _, other in rows)
        expected.append((count + smoothing * by_degree) / (sum(c for c, _ in rows) + smoothing))
    prior = surface_prior(counts, links, smoothing)
    assert prior == pytest.approx(expected)
    assert prior.sum() == pytest.approx(1)
    assert (prior > 0).all()


def test_what_was_never_counted_goes_by_its_links():
    assert surface_prior(np.array([0, 0]), np.array([2, 0])) == pytest.approx([0.75, 0.25])


def test_degrees_are_numbers_of_neighbours(graph_of):
    graph = graph_of(Triple("a", "r", "b"), Triple("b", "s", "a"), Triple("a", "r", "c"))
    assert degrees(graph, np.array([0, 1, 2])).tolist() == [2, 1, 1]


def test_smoothing_must_be_positive():
    with pytest.raises(ValueError, match="smoothing is 0, expected more than 0"):
        surface_prior(np.array([1]), np.array([1]), 0)
