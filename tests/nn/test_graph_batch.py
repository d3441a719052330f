from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest
import torch

from kglm.nn.graph_batch import CHOICE, QUESTION
from kglm.testing import random_graph_batch


def test_counts_and_moves() -> None:
    graph = random_graph_batch()
    assert (graph.num_graphs, graph.num_nodes, graph.num_paths) == (5, 22, 13)
    assert graph.num_pairs == graph.pair_nodes.shape[1]
    moved = graph.to("meta")
    assert moved.device.type == "meta"
    assert all(getattr(moved, field.name).is_meta for field in fields(moved))
    with pytest.raises(FrozenInstanceError):
        graph.path_pair = torch.zeros(0)


def test_random_graphs_keep_the_contract() -> None:
    for seed in range(5):
        graph = random_graph_batch(seed=seed)
        assert torch.equal(graph.edge_index[:, ::2], graph.edge_index[:, 1::2].flip(0))
        assert torch.equal(graph.pair_graph, graph.pair_graph.sort().values)
        assert torch.equal(
            graph.edge_relation_offsets.diff()[::2],
            graph.edge_relation_offsets.diff()[1::2],
        )
        for k in range(graph.num_paths):
            start, end = graph.path_offsets[k : k + 2].tolist()
            nodes, edges = graph.path_nodes[start:end], graph.path_edges[start:end]
            assert edges[-1] == -1
            assert torch.equal(graph.edge_index[:, edges[:-1]], torch.stack((nodes[:-1], nodes[1:])))
            assert torch.equal(graph.pair_nodes[:, graph.path_pair[k]], nodes[[0, -1]])


def test_each_node_knows_its_graph_and_type() -> None:
    graph = random_graph_batch()
    assert graph.node_graph.bincount(minlength=5).tolist() == graph.node_offsets.diff().tolist()
    assert (graph.node_graph.diff() >= 0).all()
    question, choice = graph.pair_nodes
    assert (graph.node_types[question] == QUESTION).all()
    assert (graph.node_types[choice] == CHOICE).all()
