"""Multi-head attention of a statement over rows of its graph."""

from __future__ import annotations

from torch import Tensor, nn

from kglm.nn.ragged import segment_softmax, segment_sum


class AttentivePooling(nn.Module):
    r"""One vector per graph, the rows weighed by how they answer to the statement.

    .. math::
        a_i &= softmax_{i \in g} (\frac{1}{\sqrt{d}} W_q s_g \cdot W_k h_i) \\
        p_g &= \sum_{i \in g} a_i W_v h_i

    per head, the heads' vectors one after another, :math:`d` the dimension of a head. The pooling over a graph's
    nodes in MHGRN (Feng et al., EMNLP 2020, section 4.2) and its baselines, QA-GNN and GreaseLM, which pad each graph
    to 200 nodes. Here rows are ragged; a graph without rows gives 0.

    Args:
        in_dim: dimension of the rows.
        statement_dim: dimension of the statement.
        out_dim: dimension of the pooled vector.
        num_heads: must divide ``out_dim``.

    Raises:
        ValueError: ``num_heads`` does not divide ``out_dim``.

    Shapes:
        rows: ``[K, in_dim]``; row_graph: ``[K]``; statement: ``[G, statement_dim]``; out: ``[G, out_dim]``, and the
        weights ``[K, num_heads]``, both at least in float32
    """

    def __init__(self, *, in_dim: int, statement_dim: int, out_dim: int, num_heads: int = 1) -> None:
        super().__init__()
        if out_dim % num_heads:
            raise ValueError(f"out_dim is {out_dim}, which num_heads {num_heads} does not divide")
        self.num_heads = num_heads
        self.query = nn.Linear(statement_dim, out_dim)
        self.key = nn.Linear(in_dim, out_dim, bias=False)  # softmax would not see a bias
        self.value = nn.Linear(in_dim, out_dim)

    def forward(self, rows: Tensor, row_graph: Tensor, statement: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pooled vectors and the weights."""
        query, key, value = (
            projection(values).unflatten(-1, (self.num_heads, -1))  # [..., heads, d]
            for projection, values in ((self.query, statement), (self.key, rows), (self.value, rows))
        )
        logits = (query.index_select(0, row_graph) * key).sum(-1) / key.shape[-1] ** 0.5  # [K, heads]
        weights = segment_softmax(logits, row_graph, statement.shape[0])
        pooled = segment_sum(weights.unsqueeze(-1) * value, row_graph, statement.shape[0])
        return pooled.flatten(-2), weights
