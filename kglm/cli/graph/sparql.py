"""``kglm graph sparql``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from kglm.cli.graph.arguments import Graph, parse_pairs

if TYPE_CHECKING:
    from kglm.kg.sparql_results import Bindings, Truth

# ruff: noqa: UP045

SLOW = 100_000
"""With more triples than this, making the store takes seconds, and a person is told."""


def sparql(
    graph: Graph,
    query: Annotated[
        Optional[str], typer.Argument(help="The query; - reads it from standard input.", show_default=False)
    ] = None,
    file: Annotated[
        Optional[Path], typer.Option("--file", "-f", help="Read the query from a file.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The most rows that are printed.")] = 1000,
    prefix: Annotated[
        Optional[list[str]],
        typer.Option(
            "--prefix", metavar="NAME=IRI", help="What a prefix stands for; may be repeated.", show_default=False
        ),
    ] = None,
    statements: Annotated[
        Optional[bool],
        typer.Option(
            "--statements/--no-statements",
            help="Hold weights and sources in the store too, which makes it up to three times as large; so where "
            "the query has a GRAPH clause, unless told otherwise.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[bool, typer.Option(help="Keep the store in the cache, or build it anew in memory.")] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the SPARQL 1.1 results format in JSON, IRIs in full.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with names for IRIs.")] = False,
) -> None:
    """Answer a SPARQL 1.1 query.

    The empty prefix stands for the graph's own names.

    Example: kglm graph sparql everyday "SELECT ?x { :trowel :UsedFor ?x }"

    Weights other than 1, and sources, are told by statements in a graph of
    their own: GRAPH kglm:statements { ?s rdf:subject :trowel ; rdf:predicate
    :UsedFor ; rdf:object ?x ; kglm:weight ?w }

    JSON keys: head (vars), results (bindings), as in the W3C's recommendation;
    for ASK head and boolean.
    """  # fmt: skip
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    text = _query(query, file)
    from kglm.cli.graph.opening import cache_dir, open_graph
    from kglm.cli.graph.output import note
    from kglm.kg.sparql import sparql as answer

    opened, stores = open_graph(graph), cache_dir() / "sparql"
    if opened.num_triples > SLOW and not (keep and any(stores.glob(f"{opened.fingerprint[:16]}-*"))):
        note(f"making a SPARQL store of {opened.num_triples:,} triples{' (kept in the cache)' * keep}")
    found = answer(
        opened,
        text,
        stores if keep else None,
        limit=limit,
        prefixes=parse_pairs(prefix, "--prefix"),
        statements=statements if statements is not None else _asks_for_statements(text),
    )
    if as_json:
        typer.echo(found.to_json())
    elif as_csv:
        typer.echo(found.to_csv(), nl=False)
    else:
        _show(found)


def _asks_for_statements(query: str) -> bool:
    """Say whether a query may look into the named graph of the statements."""
    return re.search(r"\b(graph|from)\b", query, re.IGNORECASE) is not None


def _query(query: str | None, file: Path | None) -> str:
    if (query is None) == (file is None):
        raise typer.BadParameter("give either a query or --file")
    if file is not None:
        from kglm.errors import require_file

        return require_file(file, "SPARQL query").read_text(encoding="utf-8")
    return sys.stdin.read() if query == "-" else query or ""


def _show(found: Bindings | Truth) -> None:
    from kglm.inspection.tables import show, table
    from kglm.kg.sparql_results import Truth

    if isinstance(found, Truth):
        show(found.to_table())
        return
    count = f"{len(found):,} row{'s' * (len(found) != 1)}{', and there are more (--limit)' * found.truncated}"
    if found.rows:
        show(table(found.variables, found.rows), count)
    else:
        show(count)
