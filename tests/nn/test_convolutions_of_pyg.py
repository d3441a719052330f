"""The convolutions against PyTorch Geometric's."""

from __future__ import annotations

import pytest
import torch

from kglm.nn.gcn import SymmetricConvolution
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.relation_slots import RelationSlots
from kglm.nn.rgcn import RelationalConvolution
from kglm.testing import random_graph_batch

pyg = pytest.importorskip("torch_geometric.nn", reason="needs torch_geometric")
GRAPH = random_graph_batch(dtype=torch.float64)


def triples(graph: GraphBatch) -> tuple[torch.Tensor, torch.Tensor]:
    edges = torch.repeat_interleave(torch.arange(graph.edge_index.shape[1]), graph.edge_relation_offsets.diff())
    return graph.edge_index[:, edges], graph.edge_relations


def test_gcn() -> None:
    mine, theirs = SymmetricConvolution(8, 5).double(), pyg.GCNConv(8, 5).double()
    with torch.no_grad():
        mine.projection.weight.copy_(theirs.lin.weight)
        mine.bias.copy_(theirs.bias.normal_())
    torch.testing.assert_close(
        mine(GRAPH.entity_embeds, GRAPH.edge_index), theirs(GRAPH.entity_embeds, GRAPH.edge_index)
    )


def test_rgcn() -> None:
    mine = RelationalConvolution(num_relations=3, num_bases=2, in_dim=8, out_dim=5).double()
    theirs = pyg.RGCNConv(8, 5, num_relations=6, num_bases=2).double()
    with torch.no_grad():
        mine.matrices.bases.copy_(theirs.weight)
        mine.matrices.coefficients.copy_(theirs.comp)
        mine.self_projection.weight.copy_(theirs.root.t())
        mine.self_projection.bias.copy_(theirs.bias.normal_())
    found = mine(GRAPH.entity_embeds, RelationSlots.of(GRAPH, 3))
    torch.testing.assert_close(found, theirs(GRAPH.entity_embeds, *triples(GRAPH)))
