"""From a stream of records to a compiled graph on disk, all or nothing, at any size."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kglm.errors import ConfigError, DataError
from kglm.files import atomic_directory, remove_abandoned
from kglm.kg.batching import batches
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.manifest import FORMAT, VERSION, fingerprint, may_be_replaced, plain, write_manifest
from kglm.kg.records import MAX_WEIGHT, WEIGHT_EXPECTED, Records
from kglm.kg.staging import DESCRIPTIONS, FORMS, INCOMING, LINKS, OUTGOING, MergeWeights, Staging
from kglm.kg.store import ArrayWriter, StoreWriter, specs_to_json
from kglm.kg.strings import StringTableWriter, write_strings
from kglm.kg.tally import REJECTED_FILE, Tally

WORKSPACE = "workspace"
MEMORY = "3GB"


def build_graph(
    records: Records,
    folder: Path | str,
    *,
    name: str,
    provenance: Mapping[str, Any] | None = None,
    tally: Tally | None = None,
    merge_weights: MergeWeights = "max",
    memory: str = MEMORY,
) -> KnowledgeGraph:
    """Compile records into ``folder`` and open the result.

    Triples with the same head, relation and tail become one; its weight is the largest of theirs, or their sum, and
    its source that of the heaviest. An entity is whatever a triple names; labels and descriptions of other names
    are dropped. An entity without a preferred label is shown by its own name, underscores read as blanks. The result
    does not depend on the order of the records, save that the first preferred label and the first description of an
    entity win, nor on the number of cores. ``folder`` is replaced only when all is written; a kill at any moment
    leaves what was there before (where folders cannot change places in one step, the next build or
    :func:`kglm.files.recover_directory` puts it back).

    Args:
        records: triples, labels and descriptions, one by one or in batches.
        folder: where the compiled graph goes, new, empty, or a graph; nobody else may write it at the same time.
        name: what the graph is called in messages.
        provenance: anything worth keeping about the source, stored in the manifest as JSON.
        tally: of the reader; its counts go into the manifest, the lines that it rejects into ``rejected.jsonl``.
        merge_weights: ``max`` or ``sum``.
        memory: how much the sorting may use before it goes to disk, such as ``3GB``; some hundred megabytes, and
            eight bytes an entity, come on top.

    Raises:
        ConfigError: ``merge_weights`` or ``memory`` is not as it must be.
        DataError: there is no triple, a weight is not a positive number, a text is not valid Unicode, or ``folder``
            holds something other than a graph.
        GraphError: there are more than 16,383 relations or 65,534 sources, or memory or disk ran out in the sorting.
        TypeError, ValueError: JSON cannot hold ``provenance``.
    """
    if merge_weights not in get_args(MergeWeights):
        raise ConfigError(f"merge_weights is '{merge_weights}', expected one of {list(get_args(MergeWeights))}")
    folder = Path(folder)
    if not may_be_replaced(folder):
        raise DataError(f"the folder '{folder}' holds something other than a compiled graph; nothing is overwritten")
    provenance = plain(provenance or {})
    remove_abandoned(folder)
    tally = tally or Tally()
    with atomic_directory(folder) as temporary:
        with _workspace(temporary) as workspace, Staging(workspace, memory) as staging:
            with tally.side_file(temporary / REJECTED_FILE):
                _stage(records, staging, name)
            staging.compile(merge_weights)
            manifest = _write(staging, StoreWriter(temporary), name)
        manifest |= {"provenance": provenance, "intake": tally.counts()}
        write_manifest(temporary, manifest)
    return KnowledgeGraph.open(folder)


@contextmanager
def _workspace(folder: Path) -> Iterator[Path]:
    workspace = folder / WORKSPACE
    workspace.mkdir()
    yield workspace
    shutil.rmtree(workspace)


def _stage(records: Records, staging: Staging, name: str) -> None:
    try:
        for batch in batches(records):
            staging.add(batch)
    except UnicodeEncodeError as error:
        raise DataError(f"the source of graph '{name}' holds {error.object!a}, which UTF-8 cannot write") from error
    if not staging.count("staged"):
        raise DataError(f"the source of graph '{name}' holds no triple")


def _write(staging: Staging, store: StoreWriter, name: str) -> dict[str, Any]:
    """Write all arrays and return the manifest, but for where the graph came from."""
    num_entities = staging.count("entities")
    values = staging.weight_values()
    if values[-1] > MAX_WEIGHT:
        raise DataError(f"the summed weight of a triple of graph '{name}' is {values[-1]}, {WEIGHT_EXPECTED}")
    store.write("weight_values", values)
    sources = staging.sources if len(staging.sources) > 1 else []
    _write_rows(
        store, "outgoing", num_entities, values, len(staging.relations), staging.rows(OUTGOING), bool(sources)
    )
    _write_rows(store, "incoming", num_entities, values, len(staging.relations), staging.rows(INCOMING))
    _write_rows(store, "links", num_entities, values, None, staging.rows(LINKS))
    strings = {
        "entities": write_strings(store, "entities", _texts(staging, "SELECT name FROM entities")),
        "labels": write_strings(store, "labels", _texts(staging, "SELECT text FROM labels")),
        "descriptions": write_strings(store, "descriptions", _texts(staging, DESCRIPTIONS)),
        "surfaces": _write_surfaces(store, staging.rows(FORMS)),
    }
    store.seal()
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "name": name,
        "num_triples": store.specs["outgoing.neighbors"].length,
        "relations": staging.relations,
        "sources": sources,
        "strings": strings,
        "arrays": specs_to_json(store.specs),
    }
    return {**manifest, "fingerprint": fingerprint(manifest)}


def _texts(staging: Staging, query: str) -> Iterator[pa.Array]:
    return (batch.column(0) for batch in staging.rows(query))


def _write_rows(
    store: StoreWriter,
    name: str,
    num_rows: int,
    weight_values: np.ndarray,
    num_relations: int | None,
    batches: Iterable[pa.RecordBatch],
    with_sources: bool = False,
) -> None:
    """Write sorted edges as compressed sparse rows, column by column as they come."""
    counts = np.zeros(num_rows + 1, dtype=np.int64)
    types: dict[str, Any] = {"neighbors": np.int32, "weight_codes": np.min_scalar_type(len(weight_values) - 1)}
    if num_relations is not None:
        types["relations"] = np.uint8 if num_relations <= 1 << 8 else np.uint16
    if with_sources:
        types["sources"] = np.uint16
    with _arrays(store, {f"{name}.{field}": dtype for field, dtype in types.items()}) as writers:
        for batch in batches:
            columns = {field: batch.column(field).to_numpy() for field in batch.schema.names}
            rows, times = np.unique(columns["row"], return_counts=True)
            counts[rows + 1] += times
            columns["neighbors"], columns["relations"] = columns["neighbor"], columns.get("relation")
            columns["weight_codes"] = np.searchsorted(weight_values, columns["weight"])
            columns["sources"] = columns.get("source")
            for field in types:
                writers[f"{name}.{field}"].append(columns[field])
    pointers = np.cumsum(counts, out=counts)
    store.write(f"{name}.indptr", pointers.astype(np.uint32 if pointers[-1] < 1 << 32 else np.uint64))


def _write_surfaces(store: StoreWriter, forms: Iterable[pa.RecordBatch]) -> int:
    """Write the sorted surface forms and, for each, the entities that bear it; return how many forms there are."""
    last: str | None = None
    at = 0
    types = {"surface_indptr": np.int64, "surface_entities": np.int32, "surface_counts": np.int32}
    with _arrays(store, types) as writers, StringTableWriter(store, "surfaces") as surfaces:
        for batch in forms:
            texts = batch.column("text")
            before = pa.concat_arrays([pa.array([last], texts.type), texts[:-1]])
            new = pc.not_equal(texts, before).fill_null(True)
            surfaces.append(texts.filter(new))
            writers["surface_indptr"].append(at + np.flatnonzero(new.to_numpy(zero_copy_only=False)))
            writers["surface_entities"].append(batch.column("id").to_numpy())
            counts = batch.column("count").to_numpy()
            writers["surface_counts"].append(np.minimum(counts, np.iinfo(np.int32).max))
            last = texts[-1].as_py()
            at += len(texts)
        writers["surface_indptr"].append(np.array([at]))
    return surfaces.length


@contextmanager
def _arrays(store: StoreWriter, types: Mapping[str, Any]) -> Iterator[dict[str, ArrayWriter]]:
    """Open several arrays for writing at once."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(store.array(name, dtype)) for name, dtype in types.items()}
