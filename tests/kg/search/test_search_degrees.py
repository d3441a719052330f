import math
from collections import Counter

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_graph import PlainGraph, triples

from kglm.errors import ConfigError
from kglm.kg import Triple
from kglm.kg.search import degree_histogram, degrees, graph_statistics


def smallest_reaching(values, share):
    """Return the smallest value that at least this share of the values does not exceed."""
    return next(v for v in sorted(values) if sum(other <= v for other in values) >= share * len(values))


@settings(max_examples=25)
@given(triples(60), st.integers(0, 12))
def test_the_numbers_are_those_counted_plainly(graph_of, items, hubs):
    graph = graph_of(*items)
    plain = PlainGraph(graph)
    size, edges = plain.num_entities, plain.edges
    leaving, entering = Counter(edge.head for edge in edges), Counter(edge.tail for edge in edges)
    total = [leaving[entity] + entering[entity] for entity in range(size)]
    found = degrees(graph)
    assert found.outgoing.tolist() == [leaving[entity] for entity in range(size)]
    assert found.incoming.tolist() == [entering[entity] for entity in range(size)]
    assert found.total.tolist() == total
    assert dict(zip(*map(np.ndarray.tolist, degree_histogram(found.total)), strict=True)) == Counter(total)

    told = graph_statistics(graph, hubs=hubs, quantiles=(0, 0.3, 0.5, 1))
    pairs = Counter((edge.head, edge.tail) for edge in edges if edge.head != edge.tail)
    simple = nx.DiGraph(list(pairs))
    assert (told.num_entities, told.num_triples, told.num_relations) == (size, len(edges), len(graph.relations))
    assert told.num_links == simple.to_undirected().number_of_edges()
    assert told.self_loops == sum(edge.head == edge.tail for edge in edges)
    assert (told.ordered_pairs, told.multi_edges) == (len(pairs), sum(count > 1 for count in pairs.values()))
    if pairs:
        assert told.reciprocity == pytest.approx(nx.overall_reciprocity(simple))
        simple.add_nodes_from(range(size))
        assert told.density == pytest.approx(nx.density(simple))
    else:
        assert math.isnan(told.reciprocity)
    assert told.mean_degree == pytest.approx(sum(total) / size)
    assert told.degree_quantiles.tolist() == [smallest_reaching(total, share) for share in told.quantiles]
    weights = [edge.weight for edge in edges]
    assert told.weight_quantiles.tolist() == [smallest_reaching(weights, share) for share in told.quantiles]
    assert told.relation_counts.tolist() == [
        sum(edge.relation == relation for edge in edges) for relation in range(len(graph.relations))
    ]
    ranked = sorted(range(size), key=lambda entity: (-total[entity], entity))[:hubs]
    assert told.hubs.tolist() == ranked
    assert told.hub_degrees.tolist() == [total[entity] for entity in ranked]


def test_a_graph_of_one_entity_has_no_density(graph_of):
    told = graph_statistics(graph_of(Triple("a", "r", "a")))
    assert math.isnan(told.density)
    assert math.isnan(told.reciprocity)
    assert told.self_loops == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hubs": -1}, "hubs is -1, expected a whole number of at least 0"),
        ({"quantiles": [1.5]}, "quantiles hold 1.5, expected numbers of 0 to 1"),
    ],
)
def test_a_bad_option_is_named(graph_of, options, message):
    with pytest.raises(ConfigError, match=message):
        graph_statistics(graph_of(Triple("a", "r", "b")), **options)
