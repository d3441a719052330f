"""Reading all of a compiled graph to see whether it is what was written, and whether it is sound in itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kglm.kg.adjacency import Adjacency, Links
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.manifest import read_manifest
from kglm.kg.store import ArrayStore, specs_from_json


def verify_graph(folder: Path | str) -> list[str]:
    """Return what is wrong with a compiled graph, in sentences; nothing where it is sound.

    Every file is read and its SHA-256 compared with the manifest; then the arrays are held against each other:
    pointers ascend and end with the data, ids lie within the graph, rows are sorted, names and forms ascend.

    Raises:
        GraphError: the folder holds no compiled graph, one of another version, or a damaged manifest.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    store = ArrayStore(folder, specs_from_json(manifest["arrays"]), check=False)
    # What is not as it was written is not worth examining further.
    return list(store.problems()) or list(_inconsistencies(KnowledgeGraph.open(folder)))


def _inconsistencies(graph: KnowledgeGraph) -> Iterator[str]:
    for name in ("outgoing", "incoming", "links"):
        yield from _row_problems(name, getattr(graph, name), graph)
    if len(graph.incoming.neighbors) != graph.num_triples:
        yield f"{graph.num_triples} edges go out but {len(graph.incoming.neighbors)} come in"
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


def _row_problems(name: str, rows: Adjacency | Links, graph: KnowledgeGraph) -> Iterator[str]:
    pointers = rows.indptr.astype(np.int64)
    size = len(rows.neighbors)
    if (
        len(pointers) != graph.num_entities + 1
        or pointers[0] != 0
        or pointers[-1] != size
        or (np.diff(pointers) < 0).any()
    ):
        yield f"the pointers of '{name}' do not cover its {size} edges"
        return
    if size and not (rows.neighbors.min() >= 0 and rows.neighbors.max() < graph.num_entities):
        yield f"a neighbour in '{name}' is outside the graph"
    if size and rows.weight_codes.max() >= len(graph.weight_values):
        yield f"a weight in '{name}' is outside the table of weights"
    if isinstance(rows, Adjacency) and size and rows.relations.max() >= graph.num_relations:
        yield f"a relation in '{name}' is outside the {graph.num_relations} relations"
