"""Which tokens of a text each of its entities speaks to.

Dimensions: B texts, T tokens, M entities of a text (padded), S tokens of an entity (padded).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class EntityAlignment:
    """The links between packed entities and tokens, as flat rows for gathering and scattering.

    Attributes:
        present: ``[B, M]`` bool; an entity is present if it has at least one token.
        rows: ``[B * M * S]`` row of the token within ``[B * T]``; any row of the same text where there is no link.
        linked: ``[B, M, S]`` 1 where entity m has an s-th token, 0 elsewhere.
        mean: ``[B, M, S]`` ``linked`` divided by the number of the entity's tokens.
        share: ``[B, M, S]`` ``linked`` divided by the number of entities of that token.
    """

    present: Tensor
    rows: Tensor
    linked: Tensor
    mean: Tensor
    share: Tensor


def align_entities(entity_tokens: Tensor, num_tokens: int, dtype: torch.dtype) -> EntityAlignment:
    """Return the links that positions of tokens describe.

    A position outside the text (negative, or ``num_tokens`` and above, as where a text was cut) is no link. The
    positions of one entity must differ from each other.

    Args:
        entity_tokens: positions of each entity's tokens.
        num_tokens: T.
        dtype: of the weights, that of the activations.

    Shapes:
        entity_tokens: ``[B, M, S]``
    """
    batch = entity_tokens.shape[0]
    is_link = (entity_tokens >= 0) & (entity_tokens < num_tokens)  # [B, M, S]
    first = torch.arange(batch, device=entity_tokens.device).view(-1, 1, 1) * num_tokens
    rows = (first + entity_tokens.masked_fill(~is_link, 0)).flatten()
    linked = is_link.to(dtype)
    per_token = linked.new_zeros(batch * num_tokens).index_add(0, rows, linked.flatten())
    share = linked / per_token.index_select(0, rows).view_as(linked).clamp(min=1)
    mean = linked / linked.sum(-1, keepdim=True).clamp(min=1)
    return EntityAlignment(is_link.any(-1), rows, linked, mean, share)


def span_tokens(spans: Tensor, width: int) -> Tensor:
    """Return the positions of the tokens of mentions, for ``entity_tokens``.

    Args:
        spans: first token and the one behind the last of each mention; an empty span is no entity.
        width: S, at least 1; of a longer mention the first S tokens are taken.

    Shapes:
        spans: ``[B, M, 2]``; out: ``[B, M, S]``, -1 where there is no token
    """
    starts, ends = spans.unsqueeze(-2).unbind(-1)  # [B, M, 1] each
    positions = starts + torch.arange(width, device=spans.device)
    return positions.masked_fill(positions >= ends, -1)
