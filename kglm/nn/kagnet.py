"""KagNet: graph convolution, path LSTM and hierarchical attention over concept pairs and their paths."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from kglm.nn.graph_batch import GraphBatch
from kglm.nn.graph_convolution import GraphConvolution
from kglm.nn.path_encoder import PathEncoder
from kglm.nn.ragged import segment_softmax, segment_sum
from kglm.nn.reasoner import Reasoner, ReasonerOutput


class KagNet(Reasoner):
    r"""KagNet (Lin et al., EMNLP 2019, arXiv:1909.02151, section 4), for ragged batches.

    With the concepts :math:`q_i, a_j` of a pair, the statement :math:`s` and the pair's paths :math:`k`:

    .. math::
        T_{ij} &= MLP([q_i; a_j; s]) \\
        \alpha_{ijk} &= softmax_k (LSTM_k \cdot W_1 T_{ij}) \\
        \beta_{ij} &= softmax_{ij} (T_{ij} \cdot W_2 s) \\
        g &= \sum_{ij} \beta_{ij} [T_{ij}; \sum_k \alpha_{ijk} LSTM_k]

    The nodes of a path are ``[concept; gcn(concept)]``. A pair without paths contributes ``[T; 0]``; a graph
    without pairs gives ``g = 0``.

    Args:
        entity_dim: dimension of the entity vectors in the batch.
        statement_dim: dimension of the statement vector.
        num_relations: R, without the inverses.
        concept_dim: entities are projected to this dimension first.
        gcn_dims: outgoing dimension of each graph convolution.
        relation_dim: dimension of the relation embeddings.
        path_dim: dimension of the path LSTM.
        pair_dim: dimension of ``T``; the hidden layer of its MLP is twice as wide.
        dropout: in the MLP, and on the node and path vectors.
        normalize: average over neighbours as in the paper; False sums as in the reference code.

    Shapes:
        statement: ``[G, statement_dim]``; graph_vector: ``[G, pair_dim + path_dim]``
    """

    def __init__(
        self,
        *,
        entity_dim: int,
        statement_dim: int,
        num_relations: int,
        concept_dim: int = 100,
        gcn_dims: Sequence[int] = (50, 25),
        relation_dim: int = 100,
        path_dim: int = 128,
        pair_dim: int = 128,
        dropout: float = 0.0,
        normalize: bool = True,
    ) -> None:
        super().__init__()
        self.concept_projection = nn.Linear(entity_dim, concept_dim)
        self.convolutions = nn.ModuleList(
            GraphConvolution(in_dim, out_dim, normalize=normalize)
            for in_dim, out_dim in pairwise((concept_dim, *gcn_dims))
        )
        node_dim = concept_dim + (gcn_dims[-1] if gcn_dims else 0)
        self.path_encoder = PathEncoder(node_dim, num_relations, relation_dim, path_dim)
        self.pair_mlp = nn.Sequential(
            nn.Linear(2 * concept_dim + statement_dim, 2 * pair_dim),
            nn.LeakyReLU(),
            nn.Dropout(dropout),
            nn.Linear(2 * pair_dim, pair_dim),
            nn.LeakyReLU(),
            nn.Dropout(dropout),
        )
        self.path_query = nn.Linear(pair_dim, path_dim, bias=False)  # W_1
        self.pair_query = nn.Linear(statement_dim, pair_dim, bias=False)  # W_2
        self.dropout = nn.Dropout(dropout)
        self.output_dim = pair_dim + path_dim

    def forward(self, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
        """Return the graph vectors (at least in float32) and both attentions."""
        dtype = self.concept_projection.weight.dtype  # entity tables are often stored in half precision
        statement = statement.to(dtype)
        concepts = self.concept_projection(graph.entity_embeds.to(dtype))  # [N, concept_dim]
        pairs = self._encode_pairs(concepts, statement, graph)  # [M, pair_dim]
        paths = self.dropout(self.path_encoder(self._encode_nodes(concepts, graph), graph))  # [P, path_dim]

        path_queries = self.path_query(pairs).index_select(0, graph.path_pair)  # [P, path_dim]
        path_attention = segment_softmax((paths * path_queries).sum(-1), graph.path_pair, graph.num_pairs)
        relational = segment_sum(path_attention.unsqueeze(-1) * paths, graph.path_pair, graph.num_pairs)

        pair_queries = self.pair_query(statement).index_select(0, graph.pair_graph)  # [M, pair_dim]
        pair_attention = segment_softmax((pairs * pair_queries).sum(-1), graph.pair_graph, graph.num_graphs)
        evidence = torch.cat((pairs.to(relational.dtype), relational), dim=-1)  # [M, output_dim]
        graph_vector = segment_sum(pair_attention.unsqueeze(-1) * evidence, graph.pair_graph, graph.num_graphs)
        return ReasonerOutput(graph_vector, path_attention, pair_attention)

    def _encode_nodes(self, concepts: Tensor, graph: GraphBatch) -> Tensor:
        if not self.convolutions:
            return concepts
        convolved = concepts
        for convolution in self.convolutions:
            convolved = self.dropout(convolution(convolved, graph.edge_index))
        return torch.cat((concepts, convolved), dim=-1)

    def _encode_pairs(self, concepts: Tensor, statement: Tensor, graph: GraphBatch) -> Tensor:
        question, choice = (concepts.index_select(0, nodes) for nodes in graph.pair_nodes)
        statements = statement.index_select(0, graph.pair_graph)
        return self.pair_mlp(torch.cat((question, choice, statements), dim=-1))
