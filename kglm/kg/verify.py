"""Reading all of a compiled graph to see whether it is what was written, and whether it is sound in itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kglm.kg.adjacency import Adjacency, Links
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.manifest import read_manifest
from kglm.kg.store import ArrayStore, specs_from_json

CHUNK = 1 << 22  # edges compared at once


def verify_graph(folder: Path | str) -> list[str]:
    """Return what is wrong with a compiled graph, in sentences; nothing where it is sound.

    Every file is read and its SHA-256 compared with the manifest; then the arrays are held against each other:
    pointers ascend and end with the data, ids lie within the graph, rows are sorted, each entity has as many edges in
    one direction as the other says, names and forms ascend.

    Raises:
        GraphError: the folder holds no compiled graph, one of another version, or a damaged manifest.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    store = ArrayStore(folder, specs_from_json(manifest["arrays"]), check=False)
    # What is not as it was written is not worth examining further.
    return list(store.problems()) or list(_inconsistencies(KnowledgeGraph.open(folder)))


def _inconsistencies(graph: KnowledgeGraph) -> Iterator[str]:
    if not (np.diff(graph.weight_values) > 0).all():
        yield "the weights do not ascend"
    for name in ("outgoing", "incoming", "links"):
        yield from _row_problems(name, getattr(graph, name), graph)
    if graph.triple_sources is not None:
        if len(graph.triple_sources) != graph.num_triples:
            yield f"{len(graph.triple_sources)} sources for {graph.num_triples} triples"
        elif graph.triple_sources.max() >= len(graph.sources):
            yield f"a source is outside the {len(graph.sources)} sources"
    yield from _direction_problems(graph)
    yield from _string_problems(graph)
    yield from _form_problems(graph)


def _row_problems(name: str, rows: Adjacency | Links, graph: KnowledgeGraph) -> Iterator[str]:
    size = len(rows.neighbors)
    if not _covers(rows.indptr, graph.num_entities, size):
        yield f"the pointers of '{name}' do not cover its {size} edges"
        return
    if not size:
        return
    if not (rows.neighbors.min() >= 0 and rows.neighbors.max() < graph.num_entities):
        yield f"a neighbour in '{name}' is outside the graph"
    if rows.weight_codes.max() >= len(graph.weight_values):
        yield f"a weight in '{name}' is outside the table of weights"
    if isinstance(rows, Adjacency) and rows.relations.max() >= graph.num_relations:
        yield f"a relation in '{name}' is outside the {graph.num_relations} relations"
    if not _rows_are_sorted(rows):
        yield f"the rows of '{name}' are not sorted"


def _covers(indptr: np.ndarray, rows: int, size: int) -> bool:
    """Tell whether pointers ascend from 0 to ``size``, one more than there are rows."""
    if len(indptr) != rows + 1 or indptr[0] != 0 or indptr[-1] != size:
        return False
    return bool((indptr[1:] >= indptr[:-1]).all())  # no difference, which would wrap around


def _rows_are_sorted(rows: Adjacency | Links) -> bool:
    size = len(rows.neighbors)
    begins = np.zeros(size + 1, dtype=bool)
    begins[rows.indptr] = True
    for start in range(0, size - 1, CHUNK):
        stop = min(start + CHUNK + 1, size)
        keys = _sort_keys(rows, slice(start, stop))
        if not ((keys[1:] > keys[:-1]) | begins[start + 1 : stop]).all():
            return False
    return True


def _sort_keys(rows: Adjacency | Links, span: slice) -> np.ndarray:
    """Return ``int64`` keys that ascend within a row: by neighbour and relation, or from the heaviest link down."""
    neighbors = rows.neighbors[span].astype(np.int64)
    if isinstance(rows, Adjacency):
        return neighbors << 16 | rows.relations[span]
    return neighbors - (rows.weight_codes[span].astype(np.int64) << 32)


def _direction_problems(graph: KnowledgeGraph) -> Iterator[str]:
    for name, rows, opposite in (
        ("incoming", graph.incoming, graph.outgoing),
        ("outgoing", graph.outgoing, graph.incoming),
    ):
        degrees = np.bincount(np.maximum(opposite.neighbors, 0), minlength=graph.num_entities)
        if not np.array_equal(degrees, np.diff(rows.indptr.astype(np.int64))):
            yield f"the edges of '{name}' are not those of the other direction"


def _string_problems(graph: KnowledgeGraph) -> Iterator[str]:
    for name, table in (("labels", graph.labels), ("descriptions", graph.descriptions)):
        if len(table) != graph.num_entities:
            yield f"{len(table)} {name} for {graph.num_entities} entities"
    for name, table in (("entities", graph.entities), ("surfaces", graph.surfaces)):
        previous: str | None = None
        for string in table:
            if previous is not None and string <= previous:
                yield f"the {name} are not sorted: '{string}' follows '{previous}'"
                break
            previous = string


def _form_problems(graph: KnowledgeGraph) -> Iterator[str]:
    bearers = graph.surface_entities
    if not _covers(graph.surface_indptr, len(graph.surfaces), len(bearers)):
        yield f"the pointers of the surface forms do not cover their {len(bearers)} entities"
    if len(bearers) and not (bearers.min() >= 0 and bearers.max() < graph.num_entities):
        yield "an entity of a surface form is outside the graph"
    if len(graph.surface_counts) != len(bearers):
        yield f"{len(graph.surface_counts)} counts for {len(bearers)} entities of surface forms"
