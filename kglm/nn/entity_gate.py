"""A learned gate between two vectors of an entity: what the graph's structure says of it, and what its text says."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class EntityGate(nn.Module):
    """Mixes structural and textual vectors dimension by dimension.

    ::

        g = σ(W [s; t] + b)
        e = g * (P_s s + c_s) + (1 - g) * (P_t t + c_t)

    A vector of zeros is missing: the other is then taken alone (g is 0 without s, 1 without t), and an entity with
    neither gets zeros. The gate begins at ``σ(b)`` with W = 0, so that an untrained one mixes all entities alike.

    Args:
        structural_dim: D_s.
        textual_dim: D_t.
        output_dim: D.
        initial_gate: σ(b) at the start, in (0, 1): the share of the structural vector.

    Shapes:
        structural: ``[..., D_s]``; textual: ``[..., D_t]``; out: ``[..., D]``
    """

    def __init__(self, *, structural_dim: int, textual_dim: int, output_dim: int, initial_gate: float = 0.5) -> None:
        super().__init__()
        if not 0 < initial_gate < 1:
            raise ValueError(f"initial_gate is {initial_gate}; allowed: a number between 0 and 1")
        self.gate = nn.Linear(structural_dim + textual_dim, output_dim)
        self.structural = nn.Linear(structural_dim, output_dim)
        self.textual = nn.Linear(textual_dim, output_dim)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, float(torch.logit(torch.tensor(initial_gate))))

    def forward(self, structural: Tensor, textual: Tensor) -> Tensor:
        """Return the mixed vectors."""
        share = self.shares(structural, textual)
        mixed = share * self.structural(structural) + (1 - share) * self.textual(textual)
        return mixed * (_there(structural) | _there(textual))

    def shares(self, structural: Tensor, textual: Tensor) -> Tensor:
        """Return g ``[..., D]``, the share of the structural vector."""
        share = self.gate(torch.cat([structural, textual], dim=-1)).sigmoid()
        share = torch.where(_there(structural), share, torch.zeros_like(share))
        return torch.where(_there(textual), share, torch.ones_like(share) * _there(structural))


def _there(vectors: Tensor) -> Tensor:
    """Return which vectors are not zero, ``[..., D]`` to bool ``[..., 1]``."""
    return (vectors != 0).any(dim=-1, keepdim=True)
