import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.errors import ConfigError
from kglm.inspection.extraction import subgraph_around, subgraph_between
from kglm.kg import Triple

CHAIN = [Triple(a, "r", b) for a, b in zip("abcde", "bcdef", strict=True)]


def ids(graph, names):
    return [graph.entity_id(name) for name in names]


def names(part):
    return "".join(node.name for node in part.nodes)


def test_around_keeps_seeds_first_and_counts_what_is_left_out(graph_of):
    graph = graph_of(Triple("hub", "r", "heavy", 3.0), *(Triple("hub", "r", f"leaf{number}") for number in range(9)))
    part = subgraph_around(graph, ids(graph, ["hub"]), max_nodes=3)
    assert [(node.name, node.role, node.hops) for node in part.nodes] == [
        ("hub", "seed", 0),
        ("heavy", "other", 1),
        ("leaf0", "other", 1),
    ]
    assert part.total_nodes == 11
    assert part.nodes[0].degree == 10
    assert len(part.edges) == 2
    assert part.title == "1 hop around hub"


def test_filters_apply_to_the_count_too(graph_of):
    graph = graph_of(
        Triple("a", "r", "b", 3.0), Triple("c", "r", "a", 3.0), Triple("a", "s", "d"), Triple("b", "s", "e")
    )
    part = subgraph_around(graph, ids(graph, "a"), hops=2, max_nodes=1, relations=["r"])
    assert (names(part), part.total_nodes) == ("a", 3)
    assert subgraph_around(graph, ids(graph, "a"), hops=2, max_nodes=1, min_weight=2.0).total_nodes == 3
    assert subgraph_around(graph, ids(graph, "a"), hops=2, max_nodes=1).total_nodes == 5


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg")), min_size=1, max_size=12),
    st.integers(1, 3),
    st.integers(1, 8),
)
def test_nodes_edges_and_total_are_those_of_networkx(graph_of, edges, hops, max_nodes):
    graph = graph_of(*(Triple(head, "r", tail) for head, tail in edges))
    seed = edges[0][0]
    part = subgraph_around(graph, ids(graph, [seed]), hops=hops, max_nodes=max_nodes)
    reached = nx.single_source_shortest_path_length(nx.Graph(edges), seed, cutoff=hops)
    assert part.total_nodes == len(reached)
    assert len(part.nodes) == min(max_nodes, len(reached))
    assert all(reached[node.name] == node.hops for node in part.nodes)
    name_of = {node.id: node.name for node in part.nodes}
    shown = {(name_of[edge.source], name_of[edge.target]) for edge in part.edges}
    assert shown == {(head, tail) for head, tail in edges if {head, tail} <= set(name_of.values())}


def test_between_shows_what_lies_on_the_paths(graph_of):
    graph = graph_of(*CHAIN, Triple("a", "r", "x"), Triple("x", "r", "d"), Triple("a", "r", "alone"))
    part = subgraph_between(graph, ids(graph, "a"), ids(graph, "d"), hops=2)
    assert {node.name: node.role for node in part.nodes} == {"a": "question", "d": "choice", "x": "other"}
    longer = subgraph_between(graph, ids(graph, "a"), ids(graph, "d"), hops=3)
    assert {node.name: node.hops for node in longer.nodes} == {"a": 0, "d": 0, "x": 1, "b": 1, "c": 1}
    assert longer.title == "between a and d"
    short = subgraph_between(graph, ids(graph, "a"), ids(graph, "d"), hops=3, max_nodes=3)
    assert (len(short.nodes), short.total_nodes) == (3, 5)


def test_a_common_concept_is_the_choices(graph_of):
    graph = graph_of(*CHAIN)
    part = subgraph_between(graph, ids(graph, "ab"), ids(graph, "b"))
    assert {node.name: node.role for node in part.nodes} == {"a": "question", "b": "choice"}
    with pytest.raises(ConfigError, match="at least one concept each"):
        subgraph_between(graph, ids(graph, "b"), ids(graph, "b"))
