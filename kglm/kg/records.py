"""What a reader yields and the builder takes: triples, labels and descriptions, one by one or in batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

# Weights are stored in single precision; beyond these they would become 0 or infinite.
MIN_WEIGHT, MAX_WEIGHT = 1e-38, 1e38
WEIGHT_EXPECTED = f"expected a positive number ({MIN_WEIGHT:g} to {MAX_WEIGHT:g})"


class Triple(NamedTuple):
    """A weighted edge ``head --relation--> tail`` between entity names; ``source`` says who asserts it."""

    head: str
    relation: str
    tail: str
    weight: float = 1.0
    source: str = ""


class Label(NamedTuple):
    """A surface form of an entity; the preferred one is what a person is shown.

    ``count`` says how often the form has been seen to mean this entity (a sense count, a link count); 0 where
    nobody counted.
    """

    entity: str
    text: str
    preferred: bool = False
    count: int = 0  # type: ignore[assignment]  # a field here, a method of other tuples


class Description(NamedTuple):
    """A sentence or two that tell what an entity is: a gloss, a definition."""

    entity: str
    text: str


@dataclass(frozen=True, kw_only=True)
class TripleBatch:
    """Triples as Arrow columns of equal length, for readers of large files.

    Attributes:
        heads: strings.
        relations: strings.
        tails: strings.
        weights: floats, each within ``MIN_WEIGHT`` to ``MAX_WEIGHT``.
        sources: strings, or None where nothing is known.
        lines: 1-based line numbers of the file read, for messages of whoever rejects a row downstream, or None.
    """

    heads: pa.Array
    relations: pa.Array
    tails: pa.Array
    weights: pa.Array
    sources: pa.Array | None = None
    lines: pa.Array | None = None

    def __len__(self) -> int:
        return len(self.heads)


@dataclass(frozen=True, kw_only=True)
class LabelBatch:
    """Labels as Arrow columns of equal length.

    Attributes:
        entities: strings.
        texts: strings.
        preferred: booleans.
        counts: integers, or None where nobody counted.
        standalone: whether these entities belong to the graph even where no triple names them.
    """

    entities: pa.Array
    texts: pa.Array
    preferred: pa.Array
    counts: pa.Array | None = None
    standalone: bool = False

    def __len__(self) -> int:
        return len(self.entities)


Record = Triple | Label | Description | TripleBatch | LabelBatch
Records = Iterable[Record]
