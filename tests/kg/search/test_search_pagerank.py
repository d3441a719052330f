import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_graph import PlainGraph, triples

from kglm.errors import ConfigError
from kglm.kg import Triple
from kglm.kg.search import exact_pagerank, personalized_pagerank


def plain_pagerank(plain, seeds, shares, alpha, weighted):
    """Return the solution of π = α s + (1 − α) π W, by solving the equations."""
    size = plain.num_entities
    step, restart = np.zeros((size, size)), np.zeros(size)
    for entity in range(size):
        for other, weight in plain.link_weights(entity).items():
            step[entity, other] = weight if weighted else 1.0
        total = step[entity].sum()
        step[entity] = step[entity] / total if total else np.eye(size)[entity]
    np.add.at(restart, seeds, np.array(shares) / sum(shares))
    return np.linalg.solve(np.eye(size) - (1 - alpha) * step.T, alpha * restart)


def dense(graph, ranking):
    scores = np.zeros(graph.num_entities)
    scores[ranking[0]] = ranking[1]
    return scores


@st.composite
def seed_sets(draw, size):
    seeds = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4))
    return seeds, [draw(st.sampled_from([0.5, 1.0, 3.0])) for _ in seeds]


@settings(max_examples=25)
@given(triples(), st.sampled_from([0.1, 0.5, 0.85]), st.booleans(), st.sampled_from([1e-3, 1e-8]), st.data())
def test_scores_are_within_the_stated_bounds(graph_of, items, alpha, weighted, tolerance, data):
    graph = graph_of(*items)
    plain = PlainGraph(graph)
    sets = data.draw(st.lists(seed_sets(graph.num_entities), min_size=1, max_size=3))
    options = {"seed_weights": [shares for _, shares in sets], "alpha": alpha, "weighted": weighted}
    seeds = [seeds for seeds, _ in sets]
    rankings = personalized_pagerank(graph, seeds, tolerance=tolerance, **options)
    exact = exact_pagerank(graph, seeds, tolerance=1e-10, **options)
    skew = 6.0 if weighted else 1.0  # heaviest / lightest weight of the strategy
    degrees = np.array([max(len(plain.link_weights(entity)), 1) for entity in range(graph.num_entities)])
    for index, (chosen, shares) in enumerate(sets):
        expected = plain_pagerank(plain, chosen, shares, alpha, weighted)
        assert np.abs(exact[index] - expected).sum() <= 1e-9
        missing = expected - dense(graph, rankings[index])
        assert (missing >= -1e-6).all()
        assert (missing <= tolerance * degrees * skew + 1e-6).all()
        assert missing.sum() == pytest.approx(rankings.residuals[index], abs=1e-6)


@settings(max_examples=12)
@given(triples(), st.integers(1, 5), st.data())
def test_the_ranking_is_by_score_then_by_id_and_cut(graph_of, items, top_k, data):
    graph = graph_of(*items)
    seeds = [data.draw(st.lists(st.integers(0, graph.num_entities - 1), max_size=3)) for _ in range(2)]
    whole = personalized_pagerank(graph, seeds)
    cut = personalized_pagerank(graph, seeds, top_k=top_k)
    for index in range(2):
        entities, scores = (array.tolist() for array in whole[index])
        order = sorted(range(len(entities)), key=lambda i: (-scores[i], entities[i]))
        assert order == list(range(len(entities)))
        assert [array.tolist() for array in cut[index]] == [entities[:top_k], scores[:top_k]]
    assert cut.residuals.tolist() == whole.residuals.tolist()


def test_networkx_agrees(graph_of):
    graph = graph_of(*(Triple(f"e{i % 20}", "r", f"e{i * 7 % 23}", 1.0 + i % 3) for i in range(80)))
    plain, built = PlainGraph(graph), nx.Graph()
    built.add_nodes_from(range(graph.num_entities))
    for entity in range(graph.num_entities):
        built.add_weighted_edges_from((entity, other, weight) for other, weight in plain.link_weights(entity).items())
    assert min(degree for _, degree in built.degree) > 0
    expected = nx.pagerank(built, alpha=0.8, personalization={3: 1.0, 5: 1.0}, tol=1e-12)
    (exact,) = exact_pagerank(graph, [[3, 5]], alpha=0.2)
    assert exact == pytest.approx([expected[entity] for entity in range(graph.num_entities)], abs=1e-8)


def test_the_result_does_not_depend_on_workers_or_company(graph_of):
    graph = graph_of(*(Triple(f"e{i % 40}", "r", f"e{i * 7 % 41}", 1.0 + i % 3) for i in range(200)))
    seeds = [[i % graph.num_entities] for i in range(600)]
    one, three = (personalized_pagerank(graph, seeds, top_k=5, workers=workers) for workers in (1, 3))
    for field in ("offsets", "entities", "scores", "residuals"):
        assert getattr(one, field).tolist() == getattr(three, field).tolist()
    alone = personalized_pagerank(graph, seeds[599:], top_k=5)
    assert alone.scores.tolist() == one[599][1].tolist()


def test_pushes_can_be_limited_and_the_residual_tells(graph_of):
    graph = graph_of(Triple("a", "r", "b"), Triple("b", "r", "c"))
    found = personalized_pagerank(graph, [["a"]], alpha=0.25, max_pushes=1)
    assert found.entities.tolist() == [graph.entity_id("a")]
    assert found.scores.tolist() == [0.25]
    assert found.residuals.tolist() == [0.75]


def test_entities_without_links_keep_what_they_hold(graph_of):
    graph = graph_of(Triple("a", "r", "a"), Triple("b", "r", "c"))
    found = personalized_pagerank(graph, [["a"], []])
    assert found[0][1].tolist() == [1.0]
    assert found.residuals.tolist() == [0.0, 0.0]
    assert found[1][0].tolist() == []
    assert exact_pagerank(graph, [["a"], []]).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0.0}, "alpha is 0.0, expected a number above 0 and below 1"),
        ({"alpha": 1.0}, "alpha is 1.0, expected a number above 0 and below 1"),
        ({"tolerance": float("nan")}, "tolerance is nan, expected a number above 0 and below 1"),
        ({"top_k": 0}, "top_k is 0, expected a whole number of at least 1"),
        ({"max_pushes": 0}, "max_pushes is 0, expected a whole number of at least 1"),
    ],
)
def test_a_bad_option_is_named(graph_of, options, message):
    with pytest.raises(ConfigError, match=message):
        personalized_pagerank(graph_of(Triple("a", "r", "b")), [[0]], **options)


def test_too_few_iterations_are_told(graph_of):
    with pytest.raises(ConfigError, match="max_iterations is 3, too few for a tolerance of 1e-09"):
        exact_pagerank(graph_of(Triple("a", "r", "b"), Triple("b", "r", "c")), [["a"]], max_iterations=3)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[1.0]], r"seed_weights have the lengths \[1\], the sets of seeds \[2\]"),
        ([[1.0, 0.0]], "seed_weights hold 0.0, expected positive numbers"),
        ([[1.0, float("inf")]], "seed_weights hold inf, expected positive numbers"),
    ],
)
def test_bad_seed_weights_are_refused(graph_of, weights, message):
    with pytest.raises(ValueError, match=message):
        personalized_pagerank(graph_of(Triple("a", "r", "b")), [[0, 1]], seed_weights=weights)
