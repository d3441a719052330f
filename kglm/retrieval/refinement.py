"""Candidates of a compressed index, compared again by their whole vectors."""

from __future__ import annotations

import numba
import numpy as np


def refine(
    vectors: np.ndarray, queries: np.ndarray, candidates: np.ndarray, k: int, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best k of each query's candidates by exact distance, the best first.

    Args:
        vectors: ``float32 [N, D]``, may be mapped from disk: only the candidates' rows are read.
        queries: ``float32 [B, D]``.
        candidates: ``int64 [B, K]`` rows of ``vectors``, K at least k; -1 for none.
        k: how many.
        metric: ``l2`` for squared distances, else inner products.

    Returns:
        ``float32 [B, k]`` and ``int64 [B, k]``; where there are fewer than k, -1 and the worst number.
    """
    largest = metric != "l2"
    worst = np.float32(-np.inf if largest else np.inf)
    values = _distances(vectors, queries, candidates, largest, worst)
    order = np.argsort(-values if largest else values, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(values, order, axis=1), np.take_along_axis(candidates, order, axis=1)


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _distances(
    vectors: np.ndarray, queries: np.ndarray, candidates: np.ndarray, product: bool, worst: np.float32
) -> np.ndarray:
    out = np.full(candidates.shape, worst, dtype=np.float32)
    for b in range(candidates.shape[0]):
        for j in range(candidates.shape[1]):
            row = candidates[b, j]
            if row < 0:
                continue
            total = np.float32(0)
            if product:
                for d in range(queries.shape[1]):
                    total += queries[b, d] * vectors[row, d]
            else:
                for d in range(queries.shape[1]):
                    difference = queries[b, d] - vectors[row, d]
                    total += difference * difference
            out[b, j] = total
    return out
