"""How likely a form means each of the entities that bear it, before any context is looked at.

With c(s, e) how often the form s was seen to mean the entity e (word-sense counts, link counts), and d(e) the number
of e's neighbours in the graph, the prior of e among the entities E of s is the mean of a Dirichlet distribution whose
prior follows the degrees:

    P(e | s) = (c(s, e) + a * q(e)) / (sum of c(s, .) + a),    q(e) = (d(e) + 1) / sum over E of (d(.) + 1)

Where nothing was counted it is q, where much was counted it is the relative frequency. Of a mention that spells
several forms equally well, c is summed over the forms, and E is the union of their entities. In graphs of concepts a
form mostly has one entity, and the prior is 1.
"""

from __future__ import annotations

import numpy as np

from kglm.kg.graph import KnowledgeGraph


def degrees(graph: KnowledgeGraph, entities: np.ndarray) -> np.ndarray:
    """Return the number of neighbours of each entity, ``int64``."""
    indptr, ids = graph.links.indptr, np.asarray(entities, dtype=np.int64)
    return indptr[ids + 1].astype(np.int64) - indptr[ids].astype(np.int64)


def surface_prior(counts: np.ndarray, degrees: np.ndarray, smoothing: float = 1.0) -> np.ndarray:
    """Return the prior of each entity of one form or mention; the equation stands above.

    Args:
        counts: ``[K]``, how often each was meant.
        degrees: ``[K]``, its number of neighbours.
        smoothing: a, in observations that the degrees are worth; above 0.

    Returns:
        ``float64 [K]``; the sum is 1, and none is 0.

    Raises:
        ValueError: ``smoothing`` is not above 0.
    """
    if not smoothing > 0:
        raise ValueError(f"smoothing is {smoothing}, expected more than 0")
    by_degree = (degrees + 1.0) / (degrees.sum() + len(degrees))
    return np.asarray((counts + smoothing * by_degree) / (counts.sum() + smoothing))
