"""Self-attention among the entities of a text."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class EntityAttention(nn.Module):
    r"""Multi-head self-attention with residual and layer norm, over entities instead of tokens.

    .. math:: \tilde e = LN(e + W_o\, MHA(e) + b_o)

    The entity half of the K-Encoder's attention (Zhang et al., ACL 2019, arXiv:1905.07129, eq. 3).

    Args:
        dim: D_e.
        num_heads: must divide ``dim``.
        dropout: on the attended values.
        attention_dropout: on the attention weights.
        norm_eps: epsilon of the layer norm.

    Shapes:
        entities: ``[B, M, D_e]``; present: ``[B, M]`` bool; out: ``[B, M, D_e]``, finite but without meaning
        where no entity is present
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        norm_eps: float = 1e-12,
    ) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"dim is {dim}, which num_heads {num_heads} does not divide")
        self.num_heads = num_heads
        self.attention_dropout = attention_dropout
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(dim, eps=norm_eps)

    def forward(self, entities: Tensor, present: Tensor) -> Tensor:
        """Let the entities that are present look at each other."""
        query, key, value = (
            projection(entities).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # [B, heads, M, D_e / heads]
            for projection in (self.query, self.key, self.value)
        )
        # A softmax over nothing is not a number: a text without entities looks at its padding, to no effect.
        seen = present | ~present.any(-1, keepdim=True)
        attended = functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=seen[:, None, None, :],
            dropout_p=self.attention_dropout if self.training else 0.0,
        )
        attended = attended.transpose(1, 2).flatten(-2)  # [B, M, D_e]
        return self.norm(entities + self.dropout(self.output(attended)))
