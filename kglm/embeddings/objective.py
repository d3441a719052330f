"""What a knowledge-graph embedding is trained for: that true answers score above the other candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kglm.embeddings.queries import SAMPLINGS
from kglm.embeddings.scorer_config import DISTANCE_MODELS
from kglm.embeddings.scorers import CandidateScorer
from kglm.errors import ConfigError, did_you_mean

LOSSES = ("cross_entropy", "negative_sampling")
NEVER = -1e9  # score of a candidate that is left out


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig:
    """The loss, its candidates and its regularisers.

    Attributes:
        loss: ``cross_entropy``: softmax over the candidates (Ruffinelli et al., You can teach an old dog new tricks,
            2020); ``negative_sampling``: a binary logistic loss (Sun et al., 2019).
        scale: scores are multiplied by it.
        margin: of ``negative_sampling``: added to all scores, γ of Sun et al.
        adversarial_temperature: of ``negative_sampling``: α of Sun et al., by which negatives weigh the more the
            higher they score; null weighs them alike.
        negatives: entities drawn for each batch; null: all entities are candidates.
        batch_answers: whether the answers of the batch's other questions are candidates too.
        filtered: whether a question's other known answers are left out of its candidates.
        answer_weight: 1: all triples weigh the same; 0: all questions do.
        sampling: ``uniform`` or ``bernoulli``: how the two sides of a triple weigh.
        dropout: of the entity's vector in a question.
        n3: weight of the cubed norms of a triple's vectors (Lacroix et al., 2018); of DistMult and ComplEx.

    Raises:
        ConfigError: a value is not allowed.
    """

    loss: str = "cross_entropy"
    scale: float = 1.0
    margin: float = 0.0
    adversarial_temperature: float | None = None
    negatives: int | None = None
    batch_answers: bool = True
    filtered: bool = True
    answer_weight: float = 1.0
    sampling: str = "uniform"
    dropout: float = 0.0
    n3: float = 0.0

    def __post_init__(self) -> None:
        for field, allowed in (("loss", LOSSES), ("sampling", SAMPLINGS)):
            value = getattr(self, field)
            if value not in allowed:
                raise ConfigError(
                    f"{field} is '{value}'{did_you_mean(str(value), allowed)}; allowed: {', '.join(allowed)}"
                )
        self._require("scale", self.scale > 0, "a number above 0")
        self._require("negatives", self.negatives is None or self.negatives >= 1, "null, or a number of at least 1")
        self._require("dropout", 0 <= self.dropout < 1, "a number in [0, 1)")
        self._require("n3", self.n3 >= 0, "a number of at least 0")
        if self.loss == "cross_entropy":
            self._require("margin", self.margin == 0, "0 with the loss cross_entropy, which it would not change")
            alpha = self.adversarial_temperature
            self._require("adversarial_temperature", alpha is None, "null with the loss cross_entropy")

    def _require(self, field: str, holds: bool, allowed: str) -> None:
        if not holds:
            raise ConfigError(f"{field} is {getattr(self, field)!r}; allowed: {allowed}")


class ObjectiveOutput(NamedTuple):
    """The mean loss over the answers of a batch, a scalar."""

    loss: Tensor


class LinkPredictionObjective(nn.Module):
    """The loss of a batch of questions, as :class:`~kglm.embeddings.queries.QueryCollator` makes it.

    With s_pa the scaled score of answer p, and s_pc those of the candidates c of its question (without its known
    answers, if ``filtered``), an answer's loss is ::

        cross_entropy       -s_pa + log(exp s_pa + sum_c exp s_pc)
        negative_sampling   (-log σ(γ + s_pa) - sum_c w_pc log σ(-γ - s_pc)) / 2,   w_p = softmax(α s_p), or 1 / C

    If not ``filtered``, the answer itself is counted once all the same.

    Args:
        scorer: the model.
        config: the loss.

    Raises:
        ConfigError: the model has no such regulariser.
    """

    def __init__(self, scorer: CandidateScorer, config: ObjectiveConfig) -> None:
        super().__init__()
        if config.n3 and scorer.config.model in DISTANCE_MODELS:
            raise ConfigError(f"n3 is {config.n3}; allowed with {scorer.config.model}: 0")
        self.scorer = scorer
        self.config = config

    def forward(
        self,
        *,
        anchors: Tensor,
        relations: Tensor,
        answers: Tensor,
        rows: Tensor,
        weights: Tensor,
        candidates: Tensor,
        columns: Tensor,
    ) -> ObjectiveOutput:
        """Return the weighted mean loss.

        Shapes:
            anchors, relations: ``[B]``; answers, rows, weights, columns: ``[P]``; candidates: ``[M]``
        """
        scorer, config = self.scorer, self.config
        sources = scorer.entities(anchors)  # [B, D]
        dropped = F.dropout(sources, config.dropout, self.training)
        queries = scorer.queries(dropped, relations)
        targets = scorer.entities(answers)  # [P, D]
        positive = config.scale * scorer.pair_scores(queries[rows], targets)  # [P]
        pool = scorer.entities(None if config.negatives is None else candidates)  # [M, D]
        scores = config.scale * scorer.scores(queries, pool)  # [B, M]
        losses = self._losses(positive, scores, rows, columns)
        loss = (losses * weights).sum() / weights.sum()
        if config.n3:
            loss = loss + config.n3 * self._cubes(sources, relations, targets, rows)
        return ObjectiveOutput(loss)

    def _losses(self, positive: Tensor, scores: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        known = columns >= 0
        if self.config.filtered:
            scores = scores.index_put((rows[known], columns[known]), scores.new_tensor(NEVER))
        if self.config.loss == "negative_sampling":
            wrong = self._wrong(scores)  # [B]
            return (wrong[rows] - F.logsigmoid(self.config.margin + positive)) / 2
        total = scores.logsumexp(dim=1)[rows]  # [P]
        counted = known & (not self.config.filtered)  # an answer's own score is in the sum already
        return torch.where(counted, total, torch.logaddexp(positive, total)) - positive

    def _wrong(self, scores: Tensor) -> Tensor:
        """Return the loss of the candidates of each question, ``[B, M]`` to ``[B]``."""
        alpha = self.config.adversarial_temperature
        asked = scores > NEVER / 2
        if alpha is None:
            shares = asked / asked.sum(dim=1, keepdim=True).clamp(min=1)
        else:
            shares = (alpha * scores.detach()).softmax(dim=1) * asked
        return -(shares * F.logsigmoid(-self.config.margin - scores)).sum(dim=1)

    def _cubes(self, sources: Tensor, relations: Tensor, targets: Tensor, rows: Tensor) -> Tensor:
        """Return the mean over triples of the sum of their vectors' cubed norms, of moduli for complex numbers."""
        between = self.scorer.relation_vectors(relations)
        per_question = _cubed(sources, self.scorer) + _cubed(between, self.scorer)  # [B]
        return (per_question[rows] + _cubed(targets, self.scorer)).mean()


def _cubed(vectors: Tensor, scorer: CandidateScorer) -> Tensor:
    if scorer.config.model == "complex":
        real, imaginary = vectors.chunk(2, dim=-1)
        vectors = (real.square() + imaginary.square() + 1e-12).sqrt()
    return vectors.abs().pow(3).sum(dim=-1)
