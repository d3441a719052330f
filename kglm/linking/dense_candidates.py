"""Candidates by meaning: the entities whose descriptions are nearest to a mention in its context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kglm.linking.candidate_sets import SOURCES, Hit
from kglm.linking.context import MentionContexts, of_length_one

if TYPE_CHECKING:
    from kglm.retrieval import VectorIndex

DENSE = SOURCES.index("dense")
LEAST = 1e-3
"""A share is above 0, also where the cosine is not."""


def dense_hits(index: VectorIndex, contexts: MentionContexts, k: int) -> list[list[Hit]]:
    """Return the k nearest entities of each mention; their share is the cosine.

    The query is the mention's own words as they are read in their sentence, plus the sentences around, each of length
    1 (a bi-encoder as in Wu et al., *Scalable zero-shot entity linking with dense entity retrieval*, EMNLP 2020,
    without its training).

    Args:
        index: of descriptions, by cosine, with entity ids.
        contexts: of M mentions.
        k: entities for each.
    """
    if not len(contexts.mentions):
        return []
    found = index.search(of_length_one(contexts.mentions + contexts.contexts), k)
    return [
        [Hit(entity, DENSE, max(score, LEAST)) for entity, score in zip(row, values, strict=True) if entity >= 0]
        for row, values in zip(found.ids.tolist(), found.scores.tolist(), strict=True)
    ]
