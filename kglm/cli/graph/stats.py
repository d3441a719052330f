"""``kglm graph stats``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kglm.cli.graph.arguments import AsJson, Graph

if TYPE_CHECKING:
    from rich.table import Table

    from kglm.inspection.statistics import GraphReport
    from kglm.inspection.tables import Block


def stats(
    graph: Graph,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, help="How many relations, sources and most joined entities.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Tell how large, dense and well described a graph is.

    Example: kglm graph stats everyday

    JSON keys: name, fingerprint, entities, triples, links, self_loops,
    multi_edges, reciprocity, density, relations, mean_degree, degree_quantiles,
    degree_histogram, hubs (name, label, out, into), components,
    component_sizes, isolated_pairs, weight_quantiles, sources, naming
    (labelled, aliased, described, surface_forms, ambiguous_forms), disk (total,
    per_triple, rows_per_edge, files).
    """
    from kglm.cli.graph.opening import open_graph
    from kglm.cli.graph.output import print_json
    from kglm.inspection.statistics import report_graph

    report = report_graph(open_graph(graph), limit)
    if as_json:
        print_json(report.to_dict())
    else:
        _show(report, limit)


def _show(report: GraphReport, limit: int) -> None:
    from kglm.inspection.tables import heading, number, pairs, share, show, size, table

    naming, disk = report.naming, report.disk
    facts = [
        ("entities", number(report.entities)),
        ("relations", number(len(report.relations))),
        ("triples", number(report.triples)),
        ("self-loops", number(report.self_loops)),
        ("joined pairs", f"{number(report.links)}, {number(report.multi_edges)} of them by several relations"),
        ("components", f"{number(report.components)}, the largest with {_largest(report)}"),
        ("labelled", share(naming.labelled, report.entities) + " with a label other than their name"),
        ("with aliases", share(naming.aliased, report.entities)),
        ("with description", share(naming.described, report.entities)),
        ("surface forms", f"{number(naming.surface_forms)}, {number(naming.ambiguous_forms)} of several entities"),
        ("on disk", f"{size(disk.total)}, {number(disk.per_triple)} bytes a triple"),
        ("rows", f"{number(disk.rows_per_edge)} bytes an edge and direction"),
    ]
    blocks: list[Block] = [
        heading(report.name, f"fingerprint {report.fingerprint[:12]}"),
        pairs(facts),
        *_counts("relation", report.relations, report.triples, limit),
        *_counts("asserted by", report.sources, report.triples, limit),
        _quantiles(report),
        _degrees(report),
    ]
    if report.hubs:
        hubs = [[hub.label, hub.name if hub.name != hub.label else "", hub.out, hub.into] for hub in report.hubs]
        blocks.append(table(["most joined", "name", ">out", ">in"], hubs))
    show(*blocks)


def _largest(report: GraphReport) -> str:
    from kglm.inspection.tables import share

    return f"{share(report.component_sizes[0], report.entities)} of the entities"


def _counts(what: str, counts: dict[str, int], triples: int, limit: int) -> list[Block]:
    """Return the largest counts as a table, and how many are left out; nothing where there are none."""
    from kglm.inspection.tables import share, shown_of, table

    rows = [[name or "(not told)", count, share(count, triples)] for name, count in list(counts.items())[:limit]]
    rest = shown_of(len(rows), len(counts), "(--limit)")
    blocks: list[Block] = [table([what, ">triples", ">share"], rows)] if rows else []
    return [*blocks, rest] if rest else blocks


def _quantiles(report: GraphReport) -> Table:
    """Return how degrees and weights are distributed."""
    from kglm.inspection.tables import table

    names = {"0": ">least", "0.5": ">median", "1": ">most"}
    shares = list(report.degree_quantiles)
    columns = [names.get(share, f">{100 * float(share):g} %") for share in shares]
    degree = ["triples of an entity", *(report.degree_quantiles[share] for share in shares)]
    weight = ["weight of a triple", *(report.weight_quantiles[share] for share in shares)]
    return table(["", *columns], [degree, weight])


def _degrees(report: GraphReport) -> Table:
    from kglm.inspection.tables import share, table

    rows = []
    for least, count in report.degree_histogram.items():
        most = 2 * int(least) - 1
        span = least if int(least) < 2 else f"{int(least):,}-{most:,}"
        bar = "█" * round(40 * count / max(report.degree_histogram.values()))
        rows.append([span, count, share(count, report.entities), bar])
    return table([">triples", ">entities", ">share", ""], rows)
