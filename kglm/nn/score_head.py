"""A scoring head that starts at zero."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ScoreHead(nn.Linear):
    """Dropout and a linear layer to one score, initialised to zero: untrained, it changes nothing.

    A class of its own because ``from_pretrained`` initialises missing layers anew, by their class.

    Args:
        in_dim: dimension of the features.
        dropout: on the features.

    Shapes:
        features: ``[G, in_dim]``; out: ``[G]``, float32 unless the features are float64, also under autocast
    """

    def __init__(self, in_dim: int, *, dropout: float = 0.0) -> None:
        super().__init__(in_dim, 1)
        self.dropout = nn.Dropout(dropout)

    def reset_parameters(self) -> None:
        """Set weight and bias to zero."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return one score per row."""
        dtype = torch.promote_types(features.dtype, torch.float32)
        with torch.autocast(features.device.type, enabled=False):
            features = self.dropout(features.to(dtype))
            return functional.linear(features, self.weight.to(dtype), self.bias.to(dtype)).squeeze(-1)
