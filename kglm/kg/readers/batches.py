"""Batches of records: small ones joined, and columns of text turned into triples with a verdict on each row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pyarrow as pa

from kglm.kg.records import Description, Label, LabelBatch, Records, Triple, TripleBatch

BATCH_ROWS = 100_000


def merged_batches(
    batches: Iterator[TripleBatch | LabelBatch], rows: int = BATCH_ROWS
) -> Iterator[TripleBatch | LabelBatch]:
    """Yield batches of at least ``rows`` rows, joined from smaller ones of the same kind in their order."""
    waiting: defaultdict[tuple[type, bool], list[TripleBatch | LabelBatch]] = defaultdict(list)
    for batch in batches:
        kind = waiting[type(batch), isinstance(batch, LabelBatch) and batch.standalone]
        if len(batch):
            kind.append(batch)
        if sum(map(len, kind)) >= rows:
            yield _joined(kind)
            kind.clear()
    for kind in waiting.values():
        if kind:
            yield _joined(kind)


def _joined(batches: list[TripleBatch | LabelBatch]) -> TripleBatch | LabelBatch:
    first = batches[0]
    if len(batches) == 1:
        return first
    columns: dict[str, Any] = {}
    for field in fields(first):
        parts = [getattr(batch, field.name) for batch in batches]
        if not isinstance(parts[0], bool):  # all of a kind are alike in what is no column
            columns[field.name] = None if any(part is None for part in parts) else pa.concat_arrays(parts)
    return replace(first, **columns)


def one_by_one(records: Records) -> Iterator[Triple | Label | Description]:
    """Yield the records of a stream, those of batches each by itself."""
    for record in records:
        if isinstance(record, TripleBatch):
            sources = record.sources if record.sources is not None else pa.array([""] * len(record))
            columns = (record.heads, record.relations, record.tails, record.weights, sources)
            yield from map(Triple, *(column.to_pylist() for column in columns))
        elif isinstance(record, LabelBatch):
            counts = record.counts if record.counts is not None else pa.array([0] * len(record))
            labels = (record.entities, record.texts, record.preferred, counts)
            yield from map(Label, *(column.to_pylist() for column in labels))
        else:
            yield record
