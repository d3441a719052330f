"""Exact search over an array of vectors, mapped or in memory, quicker on batches than faiss's stock setting.

faiss compares few queries with a loop of its own and many by matrix products; where it changes over is a variable of
the whole process, ``distance_compute_blas_threshold``, whose stock value keeps batches of some hundred queries in
the slow loop. It is lowered while a batch is searched for which products are quicker, and put back behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from kglm.retrieval.faiss_library import faiss_metric, require_faiss

PRODUCTS_FROM = 4
"""The smallest batch for which matrix products are the quicker (measured: 1.5 times at 4 queries, 0.33 at 1)."""


class _Threshold:
    """Lowers faiss's threshold while at least one thread searches a batch, and restores it after the last one.

    A single query that another thread searches meanwhile is computed by products as well: its result is the same but
    for rounding, and it may take longer. Waiting for the batch to end would take longer still.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._stock = 0

    @contextmanager
    def lowered(self) -> Iterator[None]:
        variables = require_faiss().cvar
        with self._lock:
            if not self._users:
                self._stock = variables.distance_compute_blas_threshold
                # Versions of faiss compare it with the number of queries or with that times D: 1 is below both.
                variables.distance_compute_blas_threshold = 1
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    variables.distance_compute_blas_threshold = self._stock


_THRESHOLD = _Threshold()


def search_exactly(vectors: np.ndarray, queries: np.ndarray, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the best k of N vectors for each of B queries, the best first.

    Args:
        vectors: ``float32 [N, D]``, contiguous; may be mapped from disk.
        queries: ``float32 [B, D]``, contiguous.
        k: how many.
        metric: ``cosine`` or ``inner_product`` (both: the inner product), or ``l2`` (the squared distance).

    Returns:
        Distances as faiss has them ``float32 [B, k]``, and positions ``int64 [B, k]``; -1 for none.
    """
    faiss, number = require_faiss(), faiss_metric(metric)
    if len(queries) < PRODUCTS_FROM:
        distances, positions = faiss.knn(queries, vectors, k, metric=number)
    else:
        with _THRESHOLD.lowered():
            distances, positions = faiss.knn(queries, vectors, k, metric=number)
    return distances, positions
