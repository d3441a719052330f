"""What an encoder says of a batch's texts."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class TextVectors(NamedTuple):
    """Vectors of the texts of B questions and G question-choice pairs, each the mean over the text's tokens.

    Attributes:
        question: ``[B, D]``, of the questions alone.
        choice: ``[G, D]``, of the choices alone.
        statement: ``[G, D]``, of question and choice in one sequence.
        informed: ``[G, D]``, of the choices with their facts; those of the choices alone where there are none.
    """

    question: Tensor
    choice: Tensor
    statement: Tensor
    informed: Tensor
