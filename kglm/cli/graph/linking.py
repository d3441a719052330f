"""Concepts that a text names, found as the models find them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kglm.cli.graph.output import note
from kglm.errors import DataError

if TYPE_CHECKING:
    from kglm.kg import KnowledgeGraph

SLOW = 50_000
"""With more surface forms than this, making the linker takes seconds, and a person is told."""


def concepts_of(graph: KnowledgeGraph, texts: Sequence[str]) -> list[list[int]]:
    """Return the entities of each text, and tell on standard error which they are.

    Raises:
        DataError: a text names no entity of the graph.
    """
    if not texts:
        return []
    from kglm.inspection.names import name_list
    from kglm.linking import LexicalLinker

    if len(graph.surfaces) > SLOW:
        note(f"reading {len(graph.surfaces):,} surface forms to link the texts")
    linker = LexicalLinker(graph)
    found = [linker.entities(text) for text in texts]
    for text, entities in zip(texts, found, strict=True):
        if not entities:
            raise DataError(f"no entity of graph '{graph.name}' is named in '{text}'")
        note(f"'{text}' names: {name_list(graph, entities)}")
    return found
