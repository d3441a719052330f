"""Vectors of relation sets."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class RelationBag(nn.Module):
    r"""The vector of an edge is the mean of the embeddings of all its relations.

    .. math:: r_e = \frac{1}{|R_e|} \sum_{r \in R_e} E_r

    KagNet's code keeps only the first relation of a multi-relation hop. An edge without relations gives 0.

    Args:
        num_relations: R; the table holds 2R rows, relation ``r + R`` being the inverse of ``r``.
        dim: dimension of the embeddings.

    Shapes:
        relations: ``[K]`` in ``[0, 2R)``; offsets: ``[E + 1]`` into ``relations``; out: ``[E, dim]``
    """

    def __init__(self, num_relations: int, dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(2 * num_relations, dim)

    def forward(self, relations: Tensor, offsets: Tensor, projection: Tensor | None = None) -> Tensor:
        """Return the edge vectors, each multiplied by ``projection`` ``[D, dim]`` where it is given.

        A mean commutes with a linear map: the 2R embeddings are projected, not the E edges.
        """
        table = self.embedding.weight
        if projection is not None:
            table = functional.linear(table, projection)
        return functional.embedding_bag(relations, table, offsets, mode="mean", include_last_offset=True)
