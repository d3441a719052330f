"""One function that writes a graph, or a part of it, in any of the formats."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from kglm.errors import ConfigError, DataError, UnknownNameError, require_file_place
from kglm.files import atomic_file
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.interchange.node_link import node_link_text
from kglm.kg.interchange.ntriples import NTriplesWriter
from kglm.kg.interchange.selection import Selection
from kglm.kg.interchange.sorting import sorted_lines
from kglm.kg.interchange.tables import tsv_rows, write_parquet
from kglm.kg.interchange.turtle import TurtleWriter
from kglm.kg.interchange.xml_formats import write_gexf, write_graphml
from kglm.kg.iris import Namespaces

ENDINGS = {
    ".ttl": "turtle",
    ".nt": "ntriples",
    ".graphml": "graphml",
    ".gexf": "gexf",
    ".json": "json",
    ".parquet": "parquet",
    ".tsv": "tsv",
}

Files = tuple[Path, ...]
PlainWriter = Callable[[Selection, Path], Files]
RdfWriter = Callable[[Selection, Path, Namespaces, bool], Files]


def export_graph(
    graph: KnowledgeGraph,
    path: Path | str,
    format: str | None = None,
    entities: Iterable[int] | None = None,
    *,
    prefixes: Mapping[str, str] | None = None,
    statements: bool = True,
) -> tuple[Path, ...]:
    """Write a graph to a file, all or nothing; the same graph always gives the same bytes.

    ============  ============  =====================================================================================
    format        ending        holds
    ============  ============  =====================================================================================
    ``turtle``    ``.ttl``      everything but counts; streamed
    ``ntriples``  ``.nt``       everything but counts; lines sorted; streamed, with sorted runs on disk
    ``json``      ``.json``     everything but counts, as networkx's node-link form; streamed
    ``parquet``   ``.parquet``  everything: triples, and entities in ``NAME.entities.parquet`` beside it; streamed
    ``tsv``       ``.tsv``      ``head relation tail weight``; streamed
    ``graphml``   ``.graphml``  labels, descriptions, relations, weights, sources; in memory
    ``gexf``      ``.gexf``     the same; in memory
    ============  ============  =====================================================================================

    All but Parquet can be compressed: ``NAME.ttl.gz``. Names in RDF become IRIs as :mod:`kglm.kg.iris` says.

    Args:
        graph: what is written.
        path: where to.
        format: one of those above; None tells it from the ending.
        entities: ids of the entities to write, with the triples between them; None for all.
        prefixes: for RDF, what the prefixes in names stand for, beside the well-known ones.
        statements: for RDF, whether to write the reified statements that bear weights and sources.

    Returns:
        The files written.

    Raises:
        UnknownNameError: there is no such format.
        DataError: the ending tells no format, the format cannot hold a name, or ``path`` is a folder.
        GraphError: an id is not in the graph.
        ConfigError: a prefix is not allowed, or an option is given that is not of this format.
    """
    path = require_file_place(path, "export")
    format = _format_of(path, format)
    selection = Selection(graph, entities)
    if format in RDF_WRITERS:
        namespaces = Namespaces.of(graph.entities, graph.relations, prefixes)
        return RDF_WRITERS[format](selection, path, namespaces, statements)
    if prefixes or not statements:
        raise ConfigError(f"prefixes and statements are options of {' and '.join(RDF_WRITERS)}, not of '{format}'")
    return PLAIN_WRITERS[format](selection, path)


def _format_of(path: Path, format: str | None) -> str:
    formats = (*RDF_WRITERS, *PLAIN_WRITERS)
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if format is None and ending not in ENDINGS:
        raise DataError(
            f"the ending of '{path}' tells no export format; expected one of {', '.join(ENDINGS)}, or a format "
            f"named: {', '.join(formats)}"
        )
    format = ENDINGS[ending] if format is None else format
    if format not in formats:
        raise UnknownNameError("export format", format, formats)
    if format == "parquet" and path.suffix == ".gz":
        raise DataError(f"'{path}': Parquet is compressed inside; expected a name without .gz")
    return format


@contextmanager
def _output(path: Path) -> Iterator[Any]:
    """Open a file that appears only when complete; compressed if its name says so, without the time of day."""
    with atomic_file(path, "wb") as handle:
        if path.suffix != ".gz":
            yield handle
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=handle, mtime=0) as compressed:
            yield compressed


def _turtle(selection: Selection, path: Path, namespaces: Namespaces, statements: bool) -> Files:
    writer = TurtleWriter(namespaces, selection.graph.relations, statements=statements)
    with _output(path) as handle:
        handle.write(writer.header().encode())
        for entities, edges in selection.blocks():
            handle.write("".join(writer.text(entities, edges)).encode())
    return (path,)


def _ntriples(selection: Selection, path: Path, namespaces: Namespaces, statements: bool) -> Files:
    writer = NTriplesWriter(namespaces, selection.graph.relations, statements=statements)
    lines = (line for blocks in selection.blocks() for line in writer.lines(*blocks))
    with _output(path) as handle:
        handle.writelines(sorted_lines(lines, path.parent))
    return (path,)


def _text(pieces: Callable[[Selection], Iterator[str]]) -> PlainWriter:
    def write(selection: Selection, path: Path) -> Files:
        with _output(path) as handle:
            handle.writelines(piece.encode() for piece in pieces(selection))
        return (path,)

    return write


def _xml(write_xml: Callable[[Selection, IO[bytes]], None]) -> PlainWriter:
    def write(selection: Selection, path: Path) -> Files:
        with _output(path) as handle:
            write_xml(selection, handle)
        return (path,)

    return write


RDF_WRITERS: dict[str, RdfWriter] = {"turtle": _turtle, "ntriples": _ntriples}
PLAIN_WRITERS: dict[str, PlainWriter] = {
    "json": _text(node_link_text),
    "parquet": write_parquet,
    "tsv": _text(tsv_rows),
    "graphml": _xml(write_graphml),
    "gexf": _xml(write_gexf),
}
