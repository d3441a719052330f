import threading

import faiss
import numpy as np
import pytest

from kglm.retrieval.exact_search import PRODUCTS_FROM, search_exactly


@pytest.mark.parametrize("metric", ["cosine", "inner_product", "l2"])
@pytest.mark.parametrize("size", [1, PRODUCTS_FROM - 1, PRODUCTS_FROM, 40])
def test_it_finds_what_comparing_all_finds(vectors, queries, naive, metric, size):
    x, q = vectors, queries[:size]
    if metric == "cosine":
        x, q = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (x, q))
    expected = naive(x, q, metric)
    distances, positions = search_exactly(x, q, 7, metric)
    assert positions.dtype == np.int64
    assert (positions == np.argsort(-expected, axis=1)[:, :7]).all()
    scores = -distances if metric == "l2" else distances
    np.testing.assert_allclose(scores, -np.sort(-expected, axis=1)[:, :7], atol=1e-4)


def test_fewer_vectors_than_asked_for(vectors):
    for size in (1, 8):
        positions = search_exactly(vectors[:3], vectors[:size], 5, "l2")[1]
        assert (positions[:, 3:] == -1).all()
        assert (np.sort(positions[:, :3], axis=1) == [0, 1, 2]).all()


def test_the_threshold_is_lowered_for_batches_only_and_put_back(vectors, queries, monkeypatch):
    stock, seen = faiss.cvar.distance_compute_blas_threshold, []
    knn = faiss.knn

    def watching(*arguments, **options):
        seen.append(faiss.cvar.distance_compute_blas_threshold)
        return knn(*arguments, **options)

    monkeypatch.setattr(faiss, "knn", watching)
    search_exactly(vectors, queries[:1], 2, "l2")
    search_exactly(vectors, queries, 2, "l2")
    assert seen == [stock, 1]
    assert faiss.cvar.distance_compute_blas_threshold == stock


def test_the_threshold_is_put_back_after_an_error(vectors, queries, monkeypatch):
    stock = faiss.cvar.distance_compute_blas_threshold

    def fail(*arguments, **options):
        raise RuntimeError("no")

    monkeypatch.setattr(faiss, "knn", fail)
    with pytest.raises(RuntimeError):
        search_exactly(vectors, queries, 2, "l2")
    assert faiss.cvar.distance_compute_blas_threshold == stock


def test_threads_share_the_threshold_and_the_last_puts_it_back(vectors, queries, monkeypatch):
    stock, knn = faiss.cvar.distance_compute_blas_threshold, faiss.knn
    both, results = threading.Barrier(2, timeout=20), []

    def together(*arguments, **options):
        both.wait()
        return knn(*arguments, **options)

    monkeypatch.setattr(faiss, "knn", together)
    work = [
        threading.Thread(target=lambda: results.append(search_exactly(vectors, queries, 2, "l2")[1])) for _ in "ab"
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert (results[0] == results[1]).all()
    assert faiss.cvar.distance_compute_blas_threshold == stock
