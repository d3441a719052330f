"""Personalised PageRank of many seed sets, over the links of a graph.

π = α s + (1 − α) π W, where s is the restart vector (the seeds), α the probability of returning to it at each
step, and W the step from an entity to one of its neighbours, with probability proportional to the link's
weight or uniform. An entity without links keeps what it holds. (The damping factor of networkx is 1 − α.)

Source: Andersen, Chung and Lang, *Local Graph Partitioning using PageRank Vectors*, FOCS 2006, section 3, with
the walk that is not lazy: a push at u moves α r(u) to p(u) and spreads (1 − α) r(u) over u's neighbours; any u
with r(u) ≥ tolerance · degree(u) is pushed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.search.bulk import join, run_chunks
from kglm.kg.search.inputs import (
    Entities,
    entity_sets,
    link_rows,
    require_at_least,
    require_between,
    weight_values,
)
from kglm.kg.search.pagerank_kernels import power, push
from kglm.kg.search.scratch import borrowed


@dataclass(frozen=True)
class Rankings:
    """Entities by falling score, for each of Q seed sets; equal scores stand by entity id.

    Attributes:
        offsets: ``int64 [Q + 1]``.
        entities: ``int32 [K]``.
        scores: ``float32 [K]``, each at most the exact one.
        residuals: ``float64 [Q]``, by how much all scores of a query together (those beyond ``top_k`` too) fall
            short of the exact ones, which sum to 1.
    """

    offsets: np.ndarray
    entities: np.ndarray
    scores: np.ndarray
    residuals: np.ndarray

    def __len__(self) -> int:
        return len(self.residuals)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the entities and scores of one query."""
        index = range(len(self))[index]
        span = slice(self.offsets[index], self.offsets[index + 1])
        return self.entities[span], self.scores[span]


def personalized_pagerank(
    graph: KnowledgeGraph,
    seeds: Sequence[Entities] | np.ndarray,
    *,
    seed_weights: Sequence[Sequence[float]] | None = None,
    alpha: float = 0.15,
    weighted: bool = True,
    tolerance: float = 1e-5,
    max_pushes: int | None = None,
    top_k: int | None = None,
    workers: int = 1,
) -> Rankings:
    """Return the personalised PageRank of each seed set by local pushes, to a stated error.

    A query reads at most 1 / (alpha · tolerance) links, whatever the size of the graph. Its scores are below the
    exact ones by ``residuals`` in sum, and an entity's own by at most tolerance · degree (uniform steps) or
    tolerance · degree · heaviest / lightest link weight (weighted steps), unless ``max_pushes`` cut it short.

    Args:
        graph: the graph.
        seeds: Q sets of entities, ids or names; an empty set gets an empty ranking with residual 0.
        seed_weights: the share of each seed in its restart vector, any positive scale; None for equal shares. An
            entity that stands twice in a set gets both shares.
        alpha: probability of restarting, above 0 and below 1.
        weighted: step to a neighbour with probability proportional to the link's weight; otherwise uniformly.
        tolerance: residual per link below which no push is made, above 0 and below 1.
        max_pushes: the most pushes of a query; None for as many as the tolerance asks.
        top_k: the most entities returned of a query; None for all with a positive score.
        workers: threads; the result is the same for any number.

    Raises:
        ConfigError: an option has a value that is not allowed.
        UnknownNameError: an entity is given by a name that the graph does not have.
        ValueError: an entity id is outside the graph, or seed weights do not fit the seeds.
    """
    require_between("alpha", alpha, 0, 1)
    require_between("tolerance", tolerance, 0, 1)
    top_k = require_at_least("top_k", top_k, 1) or graph.num_entities
    max_pushes = require_at_least("max_pushes", max_pushes, 1) or np.iinfo(np.int64).max
    flat, offsets = entity_sets(graph, seeds)
    shares = _shares(offsets, seed_weights)
    links, steps = link_rows(graph), _step_weights(graph, weighted)

    def run(start: int, stop: int) -> Rankings:
        with borrowed(graph, _scratch) as (local, touched, mass, queues):
            return Rankings(
                *push(
                    links, steps, weighted, flat, shares, offsets[start : stop + 1], alpha, tolerance, max_pushes,
                    top_k, local, touched, mass, queues,
                )
            )  # fmt: skip

    return join(Rankings, run_chunks(len(offsets) - 1, workers, run))


def exact_pagerank(
    graph: KnowledgeGraph,
    seeds: Sequence[Entities] | np.ndarray,
    *,
    seed_weights: Sequence[Sequence[float]] | None = None,
    alpha: float = 0.15,
    weighted: bool = True,
    tolerance: float = 1e-9,
    max_iterations: int = 1000,
) -> np.ndarray:
    """Return ``float64 [Q, entities]``, the personalised PageRank of each seed set by power iteration.

    For small graphs, and to check the local search: every iteration reads all links. The sum of all errors of a
    query is at most ``tolerance``. The arguments are those of :func:`personalized_pagerank`; an empty seed set
    gets a row of zeros.

    Raises:
        ConfigError: an option has a value that is not allowed, or ``max_iterations`` did not suffice.
        ValueError: see :func:`personalized_pagerank`.
    """
    require_between("alpha", alpha, 0, 1)
    require_between("tolerance", tolerance, 0, 1)
    require_at_least("max_iterations", max_iterations, 1)
    flat, offsets = entity_sets(graph, seeds)
    shares = _shares(offsets, seed_weights)
    links, steps = link_rows(graph), _step_weights(graph, weighted)
    scores = np.zeros((len(offsets) - 1, graph.num_entities))
    for q in range(len(scores)):
        span = slice(offsets[q], offsets[q + 1])
        restart = np.bincount(flat[span], weights=shares[span], minlength=graph.num_entities)
        # The error of an iterate is at most (1 − α) / α times its last change.
        change = power(links, steps, restart, alpha, tolerance * alpha / (1 - alpha), max_iterations, scores[q])
        if change * (1 - alpha) / alpha > tolerance:
            raise ConfigError(
                f"max_iterations is {max_iterations}, too few for a tolerance of {tolerance:g} with alpha {alpha:g}: "
                f"the last iteration still changed the scores by {change:g}"
            )
    return scores


def _scratch(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.zeros(size, dtype=np.int32),
        np.empty(size, dtype=np.int32),
        np.empty((size, 2), dtype=np.float64),
        np.empty((2, size), dtype=np.int32),
    )


def _shares(offsets: np.ndarray, seed_weights: Sequence[Sequence[float]] | None) -> np.ndarray:
    """Return ``float64 [seeds]``, the restart vector of each query, summing to 1."""
    counts = np.diff(offsets)
    owners = np.repeat(np.arange(len(counts)), counts)
    if seed_weights is None:
        return 1 / counts[owners]
    found = np.array([len(one) for one in seed_weights])
    if len(found) != len(counts) or (found != counts).any():
        raise ValueError(f"seed_weights have the lengths {found.tolist()}, the sets of seeds {counts.tolist()}")
    weights = np.concatenate([np.zeros(0), *(np.asarray(one, dtype=np.float64) for one in seed_weights)])
    wrong = weights[~(np.isfinite(weights) & (weights > 0))]
    if len(wrong):
        raise ValueError(f"seed_weights hold {wrong[0]}, expected positive numbers")
    return weights / np.bincount(owners, weights=weights, minlength=len(counts))[owners]


def _step_weights(graph: KnowledgeGraph, weighted: bool) -> np.ndarray:
    """Return ``float64``, by weight code, what the probability of a step is proportional to."""
    values = weight_values(graph).astype(np.float64)
    return values if weighted else np.ones_like(values)
