"""Who asserts a triple."""

from __future__ import annotations

import numpy as np

from kglm.kg import KnowledgeGraph


def asserted_by(graph: KnowledgeGraph, head: int, relation: int, tail: int) -> str:
    """Return the source of one triple; empty where the graph does not tell.

    Raises:
        ValueError: the graph holds no such triple.
    """
    if graph.triple_sources is None:
        return ""
    start, end = int(graph.outgoing.indptr[head]), int(graph.outgoing.indptr[head + 1])
    neighbors = graph.outgoing.neighbors[start:end]
    low, high = np.searchsorted(neighbors, [tail, tail + 1])
    at = np.flatnonzero(graph.outgoing.relations[start + low : start + high] == relation)
    if not len(at):
        raise ValueError(f"the graph holds no triple {head} {relation} {tail}")
    return graph.sources[int(graph.triple_sources[start + low + at[0]])]
