"""How well a ranking serves those who know what is relevant: recall@k, nDCG@k, MRR; relevance is yes or no."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from kglm.errors import DataError


def relevance(ids: np.ndarray, relevant: Sequence[Collection[int]]) -> np.ndarray:
    """Return ``bool [B, K]``: whether each result is relevant. A result that comes again counts once.

    Args:
        ids: ``int64 [B, K]``, the best first; -1 for none.
        relevant: for each query the ids that are relevant.

    Raises:
        DataError: another number of queries.
    """
    if len(ids) != len(relevant):
        raise DataError(f"{len(ids)} rankings, but {len(relevant)} sets of relevant ids; expected one for each")
    found = np.zeros(ids.shape, dtype=bool)
    for row, wanted in enumerate(relevant):
        left = set(wanted)
        for rank, number in enumerate(ids[row].tolist()):
            if number in left:
                found[row, rank] = True
                left.remove(number)
    return found


def recall_at(found: np.ndarray, totals: np.ndarray, k: int) -> float:
    """Return the mean over queries of: relevant results among the first k / all that are relevant.

    Args:
        found: ``bool [B, K]`` of :func:`relevance`.
        totals: ``int [B]``, how many are relevant, at least 1 each.
        k: how many results are looked at.
    """
    return float(np.mean(found[:, :k].sum(axis=1) / totals))


def ndcg_at(found: np.ndarray, totals: np.ndarray, k: int) -> float:
    """Return the mean normalised discounted cumulative gain (Järvelin and Kekäläinen, TOIS 2002).

    ``DCG@k = sum over ranks r <= k of rel_r / log2(r + 1)``, divided by that of the best ranking there could be.
    Arguments as for :func:`recall_at`.
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    gained = found[:, :k] @ discounts[: min(k, found.shape[1])]
    best = np.concatenate(([0.0], np.cumsum(discounts)))[np.minimum(totals, k)]
    return float(np.mean(gained / best))


def reciprocal_rank(found: np.ndarray) -> float:
    """Return the mean of 1 / rank of the first relevant result, 0 where there is none."""
    first = np.where(found.any(axis=1), found.argmax(axis=1) + 1, np.inf)
    return float(np.mean(1.0 / first))


def retrieval_metrics(
    ids: np.ndarray, relevant: Sequence[Collection[int]], ks: Sequence[int] = (1, 5, 10)
) -> dict[str, float]:
    """Return ``recall@k`` and ``ndcg@k`` for each k, and ``mrr`` over the K results given.

    Raises:
        DataError: there are no queries, one has nothing relevant, or a k exceeds K.
    """
    totals = np.array([len(set(wanted)) for wanted in relevant], dtype=np.int64)
    if not len(totals) or not totals.all():
        raise DataError("each query needs at least one relevant id, and there must be a query")
    if min(ks, default=0) < 1 or max(ks) > ids.shape[1]:
        raise DataError(f"ks are {list(ks)}; allowed: 1 to {ids.shape[1]}, the number of results")
    found = relevance(ids, relevant)
    values = {f"recall@{k}": recall_at(found, totals, k) for k in ks}
    values |= {f"ndcg@{k}": ndcg_at(found, totals, k) for k in ks}
    return {**values, "mrr": reciprocal_rank(found)}
