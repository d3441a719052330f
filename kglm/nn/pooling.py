"""Pooling of token vectors."""

from __future__ import annotations

import torch
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Average the vectors where the mask is set; 0 where it is set nowhere.

    ``out_b = sum_t mask_bt values_bt / max(1, sum_t mask_bt)``, summed at least in float32.

    Args:
        values: the token vectors.
        mask: bool or 0/1, one per token.

    Shapes:
        values: ``[B, T, D]``; mask: ``[B, T]``; out: ``[B, D]``, float32 unless the values are float64
    """
    # Not a matrix product: autocast would run that in half precision.
    weights = mask.to(torch.promote_types(values.dtype, torch.float32)).unsqueeze(-1)  # [B, T, 1]
    return (values * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
