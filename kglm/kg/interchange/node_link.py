"""Node-link JSON as networkx 3.4 and later write it (``edges="edges"``), without a networkx copy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kglm.kg.interchange.ntriples import weight_text
from kglm.kg.interchange.selection import EdgeBlock, EntityBlock, Selection


def node_link_text(selection: Selection) -> Iterator[str]:
    """Yield the document in pieces, a line for each node and edge.

    Read it with ``networkx.node_link_graph(json.load(file), edges="edges")``. Attributes are those of
    :func:`.networkx.to_networkx` with aliases, save that who asserts an edge is called ``asserted_by``: node-link
    JSON means the edge's first node by ``source``.
    """
    name = selection.graph.name
    yield f'{{"directed": true, "multigraph": true, "graph": {_json({"name": name})},\n"nodes": [\n'
    yield from _separated(node for block in selection.entity_blocks() for node in _nodes(block))
    yield '\n],\n"edges": [\n'
    relations = selection.graph.relations
    yield from _separated(edge for block in selection.edge_blocks() for edge in _edges(block, relations))
    yield "\n]}\n"


def _nodes(block: EntityBlock) -> Iterator[dict[str, Any]]:
    for name, label, description, aliases in zip(
        block.names, block.labels, block.descriptions, block.aliases, strict=True
    ):
        node: dict[str, Any] = {"label": label}
        if description:
            node["description"] = description
        if aliases:
            node["aliases"] = aliases
        yield node | {"id": name}


def _edges(block: EdgeBlock, relations: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for row, relation, tail, weight, source in block:
        edge: dict[str, Any] = {"weight": float(weight_text(weight))}
        if source:
            edge["asserted_by"] = source
        yield edge | {"source": block.names[row], "target": tail, "key": relations[relation]}


def _separated(items: Iterator[dict[str, Any]]) -> Iterator[str]:
    separator = ""
    for item in items:
        yield separator + _json(item)
        separator = ",\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
