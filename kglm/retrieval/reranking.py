"""A second look at the best candidates: any function that scores pairs of query and text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kglm.errors import DataError
from kglm.retrieval.fusion import Ranking
from kglm.retrieval.hits import NONE, Describe

Reranker = Callable[[Sequence[tuple[str, str]]], np.ndarray]
"""Takes P pairs (query, text) and returns P scores, higher is better; :class:`CrossEncoder` is one."""


def rerank(queries: Sequence[str], candidates: Ranking, describe: Describe, reranker: Reranker, k: int) -> Ranking:
    """Return the best k of the candidates by the reranker's scores; all pairs are scored in one call.

    Raises:
        DataError: the reranker returns another number of scores than of pairs, or one that is NaN.
    """
    rows, columns = np.nonzero(candidates.positions != NONE)
    texts = describe(candidates.positions[rows, columns].tolist())
    pairs = [(queries[row], text) for row, (text, _) in zip(rows.tolist(), texts, strict=True)]
    given = np.asarray(reranker(pairs) if pairs else [], dtype=np.float32)
    if given.shape != (len(pairs),) or np.isnan(given).any():
        raise DataError(f"the reranker returned scores of shape {list(given.shape)}; expected [{len(pairs)}], no NaN")
    scores = np.full(candidates.positions.shape, -np.inf, dtype=np.float32)
    scores[rows, columns] = given
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return Ranking(np.take_along_axis(scores, order, 1), np.take_along_axis(candidates.positions, order, 1))
