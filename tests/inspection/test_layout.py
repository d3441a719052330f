import numpy as np
import pytest
from subgraphs import digging, make_subgraph, random_subgraph

from kglm.errors import ConfigError
from kglm.inspection import layout
from kglm.inspection.layout import lay_out_subgraph


def test_the_same_subgraph_gives_the_same_layout():
    subgraph = random_subgraph(60, 120)
    assert np.array_equal(lay_out_subgraph(subgraph), lay_out_subgraph(subgraph))
    assert not np.array_equal(lay_out_subgraph(subgraph), lay_out_subgraph(subgraph, seed=1))


def test_question_concepts_stand_left_of_the_choice():
    positions = lay_out_subgraph(digging())
    assert positions[0, 0] < positions[1, 0]


def test_without_roles_the_longest_extent_is_level_and_the_first_node_left():
    chain = make_subgraph(list("abcdef"), [(i, i + 1, "IsA") for i in range(5)])
    positions = lay_out_subgraph(chain)
    assert np.ptp(positions[:, 0]) > 5 * np.ptp(positions[:, 1])
    assert positions[0, 0] == positions[:, 0].min()


def test_parts_do_not_overlap():
    triangles = [(3 * t + i, 3 * t + (i + 1) % 3, "IsA") for t in range(4) for i in range(3)]
    positions = lay_out_subgraph(make_subgraph([str(i) for i in range(14)], triangles))
    parts = [positions[3 * t : 3 * t + 3] for t in range(4)] + [positions[12:13], positions[13:]]
    for number, part in enumerate(parts):
        for other in parts[:number]:
            apart = np.maximum(part.min(axis=0) - other.max(axis=0), other.min(axis=0) - part.max(axis=0))
            assert apart.max() >= layout.PART_GAP - 1e-6


def test_neighbours_are_nearer_than_strangers():
    subgraph = random_subgraph(80, 110, seed=2)
    positions = lay_out_subgraph(subgraph)
    index = {node.id: number for number, node in enumerate(subgraph.nodes)}
    linked = [
        np.hypot(*(positions[index[e.source]] - positions[index[e.target]]))
        for e in subgraph.edges
        if e.source != e.target
    ]
    every = np.hypot(*(positions[:, None] - positions[None]).T)
    assert np.mean(linked) < 0.6 * every[np.triu_indices(80, 1)].mean()


def test_the_first_nodes_stand_as_if_there_were_no_others():
    whole = random_subgraph(50, 90, seed=4)
    ids = {node.id for node in whole.nodes[:20]}
    part = type(whole)(
        title=whole.title,
        graph_name=whole.graph_name,
        fingerprint=whole.fingerprint,
        nodes=whole.nodes[:20],
        edges=tuple(e for e in whole.edges if e.source in ids and e.target in ids),
        total_nodes=20,
    )
    assert np.array_equal(lay_out_subgraph(whole, first=20)[:20], lay_out_subgraph(part))
    assert np.isfinite(lay_out_subgraph(whole, first=20)).all()


@pytest.mark.parametrize("num_nodes", [0, 1, 2])
def test_hardly_anything(num_nodes):
    assert lay_out_subgraph(make_subgraph("ab"[:num_nodes], [])).shape == (num_nodes, 2)


def test_too_many_nodes_are_refused(monkeypatch):
    monkeypatch.setattr(layout, "MAX_NODES", 3)
    with pytest.raises(ConfigError, match=r"4 nodes cannot be laid out; at most 3.*max_nodes"):
        lay_out_subgraph(digging())
