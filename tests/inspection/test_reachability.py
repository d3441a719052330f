import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.inspection.reachability import FAR, distances_between
from kglm.kg import Triple

NODES = 12
EDGES = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), min_size=1, max_size=18)
SETS = st.lists(st.integers(0, NODES - 1), max_size=3, unique=True)


def naive(edges, sources, targets):
    """The least number of links between two sets, by networkx."""
    graph = nx.Graph()
    graph.add_nodes_from(range(NODES))
    graph.add_edges_from(edges)
    lengths = [
        nx.shortest_path_length(graph, source, target)
        for source in sources
        for target in targets
        if nx.has_path(graph, source, target)
    ]
    return min([FAR, *lengths])


@settings(max_examples=20)
@given(EDGES, st.lists(st.tuples(SETS, st.lists(SETS, min_size=1, max_size=3)), min_size=1, max_size=4))
def test_distances_are_those_of_networkx(graph_of, edges, questions):
    # A self-loop for each node, so that all of them are entities.
    graph = graph_of(
        *(Triple(f"{node:02d}", "self", f"{node:02d}") for node in range(NODES)),
        *(Triple(f"{head:02d}", "r", f"{tail:02d}") for head, tail in edges),
    )
    sets = [np.asarray(sources, dtype=np.int64) for sources, _ in questions]
    others = [np.asarray(targets, dtype=np.int64) for _, choices in questions for targets in choices]
    first = [at for at, (_, choices) in enumerate(questions) for _ in choices]
    expected = [naive(edges, sources, targets) for sources, choices in questions for targets in choices]
    assert distances_between(graph, sets, others, first).tolist() == expected


def test_an_id_outside_the_graph_is_refused(graph_of):
    graph = graph_of(Triple("a", "r", "b"))
    with pytest.raises(ValueError, match="entity id 2 is outside the graph of 2 entities"):
        distances_between(graph, [np.asarray([0])], [np.asarray([2])], [0])


def test_nothing_gives_nothing(graph_of):
    assert distances_between(graph_of(Triple("a", "r", "b")), [], [], []).tolist() == []
