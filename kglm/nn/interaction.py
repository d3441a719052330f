"""What a reasoner must do to speak with an encoder between its layers."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from torch import Tensor

from kglm.nn.graph_batch import GraphBatch
from kglm.nn.reasoner import Reasoner, ReasonerOutput


class InteractiveReasoner(Reasoner):
    """A reasoner with a step for each of the last encoder layers, in which token and graph exchange what they know.

    Attributes:
        num_layers: how many steps there are.
    """

    num_layers: int

    @abstractmethod
    def begin(self, graph: GraphBatch) -> Any:
        """Return the state before the first step."""

    @abstractmethod
    def exchange(self, layer: int, token: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return the interaction token and the state after a step.

        Args:
            layer: number of the step.
            token: the encoder's vector of the interaction token of each text.
            state: what the step before left.

        Shapes:
            token, out: ``[G, statement_dim]``
        """

    @abstractmethod
    def finish(self, state: Any, statement: Tensor) -> ReasonerOutput:
        """Return what was found.

        Shapes:
            statement: ``[G, statement_dim]``
        """

    def forward(self, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
        """Reason without an encoder in between: the statement itself is the interaction token."""
        statement = statement.to(next(self.parameters()).dtype)
        state = self.begin(graph)
        for layer in range(self.num_layers):
            statement, state = self.exchange(layer, statement, state)
        return self.finish(state, statement)
