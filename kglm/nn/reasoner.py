"""What a reasoner over schema graphs takes and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from kglm.nn.graph_batch import GraphBatch


@dataclass(frozen=True)
class ReasonerOutput:
    """What a reasoner found in each graph.

    Attributes:
        graph_vector: ``[G, output_dim]``; 0 for a graph without concept pairs.
        path_attention: ``[P]`` weight of each path within its concept pair.
        pair_attention: ``[M]`` weight of each concept pair within its graph.
    """

    graph_vector: Tensor
    path_attention: Tensor
    pair_attention: Tensor


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
