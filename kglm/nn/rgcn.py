"""Relational graph convolutional network with basis decomposition."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kglm.nn.attentive_pooling import AttentivePooling
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.ragged import bag_sum
from kglm.nn.reasoner import Reasoner, ReasonerOutput
from kglm.nn.relation_matrices import RelationMatrices
from kglm.nn.relation_slots import RelationSlots


class RelationalConvolution(nn.Module):
    r"""The relational graph convolution (Schlichtkrull et al., ESWC 2018, arXiv:1703.06103, eqs. 2-3), linear part.

    .. math:: h_i' = W_0 h_i + b + \sum_r \frac{1}{|N_i^r|} \sum_{j \in N_i^r} W_r h_j

    :math:`N_i^r` are the sources of the triples of relation r that end in i; the matrices :math:`W_r` are mixtures
    of a few (:class:`RelationMatrices`). Gives what ``RGCNConv`` of PyTorch Geometric gives, which loops over the
    relations. Neighbours are averaged per node and relation before they are multiplied.

    Args:
        num_relations: R, without the inverses.
        num_bases: matrices that are mixed.
        in_dim: dimension of the incoming node vectors.
        out_dim: dimension of the outgoing node vectors.

    Shapes:
        nodes: ``[N, in_dim]``; out: ``[N, out_dim]``
    """

    def __init__(self, *, num_relations: int, num_bases: int, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.self_projection = nn.Linear(in_dim, out_dim)  # W_0
        self.matrices = RelationMatrices(
            num_relations=2 * num_relations, num_bases=num_bases, in_dim=in_dim, out_dim=out_dim
        )

    def forward(self, nodes: Tensor, slots: RelationSlots) -> Tensor:
        """Return the updated node vectors."""
        counts = slots.triple_offsets.diff()
        shares = torch.repeat_interleave(1 / counts.to(nodes.dtype), counts, output_size=slots.sources.numel())
        means = bag_sum(shares, nodes, slots.sources, slots.triple_offsets)  # [Q, in_dim]
        messages = self.matrices.sum_bags(means, slots.slot_relations, slots.slot_offsets)
        return self.self_projection(nodes) + messages


class RGCN(Reasoner):
    """Relational graph convolutions over all nodes, and the statement's attention over what comes out.

    The R-GCN baseline of MHGRN. Evidence: the attention over nodes.

    Args:
        entity_dim: dimension of the entity vectors in the batch.
        statement_dim: dimension of the statement vector.
        num_relations: R, without the inverses.
        node_dim: entities are projected to this dimension, which all layers and the graph vector have.
        num_layers: convolutions, each with a ReLU.
        num_bases: matrices that each layer mixes for its relations.
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
        num_relations: int,
        node_dim: int = 100,
        num_layers: int = 2,
        num_bases: int = 4,
        num_heads: int = 2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_relations = num_relations
        self.concept_projection = nn.Linear(entity_dim, node_dim)
        self.convolutions = nn.ModuleList(
            RelationalConvolution(num_relations=num_relations, num_bases=num_bases, in_dim=node_dim, out_dim=node_dim)
            for _ in range(num_layers)
        )
        self.pooling = AttentivePooling(
            in_dim=node_dim, statement_dim=statement_dim, out_dim=node_dim, num_heads=num_heads
        )
        self.dropout = nn.Dropout(dropout)
        self.output_dim = node_dim

    def forward(self, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
        """Return the graph vectors and the attention over nodes."""
        dtype = self.concept_projection.weight.dtype
        slots = RelationSlots.of(graph, self.num_relations)
        nodes = self.dropout(self.concept_projection(graph.entity_embeds.to(dtype)))
        for convolution in self.convolutions:
            nodes = self.dropout(torch.relu(convolution(nodes, slots)))
        pooled, weights = self.pooling(nodes, graph.node_graph, statement.to(dtype))
        return ReasonerOutput(pooled, node_attention=weights.mean(-1))
