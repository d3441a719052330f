"""Arguments and options that several commands of ``kglm graph`` share."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from kglm.cli.graph.completion import complete_entity, complete_graph, complete_relation

# typer reads these at run time, hence Optional.
# ruff: noqa: UP045

Graph = Annotated[
    str,
    typer.Argument(
        metavar="GRAPH",
        help="A folder made by `kglm graph build`, a source file (compiled to the cache on first use), or a recipe "
        "such as everyday.",
        autocompletion=complete_graph,
        show_default=False,
    ),
]
Entity = Annotated[
    str,
    typer.Argument(
        metavar="ENTITY", help="By name, label or alias.", autocompletion=complete_entity, show_default=False
    ),
]
Relations = Annotated[
    Optional[list[str]],
    typer.Option(
        "--relation", "-r", metavar="NAME", help="Only this relation; may be repeated.",
        autocompletion=complete_relation, show_default=False,
    ),
]  # fmt: skip
MinWeight = Annotated[float, typer.Option("--min-weight", min=0.0, help="Only triples that weigh so much or more.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many are shown.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


def parse_pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    """Return ``NAME=VALUE`` options as a dictionary.

    Raises:
        typer.BadParameter: one has no equals sign or no name, or a name stands twice.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name or name in found:
            wrong = "stands twice" if name in found else "is not NAME=VALUE"
            raise typer.BadParameter(f"'{text}' {wrong}", param_hint=option)
        found[name] = value
    return found
