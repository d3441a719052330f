"""From the names that a data set gives to entities, such as Wikidata ids, to the ids of a graph's entities."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from kglm.errors import DataError, require_file
from kglm.kg.graph import KnowledgeGraph


class EntityNames:
    """Finds a data set's entities in a graph.

    Args:
        graph: the graph.
        aliases: the graph's name of an entity by the data set's; an entity that is not in it bears the same name
            in both.
    """

    def __init__(self, graph: KnowledgeGraph, aliases: Mapping[str, str] | None = None) -> None:
        self.graph = graph
        self.aliases = aliases or {}
        self._found: dict[str, int | None] = {}  # a corpus asks for the same entities again and again

    def find(self, name: str) -> int | None:
        """Return the id of an entity; None where the graph does not have it."""
        if name not in self._found:
            place = self.graph.entities.find(self.aliases.get(name, name))
            self._found[name] = None if place < 0 else place
        return self._found[name]


def read_aliases(path: Path | str, *, name: str, entity: str) -> dict[str, str]:
    """Read which entity of a graph bears which other name, from JSON lines, plain or ``.gz``.

    Args:
        path: the file, such as the data folder's ``fb15k237/entity2wikidata.jsonl.gz``.
        name: field of the other name, such as ``wikidata_id``.
        entity: field of the graph's name, such as ``mid``.

    Returns:
        The graph's name by the other one; of two lines with one other name the first counts.

    Raises:
        DataError: the file is missing, or a line is no JSON object with both fields.
    """
    aliases: dict[str, str] = {}
    for line, row in json_lines(path, "list of entity names"):
        for field in (name, entity):
            if not isinstance(row.get(field), str):
                raise DataError.at(path, line, f"the field '{field}' is {row.get(field)!r}; expected text")
        aliases.setdefault(row[name], row[entity])
    return aliases


def json_lines(path: Path | str, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the numbered JSON objects of a file, one a line, plain or ``.gz``; empty lines are passed over.

    Raises:
        DataError: the file is missing or cannot be read, or a line is no JSON object.
    """
    with open_text(path, what) as lines:
        for number, line in enumerate(read_lines(lines, path), start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError.at(path, number, f"this is not JSON: {error}") from error
            if not isinstance(row, dict):
                raise DataError.at(path, number, f"found {type(row).__name__}; expected a JSON object")
            yield number, row


def open_text(path: Path | str, what: str) -> TextIO:
    """Open a UTF-8 text, plain or ``.gz``.

    Raises:
        DataError: the file is missing.
    """
    path = require_file(path, what)
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return open(path, encoding="utf-8")


def read_lines(lines: TextIO, path: Path | str) -> Iterator[str]:
    """Yield the lines of an open text.

    Raises:
        DataError: the file is damaged or not UTF-8.
    """
    try:
        yield from lines
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"'{path}' cannot be read: {error}") from error
