"""What of a graph is indexed: its entities, or its triples as clauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.verbalization import verbalize_triple
from kglm.retrieval.text_store import Document

CHUNK = 1 << 14


def graph_documents(graph: KnowledgeGraph, what: str) -> Iterator[Document]:
    """Yield the documents of a graph.

    Args:
        graph: the graph.
        what: ``entities`` or ``triples``.

    Raises:
        ConfigError: neither.
    """
    if what not in WHAT:
        raise ConfigError(f"what is {what!r}; allowed: {', '.join(WHAT)}")
    return WHAT[what](graph)


def entity_documents(graph: KnowledgeGraph) -> Iterator[Document]:
    """Yield ``label: description`` of each entity, under its id and name."""
    for start in range(0, graph.num_entities, CHUNK):
        stop = min(start + CHUNK, graph.num_entities)
        parts = [table.slice(start, stop).to_pylist() for table in (graph.entities, graph.labels, graph.descriptions)]
        for number, (name, label, description) in enumerate(zip(*parts, strict=True), start):
            yield Document(number, name, f"{label}: {description}" if description else label)


def triple_documents(graph: KnowledgeGraph) -> Iterator[Document]:
    """Yield each triple as a clause, under its place among ``graph.triples()``; its key is ``head relation tail``."""
    out = graph.outgoing
    for start in range(0, graph.num_triples, CHUNK):
        stop = min(start + CHUNK, graph.num_triples)
        # In the pointers' own type: another would have numpy convert all of them for each chunk.
        heads = np.searchsorted(out.indptr, np.arange(start, stop, dtype=out.indptr.dtype), side="right") - 1
        tails, relations = out.neighbors[start:stop], out.relations[start:stop].tolist()
        labels = zip(graph.labels.take(heads), graph.labels.take(tails), strict=True)
        names = zip(graph.entities.take(heads), graph.entities.take(tails), strict=True)
        rows = zip(relations, labels, names, strict=True)
        for number, (relation, (head, tail), (head_name, tail_name)) in enumerate(rows, start):
            name = graph.relations[relation]
            yield Document(number, f"{head_name} {name} {tail_name}", verbalize_triple(head, name, tail))


WHAT: dict[str, Callable[[KnowledgeGraph], Iterator[Document]]] = {
    "entities": entity_documents,
    "triples": triple_documents,
}
