import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_graph import RELATIONS, PlainGraph, known, triples

from kglm.errors import ConfigError
from kglm.kg import Triple
from kglm.kg.search import connected_components

SEARCHES = {"weak": nx.weakly_connected_components, "strong": nx.strongly_connected_components}


@settings(max_examples=25)
@given(triples(25), st.none() | st.just(["r"]) | st.just(RELATIONS), st.sampled_from([0.0, 2.0]))
def test_components_are_those_of_networkx(graph_of, items, relations, min_weight):
    graph = graph_of(*items)
    options = known(graph, {"relations": relations, "min_weight": min_weight})
    built = PlainGraph(graph).networkx(direction="out", **options)
    for connection, search in SEARCHES.items():
        expected = sorted(map(sorted, search(built)), key=lambda members: (-len(members), members[0]))
        found = connected_components(graph, connection=connection, **options)
        assert [found.members(index).tolist() for index in range(len(found))] == expected
        assert found.sizes.tolist() == [len(members) for members in expected]


@pytest.mark.parametrize("connection", ["weak", "strong"])
def test_a_long_chain_and_a_long_ring_need_no_recursion(graph_of, connection):
    chain = [Triple(f"a{i:05}", "r", f"a{i + 1:05}") for i in range(20_000)]
    ring = [Triple(f"b{i:05}", "r", f"b{(i + 1) % 20_000:05}") for i in range(20_000)]
    found = connected_components(graph_of(*chain, *ring), connection=connection)
    assert found.sizes.tolist() == ([20_001, 20_000] if connection == "weak" else [20_000] + [1] * 20_001)


def test_another_kind_of_connection_is_refused(graph_of):
    with pytest.raises(ConfigError, match="connection is 'loose', expected one of 'weak', 'strong'"):
        connected_components(graph_of(Triple("a", "r", "b")), connection="loose")
