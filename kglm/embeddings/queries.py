"""Training triples as questions: ``(h, r, ?)`` and ``(?, r, t)``, each once, with all its answers.

On FB15k-237 there are 150,000 such questions for 544,000 pairs of a triple and a side. Grouped, the scores of a
question's candidates are computed once for all its answers, and the objective stays the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

SAMPLINGS = ("uniform", "bernoulli")


@dataclass(frozen=True)
class TripleQueries:
    """Questions and their answers, in compressed rows.

    Attributes:
        anchors: ``int64 [Q]``: the entity asked about.
        relations: ``int64 [Q]``; ``r + num_relations`` where heads are sought.
        indptr: ``int64 [Q + 1]``.
        answers: ``int64 [A]``; of question ``q`` those are ``answers[indptr[q]:indptr[q + 1]]``, ascending.
        num_entities: N.
        num_relations: R, without inverses.
    """

    anchors: np.ndarray
    relations: np.ndarray
    indptr: np.ndarray
    answers: np.ndarray
    num_entities: int
    num_relations: int

    @classmethod
    def of(cls, triples: np.ndarray, num_entities: int, num_relations: int) -> TripleQueries:
        """Group triples ``int64 [n, 3]``; a triple that stands twice counts once."""
        heads, relations, tails = triples.T
        rows = np.concatenate(
            [np.stack([heads, relations, tails], 1), np.stack([tails, relations + num_relations, heads], 1)]
        )
        rows = np.unique(rows, axis=0)
        first = np.ones(len(rows), dtype=bool)
        first[1:] = (rows[1:, :2] != rows[:-1, :2]).any(axis=1)
        starts = np.flatnonzero(first)
        return cls(
            anchors=rows[starts, 0],
            relations=rows[starts, 1],
            indptr=np.append(starts, len(rows)),
            answers=rows[:, 2],
            num_entities=num_entities,
            num_relations=num_relations,
        )

    def __len__(self) -> int:
        return len(self.anchors)

    def answers_of(self, questions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the answers of some questions, and the position of each one's question among those: ``[P]`` both."""
        starts, counts = self.indptr[questions], np.diff(self.indptr)[questions]
        rows = np.repeat(np.arange(len(questions)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.answers[starts[rows] + within], rows

    def find(self, anchors: np.ndarray, relations: np.ndarray) -> np.ndarray:
        """Return the numbers of questions, -1 where nobody has asked: ``[B]``."""
        keys = self.anchors * (2 * self.num_relations) + self.relations  # ascending
        wanted = anchors * (2 * self.num_relations) + relations
        places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[places] == wanted, places, -1)

    def side_weights(self) -> np.ndarray:
        """Return how often a question's side is corrupted by Bernoulli sampling, relative to uniform: ``[Q]``.

        Wang et al. (Knowledge graph embedding by translating on hyperplanes, 2014) replace the head of a triple with
        probability ``tph / (tph + hpt)``, so that a wrong triple is seldom true: tph is the mean number of tails of a
        head, hpt that of heads of a tail. Here every triple is asked about on both sides, and the sides weigh
        ``2 tph / (tph + hpt)`` for heads and ``2 hpt / (tph + hpt)`` for tails.
        """
        counts = np.diff(self.indptr)
        size = 2 * self.num_relations
        mean = np.bincount(self.relations, counts, size) / np.maximum(np.bincount(self.relations, minlength=size), 1)
        tph, hpt = mean[: self.num_relations], mean[self.num_relations :]
        both = np.maximum(tph + hpt, 1e-9)
        return np.concatenate([2 * hpt / both, 2 * tph / both])[self.relations]


class QueryCollator:
    """Makes a batch of questions: their answers, and the candidates that they share.

    The candidates are drawn from seed, epoch and first question of the batch alone: a run that is resumed, or has
    worker processes, sees the same.

    Args:
        queries: the questions.
        negatives: entities drawn for each batch, with replacement; None takes all entities as candidates.
        batch_answers: whether the answers of the batch are candidates too.
        answer_weight: an answer of a question with A of them weighs ``A ** (answer_weight - 1)``: at 1 all triples
            weigh the same, at 0 all questions.
        sampling: ``uniform``, or ``bernoulli``: see :meth:`TripleQueries.side_weights`.
        seed: of the candidates.
    """

    def __init__(
        self,
        queries: TripleQueries,
        *,
        negatives: int | None,
        batch_answers: bool = True,
        answer_weight: float = 1.0,
        sampling: str = "uniform",
        seed: int = 0,
    ) -> None:
        self.queries = queries
        self.negatives = negatives
        self.batch_answers = batch_answers
        self.seed = seed
        self.epoch = 0
        counts = np.diff(queries.indptr).astype(np.float64)
        weights = counts ** (answer_weight - 1)
        self.weights = weights * (queries.side_weights() if sampling == "bernoulli" else 1.0)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) of the next batches."""
        self.epoch = epoch

    def __call__(self, questions: Sequence[int]) -> dict[str, Tensor]:
        """Return a batch of B questions with P answers and M candidates.

        ``anchors [B]``, ``relations [B]``; ``answers [P]``, ``rows [P]`` (of the question among the B) and ``weights
        [P]``; ``candidates [M]``, ascending and distinct; and ``columns [P]``, the place of each answer among the
        candidates, or -1.
        """
        chosen = np.asarray(questions, dtype=np.int64)
        answers, rows = self.queries.answers_of(chosen)
        candidates = self._candidates(int(chosen[0]), answers)
        columns = np.minimum(np.searchsorted(candidates, answers), len(candidates) - 1)
        arrays = {
            "anchors": self.queries.anchors[chosen],
            "relations": self.queries.relations[chosen],
            "answers": answers,
            "rows": rows,
            "weights": self.weights[chosen][rows].astype(np.float32),
            "candidates": candidates,
            "columns": np.where(candidates[columns] == answers, columns, -1),
        }
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    def _candidates(self, first: int, answers: np.ndarray) -> np.ndarray:
        if self.negatives is None:
            return np.arange(self.queries.num_entities)
        generator = np.random.default_rng([self.seed, self.epoch, first])
        drawn = generator.integers(0, self.queries.num_entities, self.negatives)
        return np.unique(np.concatenate([drawn, answers]) if self.batch_answers else drawn)
