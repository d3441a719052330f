"""``kglm graph neighbors``."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kglm.cli.graph.arguments import AsJson, Entity, Graph, Limit, MinWeight, Relations

if TYPE_CHECKING:
    from kglm.inspection.neighbors import NeighborList


class Direction(StrEnum):
    """Which triples at an entity are listed."""

    OUT = "out"
    IN = "in"
    BOTH = "both"


def neighbors(
    graph: Graph,
    entity: Entity,
    relation: Relations = None,
    direction: Annotated[
        Direction, typer.Option("--direction", "-d", help="Triples that leave the entity, enter it, or both.")
    ] = Direction.BOTH,
    min_weight: MinWeight = 0.0,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List the triples at an entity, the heaviest first.

    Example: kglm graph neighbors everyday trowel --relation UsedFor

    JSON keys: graph, entity (id, name, label, aliases, description, degree),
    total, neighbors (id, name, label, relation, direction, weight,
    asserted_by).
    """
    from kglm.cli.graph.opening import open_graph
    from kglm.cli.graph.output import print_json
    from kglm.inspection.names import resolve_entity, resolve_relations
    from kglm.inspection.neighbors import list_neighbors

    opened = open_graph(graph)
    found = list_neighbors(
        opened,
        resolve_entity(opened, entity),
        direction=direction.value,
        relations=resolve_relations(opened, relation),
        min_weight=min_weight,
        limit=limit,
    )
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)


def _show(found: NeighborList) -> None:
    from kglm.inspection.tables import heading, pairs, show, shown_of, table

    entity = found.entity
    facts = [
        ("name", entity.name if entity.name != entity.label else ""),
        ("also", ", ".join(entity.aliases)),
        ("is", entity.description),
    ]
    blocks = [heading(entity.label, f"{entity.degree:,} neighbour{'s' * (entity.degree != 1)} in {found.graph}")]
    facts = [fact for fact in facts if fact[1]]
    told = any(one.asserted_by for one in found.neighbors)
    named = any(one.name.replace("_", " ") != one.label for one in found.neighbors)
    columns = ["", "relation", "neighbour", *["name"] * named, ">weight", *["asserted by"] * told]
    rows = [
        ["→" if one.direction == "out" else "←", one.relation, one.label]
        + [one.name] * named + [one.weight] + [one.asserted_by] * told
        for one in found.neighbors
    ]  # fmt: skip
    listed = table(columns, rows) if rows else "no triple passes the filters"
    rest = shown_of(len(rows), found.total, "triples (--limit)")
    show(*blocks, *([pairs(facts)] if facts else []), listed, *([rest] if rest else []))
