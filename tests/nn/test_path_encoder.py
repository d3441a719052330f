from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from naive_reasoners import naive_paths
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from kglm.nn import GraphBatch
from kglm.nn.path_encoder import PathEncoder
from kglm.testing import random_graph, random_graph_batch


@pytest.fixture
def encoder() -> PathEncoder:
    torch.manual_seed(0)
    return PathEncoder(8, num_relations=3, relation_dim=5, path_dim=6).double()


GRAPH = random_graph_batch(seed=2, max_path_nodes=5, dtype=torch.float64)


def test_against_a_loop(encoder: PathEncoder) -> None:
    assert len(GRAPH.path_offsets.diff().unique()) >= 3
    expected = torch.stack(naive_paths(encoder, GRAPH.entity_embeds, GRAPH))
    torch.testing.assert_close(encoder(GRAPH.entity_embeds, GRAPH), expected)


def test_against_torch_lstm_on_packed_sequences(encoder: PathEncoder) -> None:
    lstm = nn.LSTM(13, 6).double()
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(torch.cat((encoder.node_gates.weight, encoder.relation_gates.weight), dim=1))
        lstm.weight_hh_l0.copy_(encoder.hidden_gates.weight)
        lstm.bias_ih_l0.copy_(encoder.node_gates.bias)
        lstm.bias_hh_l0.zero_()
    relations = encoder.relations(GRAPH.edge_relations, GRAPH.edge_relation_offsets)
    leaving = torch.where(GRAPH.path_edges[:, None] >= 0, relations[GRAPH.path_edges], 0.0)
    steps = torch.cat((GRAPH.entity_embeds[GRAPH.path_nodes], leaving), dim=1)
    sequences = steps.split(GRAPH.path_offsets.diff().tolist())
    _, (hidden, _) = lstm(pack_sequence(sequences, enforce_sorted=False))
    torch.testing.assert_close(encoder(GRAPH.entity_embeds, GRAPH), hidden[0])


def test_the_last_real_step_counts(encoder: PathEncoder) -> None:
    """A short path gives the same vector alone and beside longer ones."""
    together = encoder(GRAPH.entity_embeds, GRAPH)
    for k in range(GRAPH.num_paths):
        start, end = GRAPH.path_offsets[k : k + 2].tolist()
        alone = replace(
            GRAPH,
            path_pair=GRAPH.path_pair[k : k + 1],
            path_nodes=GRAPH.path_nodes[start:end],
            path_edges=GRAPH.path_edges[start:end],
            path_offsets=torch.tensor([0, end - start]),
        )
        torch.testing.assert_close(encoder(GRAPH.entity_embeds, alone)[0], together[k])


def test_a_reversed_path_walks_the_inverse_relations(encoder: PathEncoder) -> None:
    """Swapping relations r and r + R reverses the graph: edge 2k and 2k + 1 change places."""
    graph = random_graph(seed=5, dtype=torch.float64)
    swapped_table = encoder.relations.embedding.weight.detach().roll(3, 0)
    flipped: GraphBatch = replace(graph, path_edges=torch.where(graph.path_edges < 0, -1, graph.path_edges ^ 1))
    expected = encoder(graph.entity_embeds, graph)
    assert not torch.allclose(encoder(graph.entity_embeds, flipped), expected)
    with torch.no_grad():
        encoder.relations.embedding.weight.copy_(swapped_table)
    torch.testing.assert_close(encoder(graph.entity_embeds, flipped), expected)


@pytest.mark.parametrize("nodes", [0, 4])
def test_without_paths_every_parameter_still_takes_part(encoder: PathEncoder, nodes: int) -> None:
    graph = random_graph(num_nodes=nodes, num_paths=0, num_extra_edges=0, dtype=torch.float64)
    vectors = encoder(graph.entity_embeds, graph)
    assert vectors.shape == (0, 6)
    vectors.sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())
