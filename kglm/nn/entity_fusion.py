"""Entity vectors fused into the feed-forward half of an encoder layer, as in THU-ERNIE's K-Encoder."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from kglm.nn.entity_alignment import EntityAlignment
from kglm.nn.entity_attention import EntityAttention


class ZeroLinear(nn.Linear):
    """A linear layer whose weight and bias start at zero: untrained, it adds nothing.

    A class of its own because ``from_pretrained`` initialises missing layers anew, by their class.
    """

    def reset_parameters(self) -> None:
        """Set weight and bias to zero."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


class EntityFusion(nn.Module):
    r"""The entity half of a fused layer (Zhang et al., ACL 2019, arXiv:1905.07129, eqs. 3-5), packed.

    Around the token half, which is the encoder's own layer (:math:`\tilde w` its attention's output, GELU its
    activation, :math:`W_t, b_t` and :math:`W_{t2}, b_{t2}` its feed-forward weights):

    .. math::
        \tilde e &= LN(e + MHA(e)) \text{ ("fuse"), or } e \text{ ("mix")} \\
        z_t &= GELU(W_t \tilde w_t + b_t + \sum_{m \in E_t} W_e \tilde e_m + g_t b_e) \\
        w'_t &= LN(\tilde w_t + W_{t2} z_t + b_{t2}) \\
        e'_m &= LN(\tilde e_m + W_{e2} \bar z_m + b_{e2})

    :math:`E_t` are the entities of token t, at most one in the paper; :math:`\bar z_m` is the mean of z over the
    tokens of entity m, in the paper one token, the mention's first.

    **The bias b_e.** The paper has :math:`g_t = 1` only for tokens with an entity; the reference's code has
    :math:`g_t = 1` for all tokens, also of a text without entities. ``bias="aligned"`` follows the paper: a token
    without entities is computed as by the plain layer whatever the weights, and a token with several entities
    gets b_e once. ``bias="all"`` follows the code, which its released weights need.

    Args:
        entity_dim: D_e.
        intermediate_dim: I, of the encoder's activation.
        num_heads: heads of the entities' self-attention; None leaves it out ("mix").
        bias: "aligned" or "all", see above.
        zero_init: start with W_e = b_e = 0, at the plain encoder.
        dropout: on what is added to an entity.
        attention_dropout: on the attention weights among entities.
        norm_eps: epsilon of the layer norms.

    Dimensions: B texts, T tokens, M entities of a text, S tokens of an entity.
    """

    def __init__(
        self,
        *,
        entity_dim: int,
        intermediate_dim: int,
        num_heads: int | None = None,
        bias: str = "aligned",
        zero_init: bool = False,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        norm_eps: float = 1e-12,
    ) -> None:
        super().__init__()
        if bias not in ("aligned", "all"):
            raise ValueError(f"bias is {bias!r}; allowed: 'aligned', 'all'")
        self.bias = bias
        self.attention = (
            EntityAttention(
                entity_dim, num_heads, dropout=dropout, attention_dropout=attention_dropout, norm_eps=norm_eps
            )
            if num_heads is not None
            else None
        )
        self.inward = (ZeroLinear if zero_init else nn.Linear)(entity_dim, intermediate_dim)  # W_e, b_e
        self.outward: nn.Linear | None = nn.Linear(intermediate_dim, entity_dim)  # W_e2, b_e2
        self.dropout = nn.Dropout(dropout)
        self.norm: nn.LayerNorm | None = nn.LayerNorm(entity_dim, eps=norm_eps)

    def attend(self, entities: Tensor, alignment: EntityAlignment) -> Tensor:
        r"""Return :math:`\tilde e`.

        Shapes:
            entities, out: ``[B, M, D_e]``
        """
        return entities if self.attention is None else self.attention(entities, alignment.present)

    def inject(self, activation: Tensor, attended: Tensor | None, alignment: EntityAlignment | None) -> Tensor:
        r"""Add the entities to the activation before its nonlinearity, in place, and return it.

        Args:
            activation: :math:`W_t \tilde w + b_t`, the texts' tokens one after another.
            attended: :math:`\\tilde e`; None where the batch has no entities.
            alignment: of the entities.

        Shapes:
            activation, out: ``[B * T, I]``; attended: ``[B, M, D_e]``
        """
        if self.bias == "all":
            activation = activation.add_(self.inward.bias.to(activation.dtype))
        if attended is None or alignment is None:
            return activation
        added = functional.linear(attended, self.inward.weight).unsqueeze(2) * alignment.linked.unsqueeze(-1)
        if self.bias == "aligned":
            added = added + alignment.share.unsqueeze(-1) * self.inward.bias  # [B, M, S, I]
        # In place, and on rows, not on a view of them: a copy of the activation would cost more than all else here.
        return activation.index_add_(0, alignment.rows, added.flatten(0, 2).to(activation.dtype))

    def drop_output(self) -> None:
        """Leave out e', for a layer behind which nothing reads the entities; :meth:`update` then gives None."""
        self.outward = self.norm = None

    def update(self, fused: Tensor, attended: Tensor, alignment: EntityAlignment) -> Tensor | None:
        """Return e', the entities after the layer; finite but without meaning where none is present.

        Shapes:
            fused: ``[B * T, I]``, z; attended, out: ``[B, M, D_e]``
        """
        if self.outward is None or self.norm is None:
            return None
        tokens = fused.index_select(0, alignment.rows).unflatten(0, alignment.linked.shape)
        gathered = (tokens * alignment.mean.unsqueeze(-1).to(tokens.dtype)).sum(2)  # [B, M, I]
        return self.norm(attended + self.dropout(self.outward(gathered)))
