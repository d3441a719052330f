"""How likely a statement makes a sequence of relations: MHGRN's structured relational attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kglm.nn.graph_batch import GraphBatch
from kglm.nn.ragged import segment_index, select_segments

NUM_TYPES = 3


class RelationTransitions(nn.Module):
    r"""The scores of walks (Feng et al., EMNLP 2020, arXiv:2005.00646, section 4.1, eqs. 9-11), as logarithms.

    .. math::
        \log \alpha(j, r_1 \dots r_k, i) = f(\phi(j), s) + \sum_{t=1}^{k} \delta(r_t, s)
        + \sum_{t=1}^{k-1} \tau(r_t, r_{t+1})

    f and :math:`\delta` are two-layer perceptrons of the statement, :math:`\tau` a matrix for all statements,
    :math:`\phi` the type of a node. The paper's term :math:`g(\phi(i), s)` of a walk's last node is left out: it
    stands in the numerator and the denominator of every use, and cancels.

    Args:
        statement_dim: dimension of the statement.
        num_relations: R, without the inverses.
        hidden_dim: dimension between the layers of the perceptrons.
        dropout: between the layers.
    """

    def __init__(self, *, statement_dim: int, num_relations: int, hidden_dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.start = _perceptron(statement_dim, hidden_dim, NUM_TYPES, dropout)  # f
        self.relation = _perceptron(statement_dim, hidden_dim, 2 * num_relations, dropout)  # delta
        self.transition = nn.Parameter(torch.zeros(2 * num_relations, 2 * num_relations))  # tau

    def reset_parameters(self) -> None:
        """Make all transitions equally likely; the perceptrons reset themselves."""
        nn.init.zeros_(self.transition)

    def forward(self, statement: Tensor) -> tuple[Tensor, Tensor]:
        """Return f and delta.

        Shapes:
            statement: ``[G, statement_dim]``; out: ``[G, 3]`` and ``[G, 2R]``
        """
        return self.start(statement), self.relation(statement)

    def score_paths(self, graph: GraphBatch, start: Tensor, relation: Tensor) -> Tensor:
        """Return the logarithm of the summed scores of all walks along each path, one relation a hop.

        The sum over the relations of a hop is a product with the matrix of transitions, as in the forward algorithm
        of a hidden Markov model.

        Args:
            graph: the batch.
            start: f.
            relation: delta.

        Shapes:
            start: ``[G, 3]``; relation: ``[G, 2R]``; out: ``[P]``
        """
        path_graph = graph.pair_graph.index_select(0, graph.path_pair)
        firsts, hops = graph.path_offsets[:-1], graph.path_offsets.diff() - 1
        types = graph.node_types.index_select(0, graph.path_nodes.index_select(0, firsts))
        emitted = relation.index_select(0, path_graph)  # [P, 2R]
        shift = self.transition.max() if self.transition.numel() else self.transition.new_zeros(())
        transition = (self.transition - shift).exp()
        state = torch.zeros_like(emitted)
        for hop in range(int(hops.max()) if hops.numel() else 0):
            walks = hop < hops  # [P]
            if hop:
                peak = state.amax(1, keepdim=True)
                state_here = ((state - peak).exp() @ transition).log() + peak + shift
            else:
                state_here = torch.zeros_like(emitted)
            edges = graph.path_edges.index_select(0, torch.where(walks, firsts + hop, firsts))
            state_here = (state_here + emitted).masked_fill(~_relation_sets(graph, edges, emitted), -torch.inf)
            state = torch.where(walks.unsqueeze(-1), state_here, state)
        return start[path_graph, types] + state.logsumexp(1)


def _relation_sets(graph: GraphBatch, edges: Tensor, like: Tensor) -> Tensor:
    """Return which relations each edge carries, ``[P, 2R]`` bool."""
    relations, offsets = select_segments(graph.edge_relations, graph.edge_relation_offsets, edges)
    sets = torch.zeros_like(like, dtype=torch.bool)
    sets[segment_index(offsets, relations.numel()), relations] = True
    return sets


def _perceptron(in_dim: int, hidden_dim: int, out_dim: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(in_dim, hidden_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden_dim, out_dim)
    )
