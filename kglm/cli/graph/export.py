"""``kglm graph export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from kglm.cli.graph.arguments import AsJson, Graph, parse_pairs
from kglm.cli.graph.completion import complete_entity, complete_export_format, complete_path

# ruff: noqa: UP045


def export(
    graph: Graph,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Its ending tells the format; .gz is added for compression.",
            autocompletion=complete_path,
            show_default=False,
        ),
    ],
    format: Annotated[
        Optional[str],
        typer.Option(
            "--format",
            help="turtle, ntriples, json, parquet, tsv, graphml or gexf.",
            autocompletion=complete_export_format,
            show_default=False,
        ),
    ] = None,
    around: Annotated[
        Optional[list[str]],
        typer.Option(
            "--around",
            metavar="ENTITY",
            help="Only what lies around this entity; may be repeated.",
            autocompletion=complete_entity,
            show_default=False,
        ),
    ] = None,
    hops: Annotated[int, typer.Option("--hops", min=0, max=9, help="With --around: how far.")] = 1,
    max_nodes: Annotated[int, typer.Option("--max-nodes", min=1, help="With --around: the most entities.")] = 1000,
    prefix: Annotated[
        Optional[list[str]],
        typer.Option(
            "--prefix", metavar="NAME=IRI", help="For RDF: what a prefix in names stands for.", show_default=False
        ),
    ] = None,
    statements: Annotated[
        bool, typer.Option(help="For RDF: write weights and sources, as reified statements.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Write a graph, or a part of it, for other programs.

    Formats by ending: .ttl .nt .json (node-link) .parquet .tsv .graphml .gexf

    Example: kglm graph export everyday trowel.graphml --around trowel --hops 2

    JSON keys: files (path, bytes), entities (None for all).
    """  # fmt: skip
    from kglm.cli.graph.opening import open_graph
    from kglm.cli.graph.output import print_json
    from kglm.inspection.tables import show, size
    from kglm.kg.interchange import export_graph

    opened = open_graph(graph)
    chosen = None
    if around:
        from kglm.inspection.names import resolve_entity
        from kglm.kg.search import extract_neighborhoods

        seeds = [resolve_entity(opened, text) for text in around]
        chosen = extract_neighborhoods(opened, [seeds], hops=hops, max_nodes=max_nodes).nodes.tolist()
    files = export_graph(opened, out, format, chosen, prefixes=parse_pairs(prefix, "--prefix"), statements=statements)
    if as_json:
        listed = [{"path": str(path), "bytes": path.stat().st_size} for path in files]
        print_json({"files": listed, "entities": None if chosen is None else len(chosen)})
        return
    part = f" ({len(chosen):,} of {opened.num_entities:,} entities)" if chosen is not None else ""
    show("\n".join(f"wrote {path}, {size(path.stat().st_size)}{part}" for path in files))
