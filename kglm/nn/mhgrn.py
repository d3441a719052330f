"""Multi-hop graph relation network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from kglm.nn.attentive_pooling import AttentivePooling
from kglm.nn.graph_batch import CHOICE, GraphBatch
from kglm.nn.multi_hop import MultiHopPassing, WalkScores
from kglm.nn.reasoner import Reasoner, ReasonerOutput
from kglm.nn.relation_transitions import NUM_TYPES, RelationTransitions


class MHGRN(Reasoner):
    r"""MHGRN (Feng et al., EMNLP 2020, arXiv:2005.00646, section 4), one layer, for ragged batches.

    .. math::
        x_i &= U_{\phi(i)} h_i + b_{\phi(i)} \\
        \beta_i^k &= softmax_k (\frac{1}{\sqrt{D}} W_s s \cdot z_i^k) \\
        h_i' &= GELU(V h_i + V' \sum_k \beta_i^k z_i^k) \\
        g &= Pool_{i \in choice} (h_i', s)

    with :math:`z_i^k` of :class:`MultiHopPassing`, the scores of walks of :class:`RelationTransitions`, and the
    pooling of :class:`AttentivePooling` over the choice's concepts.

    **Evidence.** Everything that a choice concept learns comes along walks, each with a known weight: the share of a
    path is the pooling's weight of its last node, times :math:`\beta` of its length, times the score of the walks
    along it over :math:`d`. The shares of all walks that end in concepts of the choice add up to 1; those of the
    paths given are less than that by the walks that are no paths or were not kept. Computed in evaluation mode only.

    Differences from the reference code: hops without a walk take no part in :math:`\beta` (there they weigh in with
    a zero vector); the perceptrons have GELU and no layer norm; the term of a walk's last node, which cancels, is
    left out; the matrices are mixtures of bases, with D x D matrices as in the paper rather than diagonal ones.

    Args:
        entity_dim: dimension of the entity vectors in the batch.
        statement_dim: dimension of the statement vector.
        num_relations: R, without the inverses.
        node_dim: D, of all node vectors and the graph vector.
        num_hops: K, the longest walks; at least 2, for with one there is nothing to weigh that R-GCN does not.
        num_bases: matrices that each hop mixes for its relations.
        attention_dim: hidden dimension of the perceptrons that score relations and node types.
        num_heads: heads of the pooling; must divide ``node_dim``.
        dropout: on the node vectors at the beginning and the end, and in the perceptrons.

    Raises:
        ValueError: ``num_hops`` is below 2, or ``num_heads`` does not divide ``node_dim``.

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
        num_hops: int = 2,
        num_bases: int = 4,
        attention_dim: int = 100,
        num_heads: int = 2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if num_hops < 2:
            raise ValueError(f"num_hops is {num_hops}; allowed: at least 2")
        self.concept_projection = nn.Linear(entity_dim, node_dim)
        self.typed_projection = nn.Linear(node_dim, NUM_TYPES * node_dim)  # U, b
        self.transitions = RelationTransitions(
            statement_dim=statement_dim, num_relations=num_relations, hidden_dim=attention_dim, dropout=dropout
        )
        self.passing = MultiHopPassing(
            dim=node_dim, num_relations=num_relations, num_hops=num_hops, num_bases=num_bases
        )
        self.hop_query = nn.Linear(statement_dim, node_dim)  # W_s
        self.own_projection = nn.Linear(node_dim, node_dim)  # V
        self.message_projection = nn.Linear(node_dim, node_dim, bias=False)  # V'
        self.pooling = AttentivePooling(
            in_dim=node_dim, statement_dim=statement_dim, out_dim=node_dim, num_heads=num_heads
        )
        self.dropout = nn.Dropout(dropout)
        self.output_dim = node_dim

    def forward(self, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
        """Return the graph vectors, the attention over the choices' concepts, and in evaluation that over paths."""
        dtype = self.concept_projection.weight.dtype
        statement = statement.to(dtype)
        concepts = self.dropout(self.concept_projection(graph.entity_embeds.to(dtype)))  # [N, D]
        start, relation = self.transitions(statement)  # [G, 3], [G, 2R]
        scores = WalkScores(start[graph.node_graph, graph.node_types], relation, self.transitions.transition)
        reached, totals = self.passing(self._by_type(concepts, graph.node_types), graph, scores)

        # [K, A, D] and [K, A] of the A concepts of choices:
        ends = (graph.node_types == CHOICE).nonzero().squeeze(-1)
        end_graph = graph.node_graph.index_select(0, ends)
        reached, walked = reached.index_select(1, ends), totals.index_select(1, ends) > -torch.inf
        hop_weights = self._weigh_hops(reached, walked, self.hop_query(statement).index_select(0, end_graph))
        messages = (hop_weights.unsqueeze(-1) * reached).sum(0)  # [A, D]
        own = self.own_projection(concepts.index_select(0, ends))
        updated = self.dropout(functional.gelu(own + self.message_projection(messages)))
        pooled, weights = self.pooling(updated, end_graph, statement)

        node_attention = weights.new_zeros(graph.num_nodes).index_copy(0, ends, weights.mean(-1))
        paths = None
        if not self.training:
            hops = hop_weights.new_zeros(totals.shape).index_copy(1, ends, hop_weights)
            paths = self._share_paths(graph, start, relation, totals, node_attention * hops)
        return ReasonerOutput(pooled, path_attention=paths, node_attention=node_attention)

    def _by_type(self, concepts: Tensor, types: Tensor) -> Tensor:
        every = self.typed_projection(concepts).unflatten(-1, (NUM_TYPES, -1))  # [N, 3, D]
        return every[torch.arange(types.numel(), device=types.device), types]

    def _weigh_hops(self, reached: Tensor, walked: Tensor, queries: Tensor) -> Tensor:
        """Return beta, ``[K, A]``: 0 for hops that no walk makes, also where there is none at all."""
        logits = (reached * queries).sum(-1) / queries.shape[-1] ** 0.5
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        # The softmax over nothing is not a number: where no walk ends, all hops are weighed, and then set to 0.
        seen = walked | ~walked.any(0)
        return logits.masked_fill(~seen, -torch.inf).softmax(0) * walked

    @torch.no_grad()
    def _share_paths(
        self, graph: GraphBatch, start: Tensor, relation: Tensor, totals: Tensor, ends: Tensor
    ) -> Tensor:
        """Return the share of each path, ``[P]``; ``ends [K, N]`` weighs walks by their hops and last node."""
        hops = graph.path_offsets.diff() - 2  # counted from 0
        last = graph.path_nodes.index_select(0, graph.path_offsets[1:] - 1)
        counted = hops < totals.shape[0]  # longer ones carry nothing
        hops = hops.masked_fill(~counted, 0)
        logs = self.transitions.score_paths(graph, start, relation) - totals[hops, last]
        return (logs.exp() * ends[hops, last]).masked_fill(~counted, 0)
