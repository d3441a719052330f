"""Relation network over paths: pairs of concepts and the relations that lead from one to the other."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from kglm.nn.graph_batch import GraphBatch
from kglm.nn.ragged import segment_softmax, segment_sum, select_segments
from kglm.nn.reasoner import Reasoner, ReasonerOutput
from kglm.nn.relation_bag import RelationBag


class RelationNetwork(Reasoner):
    r"""The relation network (Santoro et al., NeurIPS 2017, arXiv:1706.01427, eq. 1), its objects joined by paths.

    With the ends :math:`q_p, a_p` and the hops :math:`e \in p` of a path, and the statement :math:`s`:

    .. math::
        r_p &= \prod_{e \in p} \frac{1}{|R_e|} \sum_{r \in R_e} E_r \\
        o_p &= GELU(W_2\, GELU(W_q q_p + W_a a_p + W_r r_p + W_s s + b_1) + b_2) \\
        \alpha_p &= softmax_{p \in g} (o_p \cdot W_p s) \\
        g &= \sum_p \alpha_p o_p

    The baseline "RN" of MHGRN (Feng et al., EMNLP 2020), whose product of relation embeddings stops at two hops and
    knows one relation a hop; here a path of any length is the mean over all choices of one relation a hop. Reads
    nothing of a path but its ends and relations. The first layer is projected per node, path and graph, and
    gathered; a graph without paths gives 0. Evidence: the attention over paths.

    Args:
        entity_dim: dimension of the entity vectors in the batch.
        statement_dim: dimension of the statement vector.
        num_relations: R, without the inverses.
        relation_dim: dimension of the relation embeddings.
        hidden_dim: dimension between the two layers.
        path_dim: dimension of :math:`o_p` and of the graph vector.
        dropout: in front of the second layer, and on its output.

    Shapes:
        statement: ``[G, statement_dim]``; graph_vector: ``[G, path_dim]``
    """

    def __init__(
        self,
        *,
        entity_dim: int,
        statement_dim: int,
        num_relations: int,
        relation_dim: int = 100,
        hidden_dim: int = 256,
        path_dim: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.relations = RelationBag(num_relations, relation_dim)
        self.question_projection = nn.Linear(entity_dim, hidden_dim, bias=False)
        self.choice_projection = nn.Linear(entity_dim, hidden_dim, bias=False)
        self.relation_projection = nn.Linear(relation_dim, hidden_dim)
        self.statement_projection = nn.Linear(statement_dim, hidden_dim, bias=False)
        self.output_projection = nn.Linear(hidden_dim, path_dim)
        self.path_query = nn.Linear(statement_dim, path_dim, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.output_dim = path_dim

    def forward(self, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
        """Return the graph vectors and the attention over paths."""
        dtype = self.output_projection.weight.dtype
        statement = statement.to(dtype)
        path_graph = graph.pair_graph.index_select(0, graph.path_pair)  # [P]
        paths = self._encode(graph, statement, path_graph)  # [P, path_dim]
        queries = self.path_query(statement).index_select(0, path_graph)
        attention = segment_softmax((paths * queries).sum(-1), path_graph, graph.num_graphs)
        graph_vector = segment_sum(attention.unsqueeze(-1) * paths, path_graph, graph.num_graphs)
        return ReasonerOutput(graph_vector, path_attention=attention)

    def _encode(self, graph: GraphBatch, statement: Tensor, path_graph: Tensor) -> Tensor:
        question, choice = graph.pair_nodes.index_select(1, graph.path_pair)  # [P] each
        concepts = graph.entity_embeds.to(statement.dtype)
        hidden = (
            self.question_projection(concepts).index_select(0, question)
            + self.choice_projection(concepts).index_select(0, choice)
            + self.relation_projection(self._multiply_relations(graph))
            + self.statement_projection(statement).index_select(0, path_graph)
        )
        hidden = self.dropout(functional.gelu(hidden))
        return self.dropout(functional.gelu(self.output_projection(hidden)))

    def _multiply_relations(self, graph: GraphBatch) -> Tensor:
        """Return the product of the hops' vectors of each path, ``[P, relation_dim]``."""
        relations = select_segments(graph.edge_relations, graph.edge_relation_offsets, graph.path_edges)
        steps = self.relations(*relations)  # [S, relation_dim]
        starts, hops = graph.path_offsets[:-1], graph.path_offsets.diff() - 1
        product = steps.new_ones(graph.num_paths, steps.shape[-1])
        # At least one step, so that each parameter takes part (with a zero gradient) in a batch without paths, as
        # distributed training needs.
        for hop in range(int(hops.max()) if hops.numel() else 1):
            walks = hop < hops  # [P]
            factors = steps.index_select(0, torch.where(walks, starts + hop, starts))
            product = torch.where(walks.unsqueeze(-1), product * factors, product)
        return product
