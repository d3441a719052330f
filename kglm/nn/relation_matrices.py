"""A matrix for each relation, as a mixture of a few."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kglm.nn.ragged import segment_sum


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

    def sum_into(self, values: Tensor, relations: Tensor, nodes: Tensor, num_nodes: int) -> Tensor:
        """Multiply each row with the matrix of its relation, and add up what belongs to the same node.

        The mixture is taken before the product: one product with B matrices per node, not per row.

        Shapes:
            values: ``[Q, in_dim]``; relations, nodes: ``[Q]``; out: ``[num_nodes, out_dim]``
        """
        coefficients = self.coefficients.index_select(0, relations)  # [Q, B]
        mixtures = [
            segment_sum(column.unsqueeze(-1) * values, nodes, num_nodes)  # [num_nodes, in_dim]
            for column in coefficients.unbind(1)
        ]
        return torch.cat(mixtures, dim=-1) @ self.bases.flatten(0, 1)
