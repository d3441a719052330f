import networkx as nx
import numpy as np
import pytest

from kglm.inspection.stress import _distances, stress_positions


def arrays(graph, length=None):
    rows = [sorted(graph[node]) for node in range(len(graph))]
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    neighbors = np.array([other for row in rows for other in row], dtype=np.int32)
    lengths = [graph[node][other].get(length, 1.0) for node, row in enumerate(rows) for other in row]
    return indptr, neighbors, np.array(lengths, dtype=np.float32)


def stress(positions, graph):
    """The formula of the paper, pair by pair."""
    apart = dict(nx.all_pairs_shortest_path_length(graph))
    return sum(
        (np.hypot(*(positions[i] - positions[j])) - apart[i][j]) ** 2 / apart[i][j] ** 2
        for i in range(len(graph))
        for j in range(i)
    )


@pytest.mark.parametrize("seed", range(5))
def test_distances_are_dijkstras(seed):
    graph = nx.connected_watts_strogatz_graph(30, 4, 0.4, seed=seed)
    rng = np.random.default_rng(seed)
    for *_, values in graph.edges(data=True):
        values["length"] = float(np.float32(rng.uniform(0.5, 3)))
    expected = dict(nx.all_pairs_dijkstra_path_length(graph, weight="length"))
    found = _distances(*arrays(graph, "length"))
    assert found == pytest.approx(np.array([[expected[i][j] for j in range(30)] for i in range(30)]), rel=1e-5)


@pytest.mark.parametrize("graph", [nx.path_graph(9), nx.grid_2d_graph(5, 5), nx.cycle_graph(12)], ids=str)
def test_the_stress_comes_near_to_the_best_known(graph):
    graph = nx.convert_node_labels_to_integers(graph, ordering="sorted")
    ours = stress(stress_positions(*arrays(graph)), graph)
    layout = nx.kamada_kawai_layout(graph, scale=1)
    points = np.array([layout[node] for node in range(len(graph))])
    theirs = min(stress(points * factor, graph) for factor in np.linspace(0.2, 12, 300))
    assert ours <= 1.1 * theirs + 0.05


def test_a_path_becomes_a_line_with_links_of_the_wanted_length():
    positions = stress_positions(*arrays(nx.path_graph(5)))
    assert np.hypot(*(positions[0] - positions[4])) == pytest.approx(4, abs=0.05)


def test_the_same_seed_gives_the_same_positions():
    graph = arrays(nx.barabasi_albert_graph(40, 2, seed=1))
    assert np.array_equal(stress_positions(*graph, seed=3), stress_positions(*graph, seed=3))
    assert not np.array_equal(stress_positions(*graph, seed=3), stress_positions(*graph, seed=4))


def test_fixed_nodes_stay_and_the_others_find_their_distance():
    fixed = np.full((3, 2), np.nan)
    fixed[0], fixed[2] = (5.0, 5.0), (7.0, 5.0)
    positions = stress_positions(*arrays(nx.path_graph(3)), fixed=fixed)
    assert positions[[0, 2]].tolist() == [[5.0, 5.0], [7.0, 5.0]]
    assert positions[1] == pytest.approx([6.0, 5.0], abs=0.25)


def test_all_fixed_or_a_single_node():
    fixed = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert np.array_equal(stress_positions(*arrays(nx.path_graph(2)), fixed=fixed), fixed)
    assert stress_positions(*arrays(nx.path_graph(1))).tolist() == [[0.0, 0.0]]
    assert stress_positions(*arrays(nx.path_graph(1)), fixed=fixed[:1]).tolist() == [[1.0, 2.0]]
