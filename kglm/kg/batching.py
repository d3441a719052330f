"""Records one by one gathered into batches, so that the builder sees columns alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from kglm.kg.records import Description, Label, LabelBatch, Records, Triple, TripleBatch

ROWS = 1 << 16
MAX_COUNT = 2**31 - 1  # what a count is stored in; a form seen more often is not told apart


@dataclass(frozen=True, kw_only=True)
class DescriptionBatch:
    """Descriptions as Arrow columns of equal length."""

    entities: pa.Array
    texts: pa.Array

    def __len__(self) -> int:
        return len(self.entities)


Batch = TripleBatch | LabelBatch | DescriptionBatch


def batches(records: Records) -> Iterator[Batch]:
    """Yield the records as batches, in their order.

    Raises:
        UnicodeEncodeError: a text cannot be written as UTF-8.
    """
    singles: dict[type, list[Any]] = {Triple: [], Label: [], Description: []}
    waiting = 0
    for record in records:
        if type(record) in singles:
            singles[type(record)].append(record)
            waiting += 1
            if waiting < ROWS:
                continue
        yield from _gathered(singles)
        waiting = 0
        if type(record) not in singles:
            yield record  # type: ignore[misc]
    yield from _gathered(singles)


def _gathered(singles: dict[type, list[Any]]) -> Iterator[Batch]:
    """Yield what has been gathered as one batch a kind, and forget it."""
    if singles[Triple]:
        heads, relations, tails, weights, sources = zip(*singles[Triple], strict=True)
        yield TripleBatch(
            heads=_texts(heads),
            relations=_texts(relations),
            tails=_texts(tails),
            weights=pa.array(weights, pa.float64()),
            sources=_texts(sources) if any(sources) else None,
        )
    if singles[Label]:
        entities, texts, preferred, counts = zip(*singles[Label], strict=True)
        yield LabelBatch(
            entities=_texts(entities),
            texts=_texts(texts),
            preferred=pa.array(preferred, pa.bool_()),
            counts=pa.array([min(count, MAX_COUNT) for count in counts], pa.int64()),
        )
    if singles[Description]:
        entities, texts = zip(*singles[Description], strict=True)
        yield DescriptionBatch(entities=_texts(entities), texts=_texts(texts))
    for gathered in singles.values():
        gathered.clear()


def _texts(values: tuple[str, ...]) -> pa.Array:
    return pa.array(values, pa.large_string())
