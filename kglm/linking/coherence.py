"""How well a candidate goes with what the other mentions of its text may mean.

The coherence of candidate c of mention i, of a text with M mentions, is the expected affinity to the others:

    coherence(c) = 1 / M' Σ_{j ≠ i} Σ_{d ∈ candidates(j)} p(d) · affinity(c, d),

where p comes from a first pass without coherence, M' is the number of other mentions that have candidates, and a
mention whose first pass says NIL counts little. Affinity is one of

- ``text``: the cosine of what is written on the two entities,
- ``links``: the cosine of their neighbourhoods in the graph, each entity its own neighbour too: |N(c) ∩ N(d)| /
  √(|N(c)| |N(d)|) (Milne and Witten, *Learning to link with Wikipedia*, CIKM 2008, in the form of a cosine).

An entity has no affinity to itself: naming a thing twice says nothing about which one it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from scipy import sparse

from kglm.linking.candidate_sets import CandidateSets
from kglm.linking.entity_catalog import EntityCatalog

MOST_CANDIDATES = 2000
"""Candidates of one text compared with each other; a longer text is cut into runs of mentions with so many."""


def coherence(
    sets: CandidateSets, probabilities: np.ndarray, text_offsets: np.ndarray, affinity: Affinity
) -> np.ndarray:
    """Return ``float32 [sum K]``, the coherence of each candidate.

    Args:
        sets: candidates of all mentions of all texts.
        probabilities: ``[sum K]`` of the first pass.
        text_offsets: ``int64 [N + 1]`` into the mentions.
        affinity: see :class:`TextAffinity` and :class:`LinkAffinity`.
    """
    result = np.zeros(len(sets.entities), dtype=np.float32)
    for first, last in _runs(sets, text_offsets):
        begin, end = int(sets.offsets[first]), int(sets.offsets[last])
        sizes = np.diff(sets.offsets[first : last + 1])
        if (sizes > 0).sum() < 2:
            continue
        entities = sets.entities[begin:end]
        between = affinity.matrix(entities)
        between[entities[:, None] == entities[None, :]] = 0
        owners = np.repeat(np.arange(len(sizes)), sizes)
        expected = np.zeros((end - begin, len(sizes)), dtype=np.float32)
        expected[np.arange(end - begin), owners] = probabilities[begin:end]
        by_mention = between @ expected
        by_mention[np.arange(end - begin), owners] = 0
        result[begin:end] = by_mention.sum(1) / ((sizes > 0).sum() - 1)
    return result


def _runs(sets: CandidateSets, text_offsets: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield ranges of mentions that are compared with each other: texts, or parts of long ones."""
    for start, stop in zip(text_offsets.tolist(), text_offsets.tolist()[1:], strict=False):
        first = start
        for mention in range(start, stop):
            if sets.offsets[mention + 1] - sets.offsets[first] > MOST_CANDIDATES and mention > first:
                yield first, mention
                first = mention
        if stop > first:
            yield first, stop


class Affinity(Protocol):
    """How much any two of some entities have to do with each other."""

    def matrix(self, entities: np.ndarray) -> np.ndarray:
        """Return ``float32 [K, K]``, symmetric, at most 1."""
        ...


class GivesVectors(Protocol):
    """Whatever gives vectors by entity id."""

    def rows(self, entities: np.ndarray) -> np.ndarray:
        """Return ``float32 [K, D]``."""
        ...


class TextAffinity:
    """The cosine of vectors.

    Args:
        vectors: gives ``float32 [K, D]`` of length 1 for ids.
    """

    def __init__(self, vectors: GivesVectors) -> None:
        self._vectors = vectors

    def matrix(self, entities: np.ndarray) -> np.ndarray:
        """Return the cosines of all pairs."""
        rows = self._vectors.rows(entities)
        cosines: np.ndarray = rows @ rows.T
        return cosines


class LinkAffinity:
    """The cosine of neighbourhoods in the graph."""

    def __init__(self, catalog: EntityCatalog) -> None:
        self._catalog = catalog

    def matrix(self, entities: np.ndarray) -> np.ndarray:
        """Return the cosines of all pairs."""
        distinct, places = np.unique(entities, return_inverse=True)
        hoods = [self._hood(int(entity)) for entity in distinct]
        sizes = np.array([len(hood) for hood in hoods], dtype=np.int64)
        members, columns = np.unique(np.concatenate(hoods), return_inverse=True)
        values = np.repeat(1 / np.sqrt(sizes), sizes).astype(np.float32)
        indptr = np.concatenate(([0], np.cumsum(sizes)))
        rows = sparse.csr_matrix((values, columns, indptr), shape=(len(distinct), len(members)))
        cosines: np.ndarray = (rows @ rows.T).toarray()
        return cosines[np.ix_(places, places)]

    def _hood(self, entity: int) -> np.ndarray:
        return np.append(np.asarray(self._catalog.neighbors(entity), dtype=np.int64), entity)
