"""Graph convolutional network: the baseline that sees links but not their relations."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kglm.nn.attentive_pooling import AttentivePooling
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.ragged import segment_sum
from kglm.nn.reasoner import Reasoner, ReasonerOutput


class SymmetricConvolution(nn.Module):
    r"""The graph convolution of Kipf and Welling (ICLR 2017, arXiv:1609.02907, eq. 2), without its activation.

    .. math:: h_i' = W \sum_{j \in N(i) \cup \{i\}} \frac{h_j}{\sqrt{d_i d_j}} + b

    :math:`d_i` is the number of edges that end in i, and one for its loop. Gives what ``GCNConv`` of PyTorch
    Geometric gives. Rows are projected before they are gathered: N products with the matrix, not E.

    Args:
        in_dim: dimension of the incoming node vectors.
        out_dim: dimension of the outgoing node vectors.

    Shapes:
        nodes: ``[N, in_dim]``; edge_index: ``[2, E]``; out: ``[N, out_dim]``
    """

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.projection = nn.Linear(in_dim, out_dim, bias=False)
        self.bias = nn.Parameter(torch.zeros(out_dim))

    def reset_parameters(self) -> None:
        """Set the bias to zero; the projection resets itself."""
        nn.init.zeros_(self.bias)

    def forward(self, nodes: Tensor, edge_index: Tensor) -> Tensor:
        """Return the updated node vectors."""
        source, target = edge_index
        projected = self.projection(nodes)
        degrees = 1 + segment_sum(torch.ones_like(target, dtype=projected.dtype), target, nodes.shape[0])
        scaled = projected * degrees.rsqrt().unsqueeze(-1)
        gathered = scaled.index_add(0, target, scaled.index_select(0, source))
        return gathered * degrees.rsqrt().unsqueeze(-1) + self.bias


class GCN(Reasoner):
    """Graph convolutions over all nodes, and the statement's attention over what comes out.

    The GCN baseline of KagNet and MHGRN: relations are not read. Evidence: the attention over nodes.

    Args:
        entity_dim: dimension of the entity vectors in the batch.
        statement_dim: dimension of the statement vector.
        node_dim: entities are projected to this dimension, which all layers and the graph vector have.
        num_layers: graph convolutions, each with a ReLU.
        num_heads: heads of the attention over nodes; must divide ``node_dim``.
        dropout: on the node vectors, before and after each layer.

    Shapes:
        statement: ``[G, statement_dim]``; graph_vector: ``[G, node_dim]``
    """

    def __init__(
        self,
        *,
        entity_dim: int,
        statement_dim: int,
        node_dim: int = 100,
        num_layers: int = 2,
        num_heads: int = 2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.concept_projection = nn.Linear(entity_dim, node_dim)
        self.convolutions = nn.ModuleList(SymmetricConvolution(node_dim, node_dim) for _ in range(num_layers))
        self.pooling = AttentivePooling(
            in_dim=node_dim, statement_dim=statement_dim, out_dim=node_dim, num_heads=num_heads
        )
        self.dropout = nn.Dropout(dropout)
        self.output_dim = node_dim

    def forward(self, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
        """Return the graph vectors and the attention over nodes."""
        dtype = self.concept_projection.weight.dtype
        nodes = self.dropout(self.concept_projection(graph.entity_embeds.to(dtype)))
        for convolution in self.convolutions:
            nodes = self.dropout(torch.relu(convolution(nodes, graph.edge_index)))
        pooled, weights = self.pooling(nodes, graph.node_graph, statement.to(dtype))
        return ReasonerOutput(pooled, node_attention=weights.mean(-1))
