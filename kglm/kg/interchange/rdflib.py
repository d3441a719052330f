"""To rdflib and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import rdflib

from kglm.kg.graph import KnowledgeGraph
from kglm.kg.interchange.ntriples import NTriplesWriter
from kglm.kg.interchange.selection import Selection
from kglm.kg.iris import Namespaces
from kglm.kg.readers.rdf import read_rdf
from kglm.kg.records import Records
from kglm.kg.tally import Tally


def to_rdflib(
    graph: KnowledgeGraph,
    entities: Iterable[int] | None = None,
    *,
    prefixes: Mapping[str, str] | None = None,
    statements: bool = True,
) -> rdflib.Graph:
    """Return a copy, or a copy of a part, as an rdflib graph that says what the N-Triples export says.

    For SPARQL over more than some ten thousand triples see :func:`kglm.kg.sparql_store.open_store`, which rdflib can
    use too.

    Args:
        graph: what is copied.
        entities: ids of the entities to copy, with the triples between them; None for all.
        prefixes: what prefixes in names stand for, beside the well-known ones (:mod:`kglm.kg.iris`).
        statements: whether to add the reified statements that bear weights and sources.

    Raises:
        GraphError: an id is not in the graph.
        ConfigError: a prefix is not allowed.
    """
    namespaces = Namespaces.of(graph.entities, graph.relations, prefixes)
    copy = rdflib.Graph(bind_namespaces="none")
    for prefix, namespace in namespaces.prefixes.items():
        copy.bind(prefix, namespace)
    writer = NTriplesWriter(namespaces, graph.relations, statements=statements)
    for blocks in Selection(graph, entities).blocks():
        copy.parse(data="\n".join((*writer.lines(*blocks), "")), format="nt")
    return copy


def from_rdflib(
    graph: rdflib.Graph,
    tally: Tally | None = None,
    *,
    language: str | None = "en",
    other_languages: bool = False,
    blank_nodes: str = "skip",
) -> Records:
    """Yield the records of an rdflib graph, for :func:`kglm.kg.build_graph`.

    The rules are those of :func:`kglm.kg.readers.rdf.read_rdf`; resources are named by the prefixes bound in the
    graph. It goes through a temporary file of N-Triples, which the reader for large files takes in.

    Args:
        graph: what is read.
        tally: told what becomes of each triple; None for one that nobody looks at.
        language: the language of labels and descriptions, as a tag; None takes all alike.
        other_languages: also take labels in other languages, as aliases, and descriptions for want of a better.
        blank_nodes: ``skip`` or ``keep``.

    Raises:
        ConfigError: an option has a value that is not allowed.
        DataError: a weight is not a positive number or is given to a triple that is not stated, or more terms are
            invalid than ``tally`` allows.
    """
    prefixes = {prefix: str(namespace) for prefix, namespace in graph.namespaces()}
    with TemporaryDirectory(prefix="kglm-rdflib-") as folder:
        path = Path(folder) / "graph.nt"
        graph.serialize(path, format="nt", encoding="utf-8")
        yield from read_rdf(
            path,
            Tally() if tally is None else tally,
            syntax="ntriples",
            language=language,
            other_languages=other_languages,
            blank_nodes=blank_nodes,
            prefixes=prefixes,
        )
