from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_graph import PlainGraph, filters, known, several, triples

from kglm.errors import ConfigError
from kglm.kg import Triple
from kglm.kg.search import shortest_paths

COSTS = {
    "hops": ("hops", lambda weight: 1.0),
    "inverse": ("inverse", lambda weight: 1 / weight),
    "rising": (lambda weights: weights**2, lambda weight: weight**2),
}


def assert_is_a_cheapest_path(plain, path, source, target, cost, options, expected):
    entities = path.entities.tolist()
    assert (entities[0], entities[-1]) == (source, target)
    assert len(set(entities)) == len(entities)
    total = 0.0
    for (here, there), relation in zip(pairwise(entities), path.relations.tolist(), strict=True):
        ways = [(cost(w), r) for r, other, w in plain.steps(here, **options) if other == there]
        assert relation == min(ways)[1]
        total += min(ways)[0]
    assert path.cost == pytest.approx(total)
    assert path.cost == pytest.approx(expected)


@settings(max_examples=25)
@given(triples(60), several(st.tuples(filters(), st.sampled_from(sorted(COSTS)), st.sampled_from([1.75, np.inf]))))
def test_paths_are_as_cheap_as_those_of_networkx(graph_of, items, cases):
    graph = graph_of(*items)
    plain = PlainGraph(graph)
    pairs = [(s, t) for s in range(graph.num_entities) for t in range(graph.num_entities)]
    for options, name, bound in cases:
        options = known(graph, options)
        compiled_cost, cost = COSTS[name]
        found = shortest_paths(graph, *np.array(pairs).T, cost=compiled_cost, max_cost=bound, **options)
        distances = dict(nx.all_pairs_dijkstra_path_length(plain.networkx(cost, **options), weight="cost"))
        for (source, target), path, told in zip(pairs, found, found.costs, strict=True):
            expected = distances[source].get(target, np.inf)
            if expected > bound or np.isinf(expected):
                assert path is None
                assert told == np.inf
            else:
                assert_is_a_cheapest_path(plain, path, source, target, cost, options, expected)


@pytest.mark.parametrize("name", ["hops", "inverse"])
def test_paths_in_a_larger_graph_are_as_cheap_as_those_of_networkx(graph_of, name):
    rng = np.random.default_rng(0)
    heads, tails, weights = rng.zipf(1.6, 1500) % 400, rng.integers(0, 400, 1500), rng.uniform(0.1, 9, 1500)
    graph = graph_of(*(Triple(f"e{h}", "r", f"e{t}", w) for h, t, w in zip(heads, tails, weights, strict=True)))
    plain = PlainGraph(graph)
    compiled_cost, cost = COSTS[name]
    sources, targets = rng.integers(0, graph.num_entities, (2, 300))
    for direction in ("out", "both"):
        options = {"direction": direction}
        distances = dict(nx.all_pairs_dijkstra_path_length(plain.networkx(cost, **options), weight="cost"))
        found = shortest_paths(graph, sources, targets, cost=compiled_cost, direction=direction)
        for source, target, path in zip(sources.tolist(), targets.tolist(), found, strict=True):
            if path is None:
                assert target not in distances[source]
            else:
                assert_is_a_cheapest_path(plain, path, source, target, cost, options, distances[source][target])


def test_the_result_does_not_depend_on_workers_or_company(graph_of):
    graph = graph_of(*(Triple(f"e{i % 40}", "r", f"e{i * 7 % 41}", 1.0 + i % 3) for i in range(200)))
    sources, targets = np.arange(600) % graph.num_entities, np.arange(600) * 3 % graph.num_entities
    one, three = (shortest_paths(graph, sources, targets, workers=workers) for workers in (1, 3))
    for field in ("offsets", "entities", "relations", "costs"):
        assert getattr(one, field).tolist() == getattr(three, field).tolist()
    alone = shortest_paths(graph, sources[599:], targets[599:])
    assert alone[0].entities.tolist() == one[599].entities.tolist()


def test_what_is_not_joined_is_told_and_a_path_to_oneself_has_no_hop(graph_of):
    graph = graph_of(Triple("a", "r", "b"), Triple("c", "r", "c"))
    found = shortest_paths(graph, ["a", "a", "a"], ["c", "b", "a"])
    assert found[0] is None
    assert found.costs.tolist() == [np.inf, 1.0, 0.0]
    assert found.entities.tolist() == [0, 1, 0]
    assert found.relations.tolist() == [0, -1, -1]
    assert found.offsets.tolist() == [0, 0, 2, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cost": "miles"}, "cost is 'miles', expected one of 'hops', 'inverse'"),
        ({"cost": lambda weights: weights - 1}, "cost is 0.0 for the weight 1.0, expected a positive, finite number"),
        ({"cost": lambda weights: weights.sum()}, r"cost returned the shape \(\) for \(1,\) weights"),
        ({"max_cost": -1}, "max_cost is -1, expected a number of at least 0"),
        ({"max_cost": float("nan")}, "max_cost is nan, expected a number of at least 0"),
    ],
)
def test_a_bad_option_is_named(graph_of, options, message):
    with pytest.raises(ConfigError, match=message):
        shortest_paths(graph_of(Triple("a", "r", "b")), [0], [1], **options)


def test_sources_and_targets_must_be_as_many(graph_of):
    with pytest.raises(ValueError, match="2 sources but 1 targets; expected as many"):
        shortest_paths(graph_of(Triple("a", "r", "b")), [0, 1], [1])
