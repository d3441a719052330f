"""Weights that the entity linker has before anybody trains it, and what they were fitted on."""

from __future__ import annotations

from dataclasses import dataclass

from kglm.linking.scorer import LogLinearScorer


@dataclass(frozen=True)
class LinkerWeights:
    """A scorer, and the one that makes the first pass where the scorer looks at coherence.

    Attributes:
        scorer: gives the probabilities.
        first: gives those that coherence is weighed by; None where the scorer does without.
    """

    scorer: LogLinearScorer
    first: LogLinearScorer | None = None


SENSES = LinkerWeights(LogLinearScorer({"log_prior": 1.0, "context": 10.0, "mention": 0.0}, None))
CONCEPTS = LinkerWeights(LogLinearScorer({"log_prior": 1.0, "context": 10.0}, 2.0))
NAMES = LinkerWeights(LogLinearScorer({"log_prior": 1.0, "context": 10.0}, 2.0))

DEFAULTS = {"senses": SENSES, "concepts": CONCEPTS, "names": NAMES}
