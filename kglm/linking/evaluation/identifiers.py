"""From the names of entities in a gold set to those of a graph."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from kglm.errors import DataError, require_file
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.readers.compression import open_bytes

_WIKIDATA = re.compile(r"https?://(?:www\.)?wikidata\.org/(?:entity|wiki)/(Q[0-9]+)")
_TITLE = re.compile(r"https?://(?:en\.wikipedia\.org/wiki|(?:en\.)?dbpedia\.org/(?:resource|page))/(.+)")


class EntityIdentifiers:
    """The entities of a graph by the identifiers that gold sets use.

    An entity is found by its own name in the graph, and by all that a table says of it: Wikidata ids, plain or as
    IRIs, and titles of the English Wikipedia, as IRIs there or at DBpedia.

    Args:
        graph: the graph; an identifier may be the name of an entity.
        identifiers: further pairs of identifier and name of an entity; those of other entities are passed over.
    """

    def __init__(self, graph: KnowledgeGraph, identifiers: Iterable[tuple[str, str]] = ()) -> None:
        self.graph = graph
        self._entities: dict[str, int] = {}
        for identifier, name in identifiers:
            entity = graph.entities.find(name)
            if entity >= 0:
                self._entities.setdefault(canonical(identifier), entity)

    @classmethod
    def read(cls, graph: KnowledgeGraph, path: Path | str | None) -> EntityIdentifiers:
        """Return the identifiers of a table in JSON lines, or the graph's names alone where there is none.

        A line has the entity's name in the graph (``mid`` or ``entity``) and its ``wikidata_id`` or ``wikipedia``
        (a page's address), or both.

        Raises:
            DataError: the file is missing or malformed; names the line.
        """
        return cls(graph, [] if path is None else _read(require_file(path, "table of identifiers")))

    def find(self, identifier: str | None) -> int | None:
        """Return the entity's id in the graph, or None where it has none."""
        if identifier is None:
            return None
        entity = self._entities.get(canonical(identifier))
        if entity is None:
            found = self.graph.entities.find(identifier)
            entity = None if found < 0 else found
        return entity


def canonical(identifier: str) -> str:
    """Return one form of an identifier: ``Q42``, or ``title:Douglas_Adams``; any other as it is."""
    match = _WIKIDATA.fullmatch(identifier)
    if match:
        return match.group(1)
    match = _TITLE.fullmatch(identifier)
    return "title:" + unquote(match.group(1)).replace(" ", "_") if match else identifier


def _read(path: Path) -> Iterator[tuple[str, str]]:
    with open_bytes(path) as handle:
        for number, line in enumerate(handle, start=1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError.at(path, number, f"not JSON ({error})") from error
            name = row.get("mid", row.get("entity")) if isinstance(row, Mapping) else None
            if not isinstance(name, str):
                raise DataError.at(path, number, "expected a JSON object with 'mid' or 'entity'")
            for key in ("wikidata_id", "wikipedia"):
                identifier = row.get(key)
                if isinstance(identifier, str) and identifier:
                    yield identifier, name
