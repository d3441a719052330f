"""A matrix for each relation, as a mixture of a few."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kglm.nn.ragged import bag_sum


class RelationMatrices(nn.Module):
    r"""Matrices of relations by basis decomposition (Schlichtkrull et al., ESWC 2018, arXiv:1703.06103, eq. 3).

    .. math:: W_r = \sum_{b=1}^{B} a_{rb} V_b

    Args:
        num_relations: how many relations there are, inverses counted.
        num_bases: B.
        in_dim: dimension of what is multiplied.
        out_dim: dimension of the products.
    """

    def __init__(self, *, num_relations: int, num_bases: int, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.bases = nn.Parameter(torch.empty(num_bases, in_dim, out_dim))  # V
        self.coefficients = nn.Parameter(torch.empty(num_relations, num_bases))  # a
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise each matrix as Glorot and Bengio do."""
        bound = (6 / (self.bases.shape[1] + self.bases.shape[2])) ** 0.5
        nn.init.uniform_(self.bases, -bound, bound)
        nn.init.xavier_uniform_(self.coefficients)

    def forward(self, values: Tensor, relations: Tensor) -> Tensor:
        """Multiply each row with the matrix of its relation.

        Shapes:
            values: ``[Q, in_dim]``; relations: ``[Q]``; out: ``[Q, out_dim]``
        """
        products = torch.einsum("qi,bio->qbo", values, self.bases)
        return (self.coefficients.index_select(0, relations).unsqueeze(-1) * products).sum(1)

    def sum_bags(self, values: Tensor, relations: Tensor, offsets: Tensor) -> Tensor:
        """Multiply each row with the matrix of its relation, and add up the rows of each segment.

        The mixture is taken before the product: one product with B matrices per segment, not per row.

        Shapes:
            values: ``[Q, in_dim]``; relations: ``[Q]``; offsets: ``[S + 1]``; out: ``[S, out_dim]``
        """
        coefficients = self.coefficients.index_select(0, relations)  # [Q, B]
        rows = torch.arange(relations.numel(), device=relations.device)
        mixtures = [bag_sum(column, values, rows, offsets) for column in coefficients.unbind(1)]  # [S, in_dim] each
        return torch.cat(mixtures, dim=-1) @ self.bases.flatten(0, 1)
