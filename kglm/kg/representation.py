"""How a graph shows itself in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from kglm.kg.graph import KnowledgeGraph

RELATIONS_SHOWN = 10
ENTITIES_SHOWN = 8

# No colours of its own, so that it reads on light and dark pages alike.
_STYLE = "border-collapse:collapse;margin:.4em 0;font-variant-numeric:tabular-nums"
_LEFT, _RIGHT = "text-align:left;padding:.1em 1.2em .1em 0", "text-align:right;padding:.1em 1.2em .1em 0"
_QUIET = "opacity:.65"


def graph_html(graph: KnowledgeGraph) -> str:
    """Return a graph as a piece of HTML: name, sizes, its most frequent relations, its most joined entities.

    All text is escaped, and nothing is loaded from anywhere.
    """
    counts = np.bincount(graph.outgoing.relations, minlength=graph.num_relations)
    frequent = sorted(range(graph.num_relations), key=lambda at: (-int(counts[at]), graph.relations[at]))
    rows = [(graph.relations[at], f"{int(counts[at]):,}") for at in frequent[:RELATIONS_SHOWN]]
    rest = graph.num_relations - len(rows)
    if rest > 0:
        others = int(counts[frequent[RELATIONS_SHOWN:]].sum())
        rows.append((f"{rest:,} other relation{'s' * (rest != 1)}", f"{others:,}"))
    sizes = (
        f"{graph.num_entities:,} entities, {graph.num_relations:,} relations, {graph.num_triples:,} triples"
    )  # fmt: skip
    return (
        f"<div><strong>{escape(graph.name)}</strong> "
        f'<span style="{_QUIET}">{sizes}, fingerprint {escape(graph.fingerprint[:12])}</span>'
        f"{_table(('relation', 'triples'), rows)}"
        f'<div><span style="{_QUIET}">most joined: </span>{escape(", ".join(_hubs(graph)))}</div></div>'
    )


def _hubs(graph: KnowledgeGraph) -> list[str]:
    degrees = np.diff(np.asarray(graph.links.indptr).astype(np.int64))
    count = min(ENTITIES_SHOWN, len(degrees))
    largest = np.argpartition(-degrees, count - 1)[:count]
    return [graph.labels[int(at)] for at in sorted(largest, key=lambda at: (-int(degrees[at]), int(at)))]


def _table(columns: Sequence[str], rows: Sequence[tuple[str, str]]) -> str:
    head = "".join(
        f'<th scope="col" style="{style}">{escape(column)}</th>'
        for column, style in zip(columns, (_LEFT, _RIGHT), strict=True)
    )
    body = "".join(
        f'<tr><td style="{_LEFT}">{escape(name)}</td><td style="{_RIGHT}">{escape(count)}</td></tr>'
        for name, count in rows
    )
    return f'<table style="{_STYLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
