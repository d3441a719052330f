"""A compiled graph in an Oxigraph store, in memory or on disk: made once from the graph, then only read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, cast
from weakref import WeakKeyDictionary

import pyoxigraph
from pyoxigraph import RdfFormat, Store

from kglm.errors import GraphError
from kglm.files import atomic_directory, atomic_write_json
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.interchange.ntriples import NTriplesWriter
from kglm.kg.interchange.selection import Selection
from kglm.kg.iris import Namespaces

FORMAT = "kglm-sparql-store"
VERSION = 1
MANIFEST = "manifest.json"
DATA = "oxigraph"
STATEMENTS = "urn:kglm:statements"

_in_memory: WeakKeyDictionary[KnowledgeGraph, dict[str, Store]] = WeakKeyDictionary()


def open_store(
    graph: KnowledgeGraph,
    store_dir: Path | str | None = None,
    *,
    prefixes: Mapping[str, str] | None = None,
    statements: bool = False,
) -> Store:
    """Return a store that holds what the N-Triples export of a graph says, making it on first use.

    The reified statements, which bear weights and sources, are there if asked for, and in the named graph
    :data:`STATEMENTS`, out of the way of queries that ask for everything around an entity.

    In memory the store lives as long as the graph object. On disk it lies in a folder of ``store_dir`` named by the
    graph's fingerprint, so that another graph, or the same built anew with other content, gets another store. It
    appears there only when complete, and is opened read-only: any number of processes may query it at once.

    rdflib's own interface reaches the same store through the package ``oxrdflib``::

        rdflib.Graph(OxigraphStore(store=open_store(graph)), identifier=rdflib.graph.DATASET_DEFAULT_GRAPH_ID)

    Args:
        graph: what the store is made from.
        store_dir: where stores on disk are kept; None for a store in memory.
        prefixes: what prefixes in names stand for, beside the well-known ones (:mod:`kglm.kg.iris`).
        statements: whether the store holds the reified statements, which make it up to five times as large.

    Raises:
        GraphError: the folder of the store holds something else, or is damaged.
        ConfigError: a prefix is not allowed.
    """
    namespaces = Namespaces.of(graph.entities, graph.relations, prefixes)
    manifest = _manifest(graph, namespaces, statements)
    writer = NTriplesWriter(namespaces, graph.relations, statements=statements, statement_graph=STATEMENTS)
    key = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    if store_dir is None:
        stores = _in_memory.setdefault(graph, {})
        if key not in stores:
            stores[key] = _fill(Store(), graph, writer)
        return stores[key]
    folder = Path(store_dir) / f"{graph.fingerprint[:16]}-{key[:8]}"
    if not folder.exists():
        _make(folder, graph, writer, manifest)
    return _open(folder, manifest)


def _manifest(graph: KnowledgeGraph, namespaces: Namespaces, statements: bool) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "fingerprint": graph.fingerprint,
        "prefixes": dict(namespaces.prefixes),
        "statements": statements,
        # The layout on disk may change with every minor version.
        "oxigraph": ".".join(pyoxigraph.__version__.split(".")[:2]),
    }


def _make(folder: Path, graph: KnowledgeGraph, writer: NTriplesWriter, manifest: dict[str, Any]) -> None:
    """Fill a folder of its own and give it its name; one that another process gave that name first is kept."""
    own = folder.with_name(f"{folder.name}.{os.getpid()}")
    with atomic_directory(own) as temporary:
        store = _fill(Store(str(temporary / DATA)), graph, writer)
        store.flush()
        del store  # closes its files
        atomic_write_json(temporary / MANIFEST, manifest)
    try:
        os.rename(own, folder)
    except OSError:
        shutil.rmtree(own, ignore_errors=True)
        if not folder.exists():
            raise


def _fill(store: Store, graph: KnowledgeGraph, writer: NTriplesWriter) -> Store:
    chunks = ("\n".join((*writer.lines(*blocks), "")).encode() for blocks in Selection(graph).blocks())
    store.bulk_load(cast(IO[bytes], _Stream(chunks)), RdfFormat.N_QUADS)
    return store


def _open(folder: Path, manifest: dict[str, Any]) -> Store:
    remedy = f"remove '{folder}', and it is made again"
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GraphError(f"'{folder}' holds no SPARQL store ({error}); {remedy}") from error
    if found != manifest:
        raise GraphError(
            f"the SPARQL store '{folder}' was made from another graph, or by another version; expected "
            f"{manifest}, found {found}; {remedy}"
        )
    try:
        return Store.read_only(str(folder / DATA))
    except OSError as error:
        raise GraphError(f"the SPARQL store '{folder}' is damaged ({error}); {remedy}") from error


class _Stream:
    """Chunks of bytes as a file that is read from start to end."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._pending = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """Return at most ``size`` bytes, at least one until the end."""
        while not self._pending:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._pending = memoryview(chunk)
        size = len(self._pending) if size < 0 else size
        taken, self._pending = self._pending[:size], self._pending[size:]
        return bytes(taken)
