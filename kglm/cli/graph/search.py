"""``kglm graph search``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kglm.cli.graph.arguments import AsJson, Graph, Limit

if TYPE_CHECKING:
    from kglm.inspection.names import NameMatches


def search(
    graph: Graph,
    text: Annotated[str, typer.Argument(help="How a name, label or alias begins.", show_default=False)],
    substring: Annotated[bool, typer.Option("--substring", "-s", help="Match anywhere in a name.")] = False,
    fuzzy: Annotated[bool, typer.Option("--fuzzy", "-f", help="Allow for slips: up to three letters.")] = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Find entities by a name's beginning, a part of it, or nearly.

    Those called exactly so come first, then those with most neighbours.

    Example: kglm graph search everyday trowl --fuzzy

    JSON keys: query, mode, total, matches (id, name, label, form, kind, degree,
    description).
    """
    if substring and fuzzy:
        raise typer.BadParameter("--substring and --fuzzy exclude each other")
    if not text.strip():
        raise typer.BadParameter("the text is blank", param_hint="TEXT")
    from kglm.cli.graph.opening import open_graph
    from kglm.cli.graph.output import print_json
    from kglm.inspection.names import search_names

    found = search_names(open_graph(graph), text, "substring" if substring else "fuzzy" if fuzzy else "prefix", limit)
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)


def _show(found: NameMatches) -> None:
    from kglm.inspection.tables import show, shown_of, table

    if not found.matches:
        wider = {"prefix": "; try --substring or --fuzzy", "substring": "; try --fuzzy"}.get(found.mode, "")
        show(f"nothing found for '{found.query}'{wider}")
        return
    named = any(match.name.replace("_", " ") != match.label for match in found.matches)
    told = any(match.description for match in found.matches)
    columns = ["label", *["name"] * named, "matched", ">neighbours", *["description"] * told]
    rows = [
        [match.label] + [match.name] * named + ["" if match.kind == "label" else f"{match.form} ({match.kind})"]
        + [match.degree] + [match.description] * told
        for match in found.matches
    ]  # fmt: skip
    rest = shown_of(len(rows), found.total, "entities (--limit)")
    show(table(columns, rows), *([rest] if rest else []))
