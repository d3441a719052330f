"""Random walks as text to pretrain on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from kglm.kg.graph import KnowledgeGraph
from kglm.kg.search.inputs import Entities, entity_array, require_at_least
from kglm.kg.search.walks import RandomWalks, random_walks
from kglm.kg.verbalization import verbalize_triple


def verbalize_walks(graph: KnowledgeGraph, walks: RandomWalks) -> Iterator[str]:
    """Yield each walk as clauses, one a hop: ``trowel is used for gardening; shed is a place for …``.

    The clauses are those of :func:`~kglm.kg.verbalization.verbalize_path`. Those of a walk that jumped back to its
    start stand one after another. A walk without a hop (of an entity without permitted edges) says nothing and
    yields no text.
    """
    labels, relations = graph.labels.take(walks.entities), walks.relations.tolist()
    for start, stop in pairwise(walks.offsets.tolist()):
        hops = (k for k in range(start, stop - 1) if relations[k] >= 0)
        text = "; ".join(_clause(graph, labels[k], relations[k], labels[k + 1]) for k in hops)
        if text:
            yield text


def _clause(graph: KnowledgeGraph, here: str, relation: int, there: str) -> str:
    if relation < graph.num_relations:
        return verbalize_triple(here, graph.relations[relation], there)
    return verbalize_triple(there, graph.relations[relation - graph.num_relations], here)


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
