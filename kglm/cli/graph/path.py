"""``kglm graph path``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kglm.cli.graph.arguments import AsJson, Graph
from kglm.cli.graph.completion import complete_entity

if TYPE_CHECKING:
    from rich.text import Text

    from kglm.inspection.paths import PathList, ShownPath
    from kglm.inspection.tables import Block
    from kglm.kg import KnowledgeGraph


def path(
    graph: Graph,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="An entity, or a text that names some.",
            autocompletion=complete_entity,
            show_default=False,
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="The same for the other end.", autocompletion=complete_entity, show_default=False
        ),
    ],
    hops: Annotated[int, typer.Option("--hops", "-k", min=1, max=4, help="The longest path.")] = 3,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many paths.")] = 10,
    cheapest: Annotated[
        bool,
        typer.Option(
            "--cheapest", help="Also find the path of any length whose links weigh most; each costs 1 / weight."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find the best paths between two entities or texts.

    Short ones come first, then those with the largest product of weights.

    Example: kglm graph path everyday "plant flowers" trowel --hops 2

    Example: kglm graph path everyday "What do you dig a hole with?" shovel

    JSON keys: graph, sources, targets, max_hops, paths and cheapest (names,
    labels, relations with ^ where a triple points backwards, score, hops,
    drawn, words).
    """  # fmt: skip
    from kglm.cli.graph.opening import open_graph
    from kglm.cli.graph.output import print_json
    from kglm.inspection.paths import list_paths

    opened = open_graph(graph)
    starts, ends = _ends(opened, source, target)
    found = list_paths(opened, starts, ends, max_hops=hops, limit=limit, cheapest=cheapest)
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found, cheapest)


def _ends(graph: KnowledgeGraph, *texts: str) -> list[list[int]]:
    """Return the entities that each text means: the one of that name, or else all that are named in it."""
    from kglm.cli.graph.linking import concepts_of
    from kglm.inspection.names import find_entities, resolve_entity

    single = [bool(find_entities(graph, text)) or len(text.split()) < 2 for text in texts]
    linked = iter(concepts_of(graph, [text for text, one in zip(texts, single, strict=True) if not one]))
    return [[resolve_entity(graph, text)] if one else next(linked) for text, one in zip(texts, single, strict=True)]


def _show(found: PathList, cheapest: bool) -> None:
    from kglm.inspection.tables import heading, show, table

    blocks: list[Block] = [heading(f"{', '.join(found.sources)} to {', '.join(found.targets)}", f"in {found.graph}")]
    if found.paths:
        rows = [[one.hops, one.score, _lines(one)] for one in found.paths]
        blocks.append(table([">hops", ">score", "path"], rows))
    else:
        blocks.append(f"no path of up to {found.max_hops} hop{'s' * (found.max_hops > 1)}")
    if cheapest and found.cheapest is not None:
        rows = [[found.cheapest.hops, found.cheapest.score, _lines(found.cheapest)]]
        blocks.append(table([">hops", ">cost", "cheapest path"], rows))
    elif cheapest:
        blocks.append("no path of any length")
    show(*blocks)


def _lines(path: ShownPath) -> Text:
    """Return a path as arrows, and below in words."""
    from rich.text import Text

    from kglm.inspection.tables import printable

    return Text(printable(path.drawn)).append(f"\n{printable(path.words)}", style="dim")
