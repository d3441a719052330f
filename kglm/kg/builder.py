"""From a stream of records to a compiled graph on disk, all or nothing."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kglm.errors import DataError, GraphError
from kglm.files import atomic_directory, atomic_write_json
from kglm.kg.adjacency import Adjacency, Links, row_pointers
from kglm.kg.graph import FORMAT, MANIFEST, VERSION, KnowledgeGraph
from kglm.kg.records import (
    MAX_WEIGHT,
    MIN_WEIGHT,
    WEIGHT_EXPECTED,
    Label,
    LabelBatch,
    Record,
    Records,
    Triple,
    TripleBatch,
)
from kglm.kg.strings import StringTable
from kglm.kg.tally import REJECTED_FILE, Tally

MAX_RELATIONS = np.iinfo(np.int16).max // 2


def build_graph(
    records: Records,
    folder: Path | str,
    *,
    name: str,
    provenance: Mapping[str, Any] | None = None,
    tally: Tally | None = None,
) -> KnowledgeGraph:
    """Compile records into ``folder`` and open the result.

    Triples with the same head, relation and tail become one, with the largest of their weights. An entity is
    whatever a triple names; labels of other names are dropped. An entity without a preferred label is shown
    by its own name, underscores read as blanks. The result does not depend on the order of the records, save
    that the first preferred label of an entity wins. ``folder`` is replaced only when all is written.

    Args:
        records: triples and labels.
        folder: where the compiled graph goes.
        name: what the graph is called in messages.
        provenance: anything worth keeping about the source, stored in the manifest as JSON.
        tally: what the reader of the records counts with; its counts go into the manifest, and the lines it
            rejects into ``rejected.jsonl`` beside it.

    Raises:
        DataError: there is no triple, a weight is not a positive number, or a text is not valid Unicode.
        GraphError: there are more than 16,383 relations.
    """
    tally = tally or Tally()
    with atomic_directory(Path(folder)) as temporary:
        collected = _Collected()
        with tally.side_file(temporary / REJECTED_FILE):
            for record in records:
                collected.add(record)
        manifest = _write(collected, temporary, name)
        manifest["intake"] = tally.counts()
        manifest["provenance"] = dict(provenance or {})
        atomic_write_json(temporary / MANIFEST, manifest)
    return KnowledgeGraph.open(folder)


def _write(collected: _Collected, folder: Path, name: str) -> dict[str, Any]:
    """Write the arrays of a graph, and return its manifest."""
    if not collected.heads:
        raise DataError(f"the source of graph '{name}' holds no triple")
    if len(collected.relation_ids) > MAX_RELATIONS:
        raise GraphError(f"{len(collected.relation_ids)} relations; at most {MAX_RELATIONS} can be stored")
    try:
        arrays, relations = collected.compile()
        digest = fingerprint(arrays, relations)
    except UnicodeEncodeError as error:
        raise DataError(f"the source of graph '{name}' holds {error.object!a}, which UTF-8 cannot write") from error
    for stem, values in arrays.items():
        np.save(folder / f"{stem}.npy", values)
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": name,
        "fingerprint": digest,
        "num_entities": len(arrays["entities.offsets"]) - 1,
        "num_triples": len(arrays["outgoing.neighbors"]),
        "relations": relations,
    }


def fingerprint(arrays: Mapping[str, np.ndarray], relations: list[str]) -> str:
    """Return the SHA-256 over the content of a graph: its arrays by name, and its relations."""
    digest = hashlib.sha256(f"{FORMAT} {VERSION}\n".encode())
    digest.update(json.dumps(relations, ensure_ascii=False).encode())
    for stem in sorted(arrays):
        digest.update(f"\n{stem} {arrays[stem].dtype} {arrays[stem].shape}\n".encode())
        digest.update(np.ascontiguousarray(arrays[stem]).tobytes())
    return digest.hexdigest()


class _Collected:
    """Records with names replaced by numbers in the order of their coming."""

    def __init__(self) -> None:
        self.entity_ids: dict[str, int] = {}
        self.relation_ids: dict[str, int] = {}
        self.heads, self.relations, self.tails, self.weights = array("i"), array("i"), array("i"), array("f")
        self.preferred: dict[str, str] = {}
        self.surfaces: dict[str, set[str]] = {}

    def add(self, record: Record) -> None:
        if isinstance(record, Triple):
            self.add_triple(record)
        elif isinstance(record, Label):
            self.add_label(record)
        elif isinstance(record, TripleBatch):
            self.add_triples(record)
        elif isinstance(record, LabelBatch):
            self.add_labels(record)

    def add_triples(self, batch: TripleBatch) -> None:
        columns = (batch.heads, batch.relations, batch.tails, batch.weights)
        for row in zip(*(column.to_pylist() for column in columns), strict=True):
            self.add_triple(Triple(*row))

    def add_labels(self, batch: LabelBatch) -> None:
        columns = (batch.entities, batch.texts, batch.preferred)
        for row in zip(*(column.to_pylist() for column in columns), strict=True):
            self.add_label(Label(*row))

    def add_triple(self, triple: Triple) -> None:
        if not MIN_WEIGHT <= triple.weight <= MAX_WEIGHT:
            raise DataError(f"the triple {' '.join(triple[:3])} has weight {triple.weight}, {WEIGHT_EXPECTED}")
        self.heads.append(self.entity_ids.setdefault(triple.head, len(self.entity_ids)))
        self.relations.append(self.relation_ids.setdefault(triple.relation, len(self.relation_ids)))
        self.tails.append(self.entity_ids.setdefault(triple.tail, len(self.entity_ids)))
        self.weights.append(triple.weight)

    def add_label(self, label: Label) -> None:
        if not label.text:
            return
        self.surfaces.setdefault(label.text, set()).add(label.entity)
        if label.preferred:
            self.preferred.setdefault(label.entity, label.text)

    def compile(self) -> tuple[dict[str, np.ndarray], list[str]]:
        names, entity_rank = _rank(self.entity_ids)
        relations, relation_rank = _rank(self.relation_ids)
        heads, tails = entity_rank[np.asarray(self.heads)], entity_rank[np.asarray(self.tails)]
        kinds, weights = relation_rank[np.asarray(self.relations)], np.asarray(self.weights, dtype=np.float32)
        heads, kinds, tails, weights = _merge_duplicates(heads, kinds, tails, weights)
        labels = [self.preferred.get(name) or name.replace("_", " ") for name in names]
        arrays = {
            **StringTable.from_strings(names).arrays("entities"),
            **StringTable.from_strings(labels).arrays("labels"),
            **Adjacency.from_edges(len(names), heads, tails, kinds, weights).arrays("outgoing"),
            **Adjacency.from_edges(len(names), tails, heads, kinds, weights).arrays("incoming"),
            **Links.from_triples(len(names), heads, tails, weights).arrays("links"),
            **self._surface_arrays(names, labels),
        }
        return arrays, relations

    def _surface_arrays(self, names: list[str], labels: list[str]) -> dict[str, np.ndarray]:
        """Return the sorted surface forms and, for each, the entities that bear it."""
        position = {name: index for index, name in enumerate(names)}
        entities: dict[str, set[int]] = {}
        for text, bearers in self.surfaces.items():
            known = {position[name] for name in bearers if name in position}
            if known:
                entities[text] = known
        for index, label in enumerate(labels):
            entities.setdefault(label, set()).add(index)
        surfaces = sorted(entities)
        rows = np.repeat(np.arange(len(surfaces)), [len(entities[text]) for text in surfaces])
        flat = [index for text in surfaces for index in sorted(entities[text])]
        return {
            **StringTable.from_strings(surfaces).arrays("surfaces"),
            "surface_indptr": row_pointers(rows, len(surfaces)),
            "surface_entities": np.asarray(flat, dtype=np.int32),
        }


def _rank(ids: dict[str, int]) -> tuple[list[str], np.ndarray]:
    """Return the names sorted, and the rank of each old id."""
    names = sorted(ids)
    rank = np.empty(len(names), dtype=np.int64)
    rank[[ids[name] for name in names]] = np.arange(len(names))
    return names, rank


def _merge_duplicates(
    heads: np.ndarray, relations: np.ndarray, tails: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Keep one of equal triples, the heaviest."""
    order = np.lexsort((-weights, tails, relations, heads))
    heads, relations, tails, weights = heads[order], relations[order], tails[order], weights[order]
    first = np.ones(len(heads), dtype=bool)
    first[1:] = (heads[1:] != heads[:-1]) | (relations[1:] != relations[:-1]) | (tails[1:] != tails[:-1])
    return heads[first], relations[first], tails[first], weights[first]
