"""Filtered ranks of the true answers, and what is made of them (Bordes et al., 2013; Sun et al., 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from kglm.embeddings.queries import TripleQueries
from kglm.embeddings.scorers import CandidateScorer
from kglm.errors import DataError

HITS = (1, 3, 10)
SIDES = ("head", "tail")
MANY = 1.5  # tails of a head, or heads of a tail, on average: from here on a side counts as N
KINDS = ("1-1", "1-N", "N-1", "N-N")


@dataclass(frozen=True)
class Ranks:
    """The rank of each triple's tail and of its head among all entities, known other answers left out.

    Ties are met half-way, as if broken at random: ``1 + (number above) + (number of equals) / 2``.

    Attributes:
        relations: ``int64 [n]``.
        head: ``float64 [n]``, from 1.
        tail: ``float64 [n]``, from 1.
    """

    relations: np.ndarray
    head: np.ndarray
    tail: np.ndarray


@torch.no_grad()
def rank_triples(scorer: CandidateScorer, triples: np.ndarray, known: TripleQueries, batch_size: int = 256) -> Ranks:
    """Rank the tail of each triple among all entities for ``(h, r, ?)``, and the head for ``(?, r, t)``.

    Args:
        scorer: the model.
        triples: ``int64 [n, 3]``.
        known: all true triples; their answers do not compete.
        batch_size: questions at a time; ``[batch_size, N]`` scores are in memory.

    Raises:
        DataError: a score is not finite.
    """
    was_training = scorer.training
    scorer.eval()
    heads, relations, tails = triples.T
    try:
        tail = _ranks(scorer, heads, relations, tails, known, batch_size)
        head = _ranks(scorer, tails, relations + known.num_relations, heads, known, batch_size)
    finally:
        scorer.train(was_training)
    return Ranks(relations=relations, head=head, tail=tail)


def _ranks(
    scorer: CandidateScorer,
    anchors: np.ndarray,
    relations: np.ndarray,
    answers: np.ndarray,
    known: TripleQueries,
    batch_size: int,
) -> np.ndarray:
    pool = scorer.entities()  # [N, D]
    device = pool.device
    ranks = [np.zeros(0)]
    for start in range(0, len(anchors), batch_size):
        part = slice(start, start + batch_size)
        asked = scorer.entities(torch.from_numpy(anchors[part]).to(device))
        scores = scorer.scores(scorer.queries(asked, torch.from_numpy(relations[part]).to(device)), pool)  # [B, N]
        right = torch.from_numpy(answers[part]).to(device)
        own = scores.gather(1, right[:, None])  # [B, 1]
        if not bool(scores.sum().isfinite()):  # much cheaper than to look at each
            raise DataError("a score is not finite; the model has diverged, or its file is damaged")
        others, rows = _known_answers(known, anchors[part], relations[part])
        scores[torch.from_numpy(rows).to(device), torch.from_numpy(others).to(device)] = -torch.inf
        scores.scatter_(1, right[:, None], -torch.inf)
        above = torch.count_nonzero(scores > own, dim=1)
        equal = torch.count_nonzero(scores == own, dim=1)
        ranks.append((1 + above + equal / 2).double().cpu().numpy())
    return np.concatenate(ranks)


def _known_answers(known: TripleQueries, anchors: np.ndarray, relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    questions = known.find(anchors, relations)
    asked = np.flatnonzero(questions >= 0)
    answers, rows = known.answers_of(questions[asked])
    return answers, asked[rows]


def ranking_metrics(ranks: np.ndarray, unknown: int = 0, num_entities: int = 0) -> dict[str, float]:
    """Return ``mrr``, ``mean_rank`` and ``hits@k`` of ranks ``[n]``.

    Args:
        ranks: from 1.
        unknown: how many answers the model knows nothing of. Each counts with the mean rank of a guess,
            ``(num_entities + 1) / 2``, so that figures are comparable with those over all triples.
        num_entities: N.
    """
    guesses = np.full(unknown, (num_entities + 1) / 2)
    ranks = np.concatenate([ranks, guesses])
    if not len(ranks):
        return {}
    hits = {f"hits@{k}": float((ranks <= k).mean()) for k in HITS}
    return {"mrr": float((1 / ranks).mean()), "mean_rank": float(ranks.mean()), **hits}


def relation_kinds(queries: TripleQueries) -> np.ndarray:
    """Return the kind of each relation, as an index into :data:`KINDS`: ``int64 [R]`` (Bordes et al., 2013).

    With fewer than 1.5 tails to a head on average, tails are "1", otherwise "N"; heads likewise. "1-N" has one head
    and many tails. A relation without triples is "1-1".
    """
    counts = np.diff(queries.indptr)
    size = 2 * queries.num_relations
    mean = np.bincount(queries.relations, counts, size) / np.maximum(
        np.bincount(queries.relations, minlength=size), 1
    )
    many_tails, many_heads = (mean[: queries.num_relations] >= MANY), (mean[queries.num_relations :] >= MANY)
    return 2 * many_heads.astype(np.int64) + many_tails


def metrics_by_kind(ranks: Ranks, kinds: np.ndarray) -> dict[str, dict[str, Mapping[str, float]]]:
    """Return the metrics of head and tail ranks apart for each kind of relation that is there: kind, side, metric."""
    of_triple = kinds[ranks.relations]
    result: dict[str, dict[str, Mapping[str, float]]] = {}
    for number, kind in enumerate(KINDS):
        chosen = of_triple == number
        if chosen.any():
            result[kind] = {side: ranking_metrics(getattr(ranks, side)[chosen]) for side in SIDES}
    return result
