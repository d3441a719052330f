"""What a reader yields and the builder takes: a stream of triples and labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

# Weights are stored in single precision; beyond these they would become 0 or infinite.
MIN_WEIGHT, MAX_WEIGHT = 1e-38, 1e38
WEIGHT_EXPECTED = f"expected a positive number ({MIN_WEIGHT:g} to {MAX_WEIGHT:g})"


class Triple(NamedTuple):
    """A weighted edge ``head --relation--> tail`` between entity names."""

    head: str
    relation: str
    tail: str
    weight: float = 1.0


class Label(NamedTuple):
    """A surface form of an entity; the preferred one is what a person is shown."""

    entity: str
    text: str
    preferred: bool = False


Record = Triple | Label
Records = Iterable[Record]
