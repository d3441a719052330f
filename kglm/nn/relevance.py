"""How near each node is to what is asked, and numbers as vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from kglm.nn.graph_batch import OTHER, GraphBatch
from kglm.nn.ragged import segment_mean


def statement_relevance(graph: GraphBatch, statement: Tensor) -> Tensor:
    """Return the cosine of each node's entity vector and the statement of its graph.

    Shapes:
        statement: ``[G, D_e]``; out: ``[N]``
    """
    entities = graph.entity_embeds.to(statement.dtype)
    return functional.cosine_similarity(entities, statement.index_select(0, graph.node_graph), dim=-1)


def concept_relevance(graph: GraphBatch, dtype: torch.dtype) -> Tensor:
    """Return the cosine of each node's entity vector and the mean of those of its graph's concepts.

    Shapes:
        out: ``[N]``
    """
    entities = graph.entity_embeds.to(dtype)
    concepts = (graph.node_types != OTHER).nonzero().squeeze(-1)
    node_graph = graph.node_graph
    means = segment_mean(entities.index_select(0, concepts), node_graph.index_select(0, concepts), graph.num_graphs)
    return functional.cosine_similarity(entities, means.index_select(0, node_graph), dim=-1)


class RelevanceEmbedding(nn.Module):
    r"""A number as a vector: a layer over its sines (QA-GNN, eq. 5, with the basis of its code).

    .. math:: f(\rho) = GELU(W [\sin(1.1^j \rho)]_{j=0}^{D-1} + b)

    Args:
        dim: D.

    Shapes:
        values: ``[N]``; out: ``[N, D]``
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.projection = nn.Linear(dim, dim)

    def forward(self, values: Tensor) -> Tensor:
        """Return the vectors."""
        powers = 1.1 ** torch.arange(self.projection.in_features, device=values.device, dtype=values.dtype)
        return functional.gelu(self.projection((values.unsqueeze(-1) * powers).sin()))
