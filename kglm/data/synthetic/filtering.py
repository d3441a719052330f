"""Distractors that an encoder finds as near to the question as the answer.

Dimensions: Q questions, P entities in a pool, C choices, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kglm.encoders import TextEncoder
from kglm.kg.graph import KnowledgeGraph

CHUNK = 256  # questions whose pools' vectors are held at once


class Chosen(NamedTuple):
    """The distractors of Q questions.

    Attributes:
        distractors: ``int32 [Q, C - 1]``.
        first: ``bool [Q]``, the encoder's cosine prefers the answer to all of them.
    """

    distractors: np.ndarray
    first: np.ndarray


class LabelVectors:
    """The encoder's vectors of entities' labels, each made when it is first asked for.

    Args:
        graph: has the labels.
        encoder: reads them.
    """

    def __init__(self, graph: KnowledgeGraph, encoder: TextEncoder) -> None:
        self.graph = graph
        self.encoder = encoder
        # Room that is never written to costs no memory.
        self._vectors = np.empty((graph.num_entities, encoder.dim), dtype=np.float16)
        self._known = np.zeros(graph.num_entities, dtype=bool)

    def rows(self, entities: np.ndarray) -> np.ndarray:
        """Return ``float32 [..., D]`` for entity ids ``[...]``, each of length 1."""
        asked = np.unique(entities)
        missing = asked[~self._known[asked]]
        if len(missing):
            self._vectors[missing] = self.encoder.encode(self.graph.labels.take(missing))
            self._known[missing] = True
        return self._vectors[entities].astype(np.float32)


class CosineFilter:
    """Chooses distractors so that the frozen encoder's cosine of question and choice does not tell the answer.

    An adversarial filter as AFLite is one (Sakaguchi et al. 2020, WinoGrande; Ma et al. 2021 use it for synthetic
    questions), with the untrained model itself as the adversary. Each question's answer is given the rank, among the
    choices, that the answers before it had least often, as far as its pool allows: so many entities with a higher
    cosine than the answer's are taken, those next to it, and the rest from below. Nothing is left out.

    Args:
        graph: has the labels of answers and distractors.
        encoder: reads the questions and the labels.
    """

    def __init__(self, graph: KnowledgeGraph, encoder: TextEncoder) -> None:
        self.encoder = encoder
        self.labels = LabelVectors(graph, encoder)

    def choose(
        self,
        questions: Sequence[str],
        answers: np.ndarray,
        pools: np.ndarray,
        counts: np.ndarray,
        ranks: np.ndarray,
    ) -> Chosen:
        """Return the distractors of each question.

        Args:
            questions: Q texts.
            answers: ``[Q]`` entities.
            pools: ``int32 [Q, P]`` entities that may stand beside the answer.
            counts: ``[Q]``, how many of its pool each question has, at least ``choices - 1``.
            ranks: ``int64 [C]``, how often an answer has had each rank so far; counted on.
        """
        wanted = len(ranks) - 1
        distractors = np.empty((len(questions), wanted), dtype=np.int32)
        first = np.empty(len(questions), dtype=bool)
        self.labels.rows(np.concatenate([answers, pools.ravel()]))  # encoded at once, not chunk by chunk
        vectors = self.encoder.encode(questions)
        for start in range(0, len(questions), CHUNK):
            at = slice(start, start + CHUNK)
            rows = self.labels.rows(np.concatenate([answers[at, None], pools[at]], axis=1))  # [q, 1 + P, D]
            scores = np.einsum("qpd,qd->qp", rows, vectors[at])
            for q, row in enumerate(scores, start=start):
                others = row[1 : 1 + int(counts[q])]
                above = int(np.count_nonzero(others > row[0]))
                least = max(0, wanted - (len(others) - above))
                rank = least + int(ranks[least : min(above, wanted) + 1].argmin())
                ranks[rank] += 1
                distractors[q] = pools[q, around(others, row[0], rank, wanted)]
                first[q] = rank == 0
        return Chosen(distractors, first)


def around(scores: np.ndarray, answer: float, above: int, wanted: int) -> np.ndarray:
    """Return the places of ``wanted`` scores: the ``above`` next ones over the answer's, the others next below it.

    Shapes:
        scores: ``[n]``, with at least ``above`` over the answer's and ``wanted - above`` others; out: ``[wanted]``
    """
    order = np.argsort(scores, kind="stable")
    lower = int(np.searchsorted(scores[order], answer, side="right"))  # so many are not above the answer
    chosen: np.ndarray = order[lower + above - wanted : lower + above]
    return chosen
