"""SPARQL 1.1 over a compiled graph, through Oxigraph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pyoxigraph import QueryBoolean, QueryTriples

from kglm.errors import ConfigError, DataError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.iris import BASE, WELL_KNOWN, Namespaces
from kglm.kg.sparql_results import TRIPLE_COLUMNS, Bindings, Statements, Truth
from kglm.kg.sparql_store import open_store

_PLACE = re.compile(r"error at (\d+):(\d+): ", re.ASCII)
_PROLOGUE = re.compile(r"\s+|#[^\n]*|(?:PREFIX\s+[^\s<]*|BASE)\s*<[^>]*>", re.IGNORECASE)
_UPDATE = re.compile(r"(?:INSERT|DELETE|LOAD|CLEAR|DROP|CREATE|ADD|MOVE|COPY|WITH)\b", re.IGNORECASE)
_NAMED_GRAPH = re.compile(r"\b(?:GRAPH|FROM)\b", re.IGNORECASE)
MAX_EXPECTED = 160


class QueryError(DataError):
    """A SPARQL query cannot be understood or answered.

    Attributes:
        line: 1-based line of the query, or None where the place is not known.
        column: 1-based column in it.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def sparql(
    graph: KnowledgeGraph,
    query: str,
    store_dir: Path | str | None = None,
    *,
    limit: int | None = None,
    prefixes: Mapping[str, str] | None = None,
    statements: bool | None = None,
) -> Bindings | Statements | Truth:
    """Answer a SPARQL 1.1 query about a graph.

    The store behind it is made from the graph on first use (:func:`kglm.kg.sparql_store.open_store`) and holds what
    the N-Triples export says. The empty prefix stands for minted names, so ``SELECT ?x { :trowel :UsedFor ?x }``
    works as it stands; ``rdf rdfs skos xsd dcterms kglm`` and the other well-known prefixes of :mod:`kglm.kg.iris`
    need no declaration either. Weights other than 1, and sources, are on reified statements, apart::

        SELECT ?x ?weight {
            GRAPH kglm:statements {
                ?s rdf:subject :trowel ; rdf:predicate :UsedFor ; rdf:object ?x ; kglm:weight ?weight
            }
        } ORDER BY DESC(?weight)

    A ``SERVICE`` clause asks another server, over the network; nothing else here does.

    Args:
        graph: what is asked.
        query: ``SELECT``, ``ASK``, ``CONSTRUCT`` or ``DESCRIBE``.
        store_dir: folder where stores on disk are kept for the next time; None for a store in memory.
        limit: how many rows or triples are returned at most; the store stops looking after one more.
        prefixes: further prefixes, for the names in the graph and for the query.
        statements: whether the store has the reified statements, which make it up to five times as large; None where
            the query has a ``GRAPH`` or ``FROM`` and so can reach them.

    Returns:
        Bindings for ``SELECT``, statements for ``CONSTRUCT`` and ``DESCRIBE``, a truth value for ``ASK``.

    Raises:
        QueryError: the query is malformed, an ``UPDATE``, or failed; with the line and column where they are known.
        GraphError: the store on disk is damaged or belongs to another graph.
        ConfigError: a prefix or the limit is not allowed.
    """
    if limit is not None and limit < 0:
        raise ConfigError(f"limit {limit}, expected 0 or more")
    if statements is None:
        statements = _NAMED_GRAPH.search(query) is not None
    store = open_store(graph, store_dir, prefixes=prefixes, statements=statements)
    name = Namespaces.of(graph.entities, graph.relations, prefixes).name
    declared = {"": BASE} | WELL_KNOWN | dict(prefixes or {})
    # On one line, so that lines in messages are those of the query.
    header = "".join(f"PREFIX {prefix}: <{namespace}> " for prefix, namespace in declared.items())
    try:
        found = store.query(header + query)
        if isinstance(found, QueryBoolean):
            return Truth(bool(found))
        if isinstance(found, QueryTriples):
            terms, truncated = _first(((t.subject, t.predicate, t.object) for t in found), limit)
            return Statements.of(TRIPLE_COLUMNS, terms, name, truncated)
        terms, truncated = _first((tuple(solution) for solution in found), limit)
        return Bindings.of((variable.value for variable in found.variables), terms, name, truncated)
    except SyntaxError as error:
        raise _syntax_error(query, len(header), str(error)) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise QueryError(f"the SPARQL query failed: {error}") from error


def _first(rows: Iterable[tuple[Any, ...]], limit: int | None) -> tuple[list[tuple[Any, ...]], bool]:
    """Return at most ``limit`` rows, and whether there are more."""
    taken = list(islice(rows, None if limit is None else limit + 1))
    return taken[:limit], limit is not None and len(taken) > limit


def _syntax_error(query: str, header_length: int, message: str) -> QueryError:
    if _is_update(query):
        return QueryError("SPARQL UPDATE is refused: a compiled graph never changes; expected a query")
    place = _PLACE.match(message)
    if place is None:
        return QueryError(f"the SPARQL query is malformed: {message}")
    line, column = int(place[1]), int(place[2])
    if line == 1:
        column = max(1, column - header_length)
    text = (query.split("\n") + [""] * line)[line - 1]
    return QueryError(
        f"the SPARQL query is malformed at line {line}, column {column}: {_reason(message[place.end() :])}\n"
        f"  {text}\n  {' ' * (column - 1)}^",
        line,
        column,
    )


def _reason(expected: str) -> str:
    """Return what the parser says, in one short line: it may list a hundred characters that would have fitted."""
    for known in ("Prefix not found", "The SELECT contains a variable that is unbound"):
        if known in expected:
            return known[0].lower() + known[1:]
    if expected == "expected [_]":
        return "this is not expected here"
    reason = " ".join(expected.split())
    return reason if len(reason) <= MAX_EXPECTED else f"{reason[:MAX_EXPECTED]}…"


def _is_update(query: str) -> bool:
    position = 0
    while match := _PROLOGUE.match(query, position):
        position = match.end()
    return _UPDATE.match(query, position) is not None
