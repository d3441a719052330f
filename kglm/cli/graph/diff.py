"""``kglm graph diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kglm.cli.graph.arguments import AsJson, Graph
from kglm.cli.graph.completion import complete_graph

if TYPE_CHECKING:
    from kglm.inspection.difference import GraphDifference
    from kglm.inspection.tables import Block


def diff(
    graph: Graph,
    other: Annotated[
        str,
        typer.Argument(
            metavar="OTHER", help="The graph as it is now.", autocompletion=complete_graph, show_default=False
        ),
    ],
    examples: Annotated[int, typer.Option("--examples", "-n", min=0, help="How many of each change to show.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show what changed from GRAPH to OTHER, by name.

    Entities, labels, relations, triples and weights are compared.
    Exit code 0, whether there are changes or not.

    Example: kglm graph diff old/ new/ --examples 20

    JSON keys: old and new (name, fingerprint), identical, changed, entities and
    relations (added, removed, added_examples, removed_examples), relabelled,
    relabelled_examples, triples (added, removed, reweighted, unchanged,
    added_examples, removed_examples, reweighted_examples, by_relation).
    """  # fmt: skip
    from kglm.cli.graph.opening import open_graph
    from kglm.cli.graph.output import print_json
    from kglm.inspection.difference import compare_graphs

    found = compare_graphs(open_graph(graph), open_graph(other), examples)
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)


def _show(found: GraphDifference) -> None:
    from kglm.inspection.tables import heading, number, show, table

    title = heading(f"{found.old[0]} → {found.new[0]}", f"{found.old[1][:12]} → {found.new[1][:12]}")
    if found.identical:
        show(title, "the graphs are the same")
        return
    triples = found.triples
    rows = [
        ["entities", found.entities.added, found.entities.removed, f"{found.relabelled:,} relabelled"],
        ["relations", found.relations.added, found.relations.removed, ""],
        ["triples", triples.added, triples.removed, f"{triples.reweighted:,} reweighted"],
    ]
    blocks: list[Block] = [
        title,
        table(["", ">added", ">removed", "changed"], rows),
        f"{triples.unchanged:,} triples unchanged",
    ]
    if not found.changed:
        blocks.append("names, labels, triples and weights are the same; aliases, descriptions or sources differ")
    if triples.by_relation:
        by_relation = [[name, *counts] for name, counts in triples.by_relation.items()]
        blocks.append(table(["relation", ">added", ">removed", ">reweighted"], by_relation))
    examples = [["+ entity", name, ""] for name in found.entities.added_examples]
    examples += [["- entity", name, ""] for name in found.entities.removed_examples]
    examples += [["~ label", name, f"{old} → {new}"] for name, old, new in found.relabelled_examples]
    for sign, listed in (("+", triples.added_examples), ("-", triples.removed_examples)):
        examples += [[f"{sign} triple", " ".join(triple[:3]), number(triple.weight)] for triple in listed]
    examples += [
        ["~ weight", " ".join(old[:3]), f"{number(old.weight)} → {number(new.weight)}"]
        for old, new in triples.reweighted_examples
    ]
    if examples:
        blocks.append(table(["example", "", ""], examples))
    show(*blocks)
