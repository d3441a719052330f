"""Attention along typed triples: the layer that QA-GNN and GreaseLM share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kglm.nn.context_graph import NUM_CONTEXT_RELATIONS, NUM_TYPES, ContextGraph
from kglm.nn.ragged import bag_sum, segment_softmax


class TripleKinds(nn.Module):
    r"""Vectors of triples, which depend on relation and node types alone (QA-GNN, eq. 3).

    .. math:: r_{st} = W_2\, ReLU(LN(E_r + H_{u_s} + T_{u_t} + b_1)) + b_2

    the sum being the first layer on the one-hot vectors of relation and types. Computed once per kind of triple:
    16 (2R + 5) rows however many triples there are. The reference computes it per edge, with batch norm, by which the
    questions of a batch see each other; here it is layer norm.

    Args:
        num_relations: R, without the inverses.
        dim: D.

    Shapes:
        out: ``[(2R + 5) * 16, D]``
    """

    def __init__(self, num_relations: int, dim: int) -> None:
        super().__init__()
        self.relation = nn.Embedding(2 * num_relations + NUM_CONTEXT_RELATIONS, dim)
        self.source_type = nn.Embedding(NUM_TYPES, dim)
        self.target_type = nn.Embedding(NUM_TYPES, dim)
        self.output = nn.Sequential(nn.LayerNorm(dim), nn.ReLU(), nn.Linear(dim, dim))

    def forward(self) -> Tensor:
        """Return the vectors of all kinds, in the order of :class:`ContextGraph`."""
        sums = (
            self.relation.weight[:, None, None]
            + self.source_type.weight[None, :, None]
            + self.target_type.weight[None, None, :]
        )
        return self.output(sums).flatten(0, 2)


class GraphAttention(nn.Module):
    r"""A layer of attentive message passing (Yasunaga et al., NAACL 2021, arXiv:2104.06378, section 3.3, eqs. 2-8).

    With the features :math:`x_s = [h_s; u_s; \rho_s]` of a node, vector, type and relevance:

    .. math::
        q_s &= W_q x_s, \quad k_{st} = W_k [x_t; r_{st}], \quad m_{st} = W_m [x_s; r_{st}] \\
        \alpha_{st} &= softmax_{t \in N_s \cup \{s\}} (q_s \cdot k_{st} / \sqrt{d}) \\
        h_t' &= h_t + f_n(\sum_{s \in N_t \cup \{t\}} \alpha_{st} m_{st})

    per head. What a node sends is shared out among those that it sends to. The products with W_k and W_m are taken
    per node and per kind of triple, and added along the triples: the reference takes them per edge.

    Differences from the reference code: :math:`h_t` is added, as in the paper; layer norm, not batch norm, in
    :math:`f_n`; its factor, the number of a source's triples, only with ``normalize=False``.

    Args:
        dim: D, of node vectors and of triple kinds.
        feature_dim: dimension of ``[u; rho]``.
        num_heads: must divide ``dim``.
        dropout: on what is added.
        normalize: weights of a source sum to 1, as in the paper; False multiplies them by the number of its triples,
            as the reference code does.

    Raises:
        ValueError: ``num_heads`` does not divide ``dim``.

    Shapes:
        nodes: ``[N', D]``; features: ``[N', feature_dim]``; kinds: ``[kinds, D]``; out: ``[N', D]``
    """

    def __init__(
        self, *, dim: int, feature_dim: int, num_heads: int, dropout: float = 0.0, normalize: bool = True
    ) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"node_dim is {dim}, which num_heads {num_heads} does not divide")
        self.num_heads = num_heads
        self.normalize = normalize
        self.query = nn.Linear(dim + feature_dim, dim)
        self.key = nn.Linear(dim + feature_dim, dim, bias=False)  # softmax would not see a bias
        self.kind_key = nn.Linear(dim, dim, bias=False)
        self.message = nn.Linear(dim + feature_dim, dim)
        self.kind_message = nn.Linear(dim, dim, bias=False)
        self.update = nn.Sequential(nn.Linear(dim, dim), nn.LayerNorm(dim), nn.ReLU(), nn.Linear(dim, dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, nodes: Tensor, features: Tensor, kinds: Tensor, context: ContextGraph) -> Tensor:
        """Return the node vectors after one round of messages."""
        inputs = torch.cat((nodes, features), dim=-1)
        query = self.query(inputs).index_select(0, context.sources)  # [K', D]
        key = self.key(inputs).index_select(0, context.targets)
        key = key + self.kind_key(kinds).index_select(0, context.kinds)
        logits = self._split(query * key).sum(-1) / (key.shape[-1] // self.num_heads) ** 0.5  # [K', heads]
        weights = segment_softmax(logits, context.sources, nodes.shape[0])
        if not self.normalize:
            sent = torch.bincount(context.sources, minlength=nodes.shape[0])
            weights = weights * sent.index_select(0, context.sources).unsqueeze(-1)
        return nodes + self.dropout(self.update(self._send(weights, inputs, kinds, context)))

    def _send(self, weights: Tensor, inputs: Tensor, kinds: Tensor, context: ContextGraph) -> Tensor:
        """Return the sum of the weighted messages that each node gets, ``[N', D]``, head after head."""
        columns = zip(
            weights.unbind(-1),
            self._split(self.message(inputs)).unbind(-2),
            self._split(self.kind_message(kinds)).unbind(-2),
            strict=True,
        )
        received = [
            bag_sum(column, sent, context.sources, context.target_offsets)
            + bag_sum(column, shared, context.kinds, context.target_offsets)
            for column, sent, shared in columns
        ]
        return torch.cat(received, dim=-1)

    def _split(self, vectors: Tensor) -> Tensor:
        return vectors.unflatten(-1, (self.num_heads, -1))
