"""Tables: tab-separated triples, and Parquet files of triples and entities."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kglm.errors import DataError
from kglm.files import atomic_file
from kglm.kg.interchange.ntriples import weight_text
from kglm.kg.interchange.selection import EdgeBlock, EntityBlock, Selection

TSV_COLUMNS = ("head", "relation", "tail", "weight", "source")

TRIPLES = pa.schema(
    [
        ("head", pa.string()),
        ("relation", pa.string()),
        ("tail", pa.string()),
        ("weight", pa.float32()),
        ("source", pa.string()),
        ("head_id", pa.int32()),
        ("relation_id", pa.int32()),
        ("tail_id", pa.int32()),
    ]
)
ENTITIES = pa.schema(
    [
        ("entity_id", pa.int32()),
        ("name", pa.string()),
        ("label", pa.string()),
        ("label_count", pa.int32()),
        ("description", pa.string()),
        ("aliases", pa.list_(pa.string())),
        ("alias_counts", pa.list_(pa.int32())),
    ]
)


def tsv_rows(selection: Selection) -> Iterator[str]:
    """Yield the lines of a table ``head relation tail weight`` with a header; labels are left out.

    Where any source is known there is a fifth column, ``source``.

    Raises:
        DataError: a name or source that a tab-separated line cannot hold.
    """
    with_sources = any(selection.graph.sources)
    yield "\t".join(TSV_COLUMNS if with_sources else TSV_COLUMNS[:4]) + "\n"
    relations = selection.graph.relations
    for block in selection.edge_blocks():
        for row, relation, tail, weight, source in block:
            fields = [block.names[row], relations[relation], tail, weight_text(weight)]
            _require_plain(fields, source)
            yield "\t".join([*fields, source] if with_sources else fields) + "\n"


def _require_plain(fields: list[str], source: str) -> None:
    for field in (*fields, source):
        if field != field.strip() or "\t" in field or "\n" in field or "\r" in field:
            raise _unfit(field, "it begins or ends with a blank, or has a tab or line break")
    if "" in fields:
        raise _unfit("", "an empty column is no name")
    if fields[0].startswith(("#", "\ufeff")):
        raise _unfit(fields[0], "a line that begins so is no triple")


def _unfit(text: str, reason: str) -> DataError:
    return DataError(
        f"a tab-separated table cannot hold the text {text!r} ({reason}); expected one of the other formats"
    )


def write_parquet(selection: Selection, path: Path) -> tuple[Path, Path]:
    """Write the triples to ``path`` and the entities beside it, ``NAME.entities.parquet``; the triples last."""
    entities = entities_path(path)
    _write_table(entities, ENTITIES, map(_entities, selection.entity_blocks()))
    _write_table(path, TRIPLES, (_triples(block, selection.graph.relations) for block in selection.edge_blocks()))
    return path, entities


def entities_path(path: Path) -> Path:
    """Return where the table of entities lies that belongs to a Parquet file of triples."""
    return path.with_name(f"{path.name.removesuffix('.parquet')}.entities.parquet")


def _write_table(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    with atomic_file(path, "wb") as handle, pq.ParquetWriter(handle, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def _triples(block: EdgeBlock, relations: tuple[str, ...]) -> pa.RecordBatch:
    return pa.record_batch(
        [
            pa.array([block.names[row] for row in block.rows.tolist()], pa.string()),
            pa.array([relations[relation] for relation in block.relations.tolist()], pa.string()),
            pa.array(block.tail_names, pa.string()),
            pa.array(np.ascontiguousarray(block.weights)),
            pa.array([source or None for source in block.sources], pa.string()),
            pa.array(block.ids[block.rows].astype(np.int32)),
            pa.array(block.relations.astype(np.int32)),
            pa.array(block.tails.astype(np.int32)),
        ],
        schema=TRIPLES,
    )


def _entities(block: EntityBlock) -> pa.RecordBatch:
    return pa.record_batch(
        [
            pa.array(block.ids.astype(np.int32)),
            pa.array(block.names, pa.string()),
            pa.array(block.labels, pa.string()),
            pa.array(block.label_counts, pa.int32()),
            pa.array([text or None for text in block.descriptions], pa.string()),
            pa.array(block.aliases, pa.list_(pa.string())),
            pa.array(block.alias_counts, pa.list_(pa.int32())),
        ],
        schema=ENTITIES,
    )
