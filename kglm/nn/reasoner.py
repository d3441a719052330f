"""What a reasoner over schema graphs takes and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from kglm.nn.graph_batch import GraphBatch


@dataclass(frozen=True)
class ReasonerOutput:
    """What a reasoner found in each graph, and where.

    A reasoner gives the attentions that it has. They are what it computed with, not an explanation made afterwards.

    Attributes:
        graph_vector: ``[G, output_dim]``.
        path_attention: ``[P]`` weight of each path within its concept pair where there is a ``pair_attention``, else
            within its graph; see :func:`path_shares`. None where the reasoner does not weigh paths.
        pair_attention: ``[M]`` weight of each concept pair within its graph; None where it does not weigh pairs.
        node_attention: ``[N]`` weight of each node within its graph; None where it does not weigh nodes.
        node_relevance: ``[N]`` what the reasoner was told of each node before it reasoned; None where nothing.
    """

    graph_vector: Tensor
    path_attention: Tensor | None = None
    pair_attention: Tensor | None = None
    node_attention: Tensor | None = None
    node_relevance: Tensor | None = None


def path_shares(path_attention: Tensor, pair_attention: Tensor | None, path_pair: Tensor) -> Tensor:
    """Return each path's share in its graph: its weight, times that of its concept pair where pairs are weighed.

    Shapes:
        path_attention: ``[P]``; pair_attention: ``[M]``; path_pair: ``[P]``; out: ``[P]``
    """
    if pair_attention is None:
        return path_attention
    return path_attention * pair_attention.index_select(0, path_pair)


class Reasoner(nn.Module, ABC):
    """A module that reads a schema graph in the light of its statement.

    Attributes:
        output_dim: dimension of the graph vector.
    """

    output_dim: int

    @abstractmethod
    def forward(self, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
        """Return one vector per graph, and the evidence behind it.

        Shapes:
            statement: ``[G, D]``
        """
