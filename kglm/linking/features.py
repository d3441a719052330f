"""What is measured of each candidate of each mention, in a flat table that a scorer reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kglm.linking.candidate_sets import SOURCES, CandidateSets
from kglm.linking.coherence import Affinity, LinkAffinity, TextAffinity, coherence
from kglm.linking.context import MentionContexts
from kglm.linking.entity_catalog import EntityCatalog
from kglm.linking.entity_vectors import LazyVectors

FEATURES = {
    "log_prior": "log of the prior among the mention's candidates: counts, smoothed by degrees",
    "log_degree": "log(links + 1)",
    "part": "1 where the mention is a part of an alias only",
    "acronym": "1 where the mention is the initials of an alias",
    "fuzzy": "1 where the mention is spelled like an alias, but not the same",
    "dense": "1 where only the meaning of the entity proposed it",
    "log_share": "log of how much of the alias the mention is (words), or how similar (characters, meaning)",
    "label": "1 where the mention is the entity's label, and not another alias",
    "lower_case": "1 where the entity's label begins with a capital and the mention does not",
    "context": "cosine of the sentences around the mention and of the entity's label and description",
    "context_neighbors": "cosine of the sentences around the mention and of the entity's label and neighbours",
    "mention": "cosine of the mention's words, read in their sentence, and of the entity's label and description",
    "coherence_text": "what is written on the candidate, against the other mentions' candidates",
    "coherence_links": "the candidate's neighbourhood, against the other mentions' candidates",
}
"""All features by name."""

SECOND_PASS = ("coherence_text", "coherence_links")
CONTEXTUAL = ("context", "context_neighbors", "mention")


@dataclass(frozen=True)
class CandidateFeatures:
    """Features of the candidates of M mentions, ragged.

    Attributes:
        names: of the columns.
        values: ``float32 [sum K, F]``.
        offsets: ``int64 [M + 1]``; the candidates of mention ``i`` are ``values[offsets[i]:offsets[i + 1]]``.
    """

    names: tuple[str, ...]
    values: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True)
class FeatureSources:
    """What the features are made of.

    Attributes:
        catalog: knows the entities.
        descriptions: vectors of labels and descriptions.
        neighborhoods: vectors of labels and neighbours.
    """

    catalog: EntityCatalog
    descriptions: LazyVectors
    neighborhoods: LazyVectors

    def first_pass(
        self, names: Sequence[str], surfaces: Sequence[str], sets: CandidateSets, contexts: MentionContexts | None
    ) -> CandidateFeatures:
        """Return the features of the first pass; columns of the second one are 0.

        Args:
            names: of the columns wanted.
            surfaces: the text of each mention.
            sets: its candidates.
            contexts: what surrounds the mentions; may be None where no column needs it.
        """
        columns = {name: self._column(name, surfaces, sets, contexts) for name in names if name not in SECOND_PASS}
        zeros = np.zeros(len(sets.entities), dtype=np.float32)
        values = np.stack([columns.get(name, zeros) for name in names], 1).astype(np.float32)
        return CandidateFeatures(tuple(names), values, sets.offsets)

    def second_pass(
        self, features: CandidateFeatures, sets: CandidateSets, probabilities: np.ndarray, text_offsets: np.ndarray
    ) -> CandidateFeatures:
        """Return the features with the columns of the second pass, which need the probabilities of the first.

        Args:
            features: of the first pass.
            sets: the candidates.
            probabilities: ``[sum K]``.
            text_offsets: ``int64 [N + 1]``, the mentions of each text.
        """
        values = features.values.copy()
        affinities: dict[str, Callable[[], Affinity]] = {
            "coherence_text": lambda: TextAffinity(self.descriptions),
            "coherence_links": lambda: LinkAffinity(self.catalog),
        }
        for column, name in enumerate(features.names):
            if name in SECOND_PASS:
                values[:, column] = coherence(sets, probabilities, text_offsets, affinities[name]())
        return CandidateFeatures(features.names, values, features.offsets)

    def _column(
        self, name: str, surfaces: Sequence[str], sets: CandidateSets, contexts: MentionContexts | None
    ) -> np.ndarray:
        if name in SOURCES:
            return (sets.sources == SOURCES.index(name)).astype(np.float32)
        if name in CONTEXTUAL:
            if contexts is None:
                raise ValueError(f"the feature '{name}' needs contexts")
            table = self.neighborhoods if name == "context_neighbors" else self.descriptions
            around = contexts.mentions if name == "mention" else contexts.contexts
            return _cosines(around, sets, table)
        simple: dict[str, Callable[[], np.ndarray]] = {
            "log_prior": lambda: log_prior(sets, self.catalog.degrees(sets.entities)),
            "log_degree": lambda: np.log1p(self.catalog.degrees(sets.entities)),
            "log_share": lambda: np.log(np.maximum(sets.shares, 1e-6)),
            "label": lambda: self._compare(surfaces, sets, lambda text, label: text.lower() == label.lower()),
            "lower_case": lambda: self._compare(
                surfaces, sets, lambda text, label: label[:1].isupper() and not text[:1].isupper()
            ),
        }
        return simple[name]()

    def _compare(self, surfaces: Sequence[str], sets: CandidateSets, test: Callable[[str, str], bool]) -> np.ndarray:
        pairs = zip(sets.owners.tolist(), sets.entities.tolist(), strict=True)
        return np.array([test(surfaces[m], self.catalog.label(entity)) for m, entity in pairs], dtype=np.float32)


def log_prior(sets: CandidateSets, degrees: np.ndarray, smoothing: float = 1.0) -> np.ndarray:
    """Return ``float32 [sum K]``, the log of :func:`kglm.linking.priors.surface_prior` of each mention's candidates.

    Args:
        sets: the candidates, with their counts.
        degrees: ``int64 [sum K]``, the number of their neighbours.
        smoothing: in observations that the degrees are worth.
    """
    owners, count = sets.owners, len(sets)
    mass = degrees + 1.0
    by_degree = mass / np.bincount(owners, mass, minlength=count)[owners]
    seen = np.bincount(owners, sets.counts, minlength=count)[owners]
    return np.log((sets.counts + smoothing * by_degree) / (seen + smoothing)).astype(np.float32)


def _cosines(around: np.ndarray, sets: CandidateSets, table: LazyVectors) -> np.ndarray:
    """Return ``float32 [sum K]``, of each candidate's vector and that of its mention."""
    distinct, places = np.unique(sets.entities, return_inverse=True)
    vectors = table.rows(distinct)
    return np.einsum("kd,kd->k", around[sets.owners], vectors[places]).astype(np.float32)
