"""How plausible an embedding finds triples, links and, by their products, paths.

Source: KagNet (Lin et al., EMNLP 2019), section 4.4, and its code: a triple scores ``(1 + cos(r, t - h)) / 2`` by the
vectors of TransE, a link the largest score of its triples, whichever way they point, and a path the product of its
links; paths below 0.15 are left out. Give :func:`score_links` to :meth:`kglm.kg.paths.ScoredLinks.by_score`, and the
threshold as ``min_path_score`` to :class:`kglm.kg.schema_graph.SchemaOptions`.
"""

from __future__ import annotations

import numpy as np

from kglm.kg.graph import KnowledgeGraph
from kglm.kg.records import MIN_WEIGHT

CHUNK = 65536


def score_triples(
    heads: np.ndarray,
    relations: np.ndarray,
    tails: np.ndarray,
    entity_vectors: np.ndarray,
    relation_vectors: np.ndarray,
) -> np.ndarray:
    """Return ``(1 + cos(r, t - h)) / 2`` of triples; 1/2 where a difference or a relation is zero.

    Args:
        heads: entity ids ``[T]``.
        relations: relation ids ``[T]``.
        tails: entity ids ``[T]``.
        entity_vectors: ``[entities, D]``.
        relation_vectors: ``[R, D]``, of an embedding in which a relation is a translation.

    Returns:
        ``float32 [T]``, 0 to 1.

    Raises:
        ValueError: entities and relations have vectors of different sizes.
    """
    if entity_vectors.shape[1] != relation_vectors.shape[1]:
        raise ValueError(
            f"entity vectors have {entity_vectors.shape[1]} dimensions and relation vectors "
            f"{relation_vectors.shape[1]}, expected the same: a relation is the way from one entity to another"
        )
    scores = np.empty(len(heads), dtype=np.float32)
    lengths = np.linalg.norm(relation_vectors, axis=1)
    for start in range(0, len(heads), CHUNK):  # what is gathered stays in the cache's reach, not of the graph's size
        part = slice(start, start + CHUNK)
        ways = entity_vectors[tails[part]] - entity_vectors[heads[part]]
        dots = np.einsum("td,td->t", ways, relation_vectors[relations[part]])
        norms = np.linalg.norm(ways, axis=1) * lengths[relations[part]]
        cosines = np.divide(dots, norms, out=np.zeros_like(dots), where=norms > 0)
        scores[part] = (1 + np.clip(cosines, -1, 1)) / 2
    return scores


def score_links(graph: KnowledgeGraph, triple_scores: np.ndarray) -> np.ndarray:
    """Return the best score among the triples of each link.

    Args:
        graph: the graph.
        triple_scores: ``[triples]`` in the order of ``graph.triple_arrays()``; what is less than the least weight of
            a link counts as that.

    Returns:
        ``float32 [links in both directions]``, parallel to ``graph.links.neighbors``.

    Raises:
        ValueError: there are more or fewer scores than triples.
    """
    scores = np.asarray(triple_scores, dtype=np.float32)
    if scores.shape != (graph.num_triples,):
        raise ValueError(f"triple_scores has shape {scores.shape}, expected ({graph.num_triples},), one a triple")
    heads, _, tails, _ = graph.triple_arrays()
    indptr = np.asarray(graph.links.indptr).astype(np.int64)
    rows = np.repeat(np.arange(graph.num_entities, dtype=np.int64), np.diff(indptr))
    keys = rows * graph.num_entities + np.asarray(graph.links.neighbors)
    order = np.argsort(keys)
    keys = keys[order]
    best = np.full(len(keys), MIN_WEIGHT, dtype=np.float32)
    joins = heads != tails  # a loop is no link
    for sources, targets in ((heads[joins], tails[joins]), (tails[joins], heads[joins])):
        places = np.searchsorted(keys, sources.astype(np.int64) * graph.num_entities + targets)
        np.maximum.at(best, places, scores[joins])
    found = np.empty_like(best)
    found[order] = best
    return found
