"""``kglm graph subgraph``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from kglm.cli.graph.arguments import AsJson, Graph, MinWeight, Relations
from kglm.cli.graph.completion import complete_entity, complete_path

if TYPE_CHECKING:
    from kglm.inspection.subgraph import Subgraph
    from kglm.kg import KnowledgeGraph

# ruff: noqa: UP045

BETWEEN_HOPS, AROUND_HOPS = 2, 1


def subgraph(
    graph: Graph,
    entities: Annotated[
        Optional[list[str]],
        typer.Argument(
            metavar="[ENTITY]...",
            help="What the part lies around.",
            autocompletion=complete_entity,
            show_default=False,
        ),
    ] = None,
    question: Annotated[
        Optional[str], typer.Option("--question", "-q", help="Instead: a question ...", show_default=False)
    ] = None,
    choice: Annotated[
        Optional[str],
        typer.Option("--choice", "-c", help="... and a choice, to see what lies between them.", show_default=False),
    ] = None,
    hops: Annotated[
        Optional[int],
        typer.Option(
            "--hops",
            "-k",
            min=1,
            max=9,
            show_default=False,
            help="How far: 1 around entities, paths of 2 between texts, unless told otherwise.",
        ),
    ] = None,
    max_nodes: Annotated[int, typer.Option("--max-nodes", "-n", min=1, help="The most entities.")] = 50,
    fanout: Annotated[
        Optional[int],
        typer.Option("--fanout", min=1, show_default=False, help="The most neighbours that one entity brings in."),
    ] = None,
    relation: Relations = None,
    min_weight: MinWeight = 0.0,
    plot: Annotated[
        Optional[Path],
        typer.Option(
            "--plot", help="Draw it to a file (.png, .svg or .pdf).", autocompletion=complete_path, show_default=False
        ),
    ] = None,
    html: Annotated[
        Optional[Path],
        typer.Option(
            "--html",
            help="Write an interactive page that needs no network.",
            autocompletion=complete_path,
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Cut out a part of a graph: around entities, or between two texts.

    Example: kglm graph subgraph everyday trowel -k 2 -n 90 --html trowel.html

    Example: kglm graph subgraph everyday -q "Dig with what?" -c spade --plot d.svg

    JSON keys: title, graph_name, fingerprint, total_nodes, nodes (id, name,
    label, role, description, hops, degree), edges (source, target, relation,
    weight, asserted_by).
    """  # fmt: skip
    _check(entities, question, choice, fanout is not None or bool(relation) or min_weight > 0)
    from kglm.cli.graph.opening import open_graph
    from kglm.cli.graph.output import note, print_json

    _check_places(plot, html)
    opened = open_graph(graph)
    if question is not None and choice is not None:
        part = _between(opened, question, choice, hops or BETWEEN_HOPS, max_nodes)
    else:
        from kglm.inspection.extraction import subgraph_around
        from kglm.inspection.names import resolve_entity, resolve_relations

        seeds = [resolve_entity(opened, text) for text in entities or ()]
        part = subgraph_around(
            opened, seeds, hops=hops or AROUND_HOPS, max_nodes=max_nodes, fanout=fanout,
            relations=resolve_relations(opened, relation), min_weight=min_weight,
        )  # fmt: skip
    for path in _draw(part, plot, html):
        note(f"wrote {path}")
    if as_json:
        print_json(part.to_dict())
    elif plot is None and html is None:
        _show(part)


def _check(entities: list[str] | None, question: str | None, choice: str | None, filtered: bool) -> None:
    """Raise a usage error where the arguments do not say what is wanted."""
    if (question is None) != (choice is None):
        raise typer.BadParameter("--question and --choice belong together")
    if bool(entities) == (question is not None):
        raise typer.BadParameter("name one or more entities, or give --question and --choice")
    if question is not None and filtered:
        raise typer.BadParameter("--relation, --min-weight and --fanout apply around entities only")


def _check_places(plot: Path | None, html: Path | None) -> None:
    """Raise, before any work, where a file cannot be written."""
    if plot is not None:
        from kglm.inspection.picture_file import check_plot_path

        check_plot_path(plot)
    if html is not None:
        from kglm.inspection.page import check_page_path

        check_page_path(html)


def _between(graph: KnowledgeGraph, question: str, choice: str, hops: int, max_nodes: int) -> Subgraph:
    from kglm.cli.graph.linking import concepts_of
    from kglm.cli.graph.output import note
    from kglm.inspection.extraction import subgraph_between

    asked, chosen = concepts_of(graph, [question, choice])
    part = subgraph_between(graph, asked, chosen, hops=hops, max_nodes=max_nodes, title=f"{question} — {choice}")
    role = {node.id: node.role for node in part.nodes}
    if "other" not in role.values() and not any(role[edge.source] != role[edge.target] for edge in part.edges):
        note(f"no path of up to {hops} hop{'s' * (hops > 1)} joins them (--hops)")
    return part


def _draw(part: Subgraph, plot: Path | None, html: Path | None) -> list[Path]:
    """Write the files asked for, and return where they lie."""
    if plot is not None:
        from kglm.inspection.subgraph_plot import plot_subgraph

        plot_subgraph(part, plot)
    if html is not None:
        from kglm.inspection.page import write_page

        write_page(part, html)
    return [path for path in (plot, html) if path is not None]


def _show(part: Subgraph) -> None:
    from kglm.inspection.tables import heading, show, shown_of, table

    labels = {node.id: node.label for node in part.nodes}
    told = any(edge.asserted_by for edge in part.edges)
    nodes = [
        [node.label, node.role if node.role != "other" else "", node.hops, node.degree, node.description]
        for node in part.nodes
    ]
    edges = [
        [labels[edge.source], edge.relation, labels[edge.target], edge.weight] + [edge.asserted_by] * told
        for edge in part.edges
    ]  # fmt: skip
    described = any(node.description for node in part.nodes)
    columns = ["entity", "role", ">hops", ">neighbours", *["description"] * described]
    rest = shown_of(len(nodes), part.total_nodes, "entities (--max-nodes)")
    show(
        heading(part.title, f"{len(nodes):,} entities and {len(edges):,} triples of {part.graph_name}"),
        table(columns, [row[: len(columns)] for row in nodes]),
        table(["head", "relation", "tail", ">weight", *["asserted by"] * told], edges) if edges else "no triples",
        *([rest] if rest else []),
    )
