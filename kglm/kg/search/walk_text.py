"""Random walks as text to pretrain on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kglm.kg.graph import KnowledgeGraph
from kglm.kg.search.inputs import Entities, entity_array, require_at_least
from kglm.kg.search.walks import RandomWalks, random_walks
from kglm.kg.verbalization import verbalize_path


def verbalize_walks(graph: KnowledgeGraph, walks: RandomWalks) -> Iterator[str]:
    """Yield each walk as clauses, one a hop: ``trowel is used for gardening; shed is a place for …``.

    The clauses of a walk that jumped back to its start stand one after another. A walk without a hop (of an
    entity without permitted edges) says nothing and yields no text.
    """
    for entities, relations in walks:
        text = "; ".join(_clauses(graph, entities, relations))
        if text:
            yield text


def _clauses(graph: KnowledgeGraph, entities: np.ndarray, relations: np.ndarray) -> Iterator[str]:
    """Yield the stretches of a walk between its jumps."""
    start = 0
    for stop in (np.flatnonzero(relations < 0) + 1).tolist():
        if stop - start > 1:
            hops = [[relation] for relation in relations[start : stop - 1].tolist()]
            yield verbalize_path(graph, entities[start:stop].tolist(), hops)
        start = stop


def walk_texts(
    graph: KnowledgeGraph, starts: Entities | None = None, *, batch_size: int = 4096, **options: Any
) -> Iterator[str]:
    """Return an iterator over verbalised walks, made batch by batch, so that memory stays small on any graph.

    Args:
        graph: the graph.
        starts: entities, ids or names; None for all.
        batch_size: starts walked from at once; the texts are the same for any.
        options: those of :func:`~kglm.kg.search.walks.random_walks`.

    Raises:
        ConfigError, UnknownNameError, ValueError: see :func:`~kglm.kg.search.walks.random_walks`; at once, not
            when the first text is asked for.
    """
    require_at_least("batch_size", batch_size, 1)
    begin = np.arange(graph.num_entities, dtype=np.int32) if starts is None else entity_array(graph, starts)
    random_walks(graph, begin[:0], **options)  # refuses bad options now

    def texts() -> Iterator[str]:
        for first in range(0, len(begin), batch_size):
            yield from verbalize_walks(graph, random_walks(graph, begin[first : first + batch_size], **options))

    return texts()
