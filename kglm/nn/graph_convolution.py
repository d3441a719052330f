"""KagNet's graph convolution."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from kglm.nn.ragged import segment_mean, segment_sum


class GraphConvolution(nn.Module):
    r"""The graph convolution of KagNet (Lin et al., EMNLP 2019, arXiv:1909.02151, eq. 1).

    .. math:: h_i' = \sigma(W_{self} h_i + \sum_{j \in N(i)} \frac{1}{|N(i)|} W h_j)

    ``N(i)`` are the sources of the edges that end in ``i``. Relations are not distinguished: an edge that carries
    several counts once.

    Args:
        in_dim: dimension of the incoming node vectors.
        out_dim: dimension of the outgoing node vectors.
        normalize: divide by ``|N(i)|`` as in the paper; False gives the plain sum of the reference code.
        activation: the function ``sigma``.

    Shapes:
        nodes: ``[N, in_dim]``; edge_index: ``[2, E]``; out: ``[N, out_dim]``
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        *,
        normalize: bool = True,
        activation: Callable[[Tensor], Tensor] = torch.relu,
    ) -> None:
        super().__init__()
        self.self_projection = nn.Linear(in_dim, out_dim)
        self.neighbour_projection = nn.Linear(in_dim, out_dim, bias=False)
        self.normalize = normalize
        self.activation = activation

    def forward(self, nodes: Tensor, edge_index: Tensor) -> Tensor:
        """Return the updated node vectors."""
        source, target = edge_index
        reduce = segment_mean if self.normalize else segment_sum
        messages = self.neighbour_projection(nodes).index_select(0, source)  # [E, out_dim]
        return self.activation(self.self_projection(nodes) + reduce(messages, target, nodes.shape[0]))
