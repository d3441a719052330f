"""An LSTM over relational paths of different lengths, without padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kglm.nn.graph_batch import GraphBatch
from kglm.nn.ragged import select_segments
from kglm.nn.relation_bag import RelationBag


class PathEncoder(nn.Module):
    r"""KagNet's encoding of relational paths (Lin et al., EMNLP 2019, section 4.2).

    Step t of a path is :math:`x_t = [v_t; r_t]`: the vector of its node, and the vector of the relations that leave
    it along the path (0 at the last node). The vector of a path is the LSTM's output at its last node; KagNet's
    code takes the last padded step instead.

    .. math::
        (i, f, g, o)_t = W_v v_t + W_r r_t + W_h h_{t-1} + b, \quad
        c_t = \sigma(f) c_{t-1} + \sigma(i) \tanh(g), \quad
        h_t = \sigma(o) \tanh(c_t)

    The input projections are computed once per node and once per relation and then gathered: paths share both.

    Args:
        node_dim: dimension of the node vectors.
        num_relations: R, without the inverses.
        relation_dim: dimension of the relation embeddings.
        path_dim: dimension of the LSTM and of the path vectors.

    Shapes:
        nodes: ``[N, node_dim]``; out: ``[P, path_dim]``
    """

    def __init__(self, node_dim: int, num_relations: int, relation_dim: int, path_dim: int) -> None:
        super().__init__()
        self.relations = RelationBag(num_relations, relation_dim)
        self.node_gates = nn.Linear(node_dim, 4 * path_dim)
        self.relation_gates = nn.Linear(relation_dim, 4 * path_dim, bias=False)
        self.hidden_gates = nn.Linear(path_dim, 4 * path_dim, bias=False)
        self.path_dim = path_dim

    def forward(self, nodes: Tensor, graph: GraphBatch) -> Tensor:
        """Return one vector per path."""
        # Longest first: the paths that still walk at step t are the first walking[t] ones.
        lengths, order = graph.path_offsets.diff().sort(descending=True, stable=True)
        starts = graph.path_offsets[:-1][order]
        walking = _count_walking(lengths)
        steps = torch.cat([starts[:count] + step for step, count in enumerate(walking)])  # [S], step by step

        gates = self._input_gates(nodes, graph, steps).split(walking)
        finished: list[Tensor] = []
        hidden, cell = self._advance(gates[0], None)
        for gate in gates[1:]:
            count = gate.shape[0]
            finished.append(hidden[count:])
            hidden, cell = self._advance(gate, (hidden[:count], cell[:count]))
        finished.append(hidden)
        return torch.cat(finished[::-1]).index_select(0, order.argsort())

    def _input_gates(self, nodes: Tensor, graph: GraphBatch, steps: Tensor) -> Tensor:
        """Return ``W_v v + W_r r + b`` at each step: ``[S, 4 * path_dim]``."""
        node_gates = self.node_gates(nodes).index_select(0, graph.path_nodes[steps])
        relations = select_segments(graph.edge_relations, graph.edge_relation_offsets, graph.path_edges[steps])
        return node_gates + self.relations(*relations, projection=self.relation_gates.weight)

    def _advance(self, gates: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        if state is None:
            input_gate, _, candidate, output_gate = gates.chunk(4, dim=-1)
            cell = input_gate.sigmoid() * candidate.tanh()
        else:
            hidden, cell = state
            input_gate, forget_gate, candidate, output_gate = (gates + self.hidden_gates(hidden)).chunk(4, dim=-1)
            cell = forget_gate.sigmoid() * cell + input_gate.sigmoid() * candidate.tanh()
        return output_gate.sigmoid() * cell.tanh(), cell


def _count_walking(lengths: Tensor) -> list[int]:
    """Return how many paths have more than t nodes, for t = 0, 1, ... of the longest path.

    At least two steps, so that each parameter takes part (with a zero gradient) in a batch without paths, as
    distributed training needs.
    """
    per_length = torch.bincount(lengths, minlength=3)  # [longest + 1]
    return (lengths.numel() - per_length.cumsum(0))[:-1].tolist()
