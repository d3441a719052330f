from __future__ import annotations

import pytest
import torch
from naive_reasoners import naive_convolution

from kglm.nn.graph_convolution import GraphConvolution
from kglm.testing import concatenate_graphs, random_graph


@pytest.fixture(params=[True, False], ids=["mean", "sum"])
def layer(request: pytest.FixtureRequest) -> GraphConvolution:
    torch.manual_seed(0)
    return GraphConvolution(8, 5, normalize=request.param).double()


GRAPH = random_graph(seed=3, num_nodes=7, dtype=torch.float64)


def test_against_a_loop(layer: GraphConvolution) -> None:
    out = layer(GRAPH.entity_embeds, GRAPH.edge_index)
    torch.testing.assert_close(out, naive_convolution(layer, GRAPH.entity_embeds, GRAPH.edge_index))


def test_node_permutation_equivariance(layer: GraphConvolution) -> None:
    order = torch.randperm(GRAPH.num_nodes)
    out = layer(GRAPH.entity_embeds[order], order.argsort()[GRAPH.edge_index])
    torch.testing.assert_close(out, layer(GRAPH.entity_embeds, GRAPH.edge_index)[order])


def test_edge_permutation_invariance(layer: GraphConvolution) -> None:
    order = torch.randperm(GRAPH.edge_index.shape[1])
    out = layer(GRAPH.entity_embeds, GRAPH.edge_index[:, order])
    torch.testing.assert_close(out, layer(GRAPH.entity_embeds, GRAPH.edge_index))


def test_batched_is_single(layer: GraphConvolution) -> None:
    graphs = [GRAPH, random_graph(seed=4, num_nodes=0, num_paths=0, dtype=torch.float64), GRAPH]
    batch = concatenate_graphs(graphs)
    single = torch.cat([layer(graph.entity_embeds, graph.edge_index) for graph in graphs])
    torch.testing.assert_close(layer(batch.entity_embeds, batch.edge_index), single)


def test_a_node_without_neighbours_keeps_only_itself(layer: GraphConvolution) -> None:
    nodes = torch.randn(2, 8, dtype=torch.float64)
    none = torch.zeros(2, 0, dtype=torch.long)
    torch.testing.assert_close(layer(nodes, none), layer.self_projection(nodes).relu())
