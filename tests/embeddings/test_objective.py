"""The losses against their formulas, question by question."""

import math

import numpy as np
import pytest
import torch

from kglm.embeddings.objective import LinkPredictionObjective, ObjectiveConfig
from kglm.embeddings.queries import QueryCollator, TripleQueries
from kglm.embeddings.scorer_config import ScorerConfig
from kglm.embeddings.scorers import build_scorer
from kglm.errors import ConfigError

TRIPLES = np.array([(0, 0, 1), (0, 0, 2), (3, 1, 4), (5, 1, 4), (2, 0, 2), (4, 1, 0), (1, 0, 5)])
N, R, D = 9, 2, 6
LOSSES = [
    {},
    {"filtered": False},
    {"scale": 2.5},
    {"loss": "negative_sampling", "margin": 1.5},
    {"loss": "negative_sampling", "margin": 1.5, "adversarial_temperature": 0.7, "filtered": False},
    {"loss": "negative_sampling", "margin": 1.5, "adversarial_temperature": 0.7},
]


def log_sigmoid(value):
    return -math.log1p(math.exp(-value))


def naive_loss(score, answer, known, candidates, config):
    """One answer's loss; ``score`` says what a candidate scores."""
    left_out = known if config.filtered else set()
    pool = [config.scale * score(c) for c in candidates if c not in left_out]
    own = config.scale * score(answer)
    if config.loss == "cross_entropy":
        counted = not config.filtered and answer in candidates
        return -own + math.log(sum(map(math.exp, pool)) + (0 if counted else math.exp(own)))
    alpha = config.adversarial_temperature or 0.0
    total = sum(math.exp(alpha * s) for s in pool)
    wrong = sum(math.exp(alpha * s) / total * log_sigmoid(-config.margin - s) for s in pool)
    return (-log_sigmoid(config.margin + own) - wrong) / 2


@pytest.mark.parametrize("batch_answers", [True, False])
@pytest.mark.parametrize("negatives", [None, 4])
@pytest.mark.parametrize("options", LOSSES, ids=str)
@pytest.mark.parametrize("model", ["transe", "complex"])
def test_the_loss_is_the_mean_of_each_answers(model, options, negatives, batch_answers):
    torch.manual_seed(0)
    scorer = build_scorer(N, R, ScorerConfig(model=model, dim=D, init_std=0.8))
    config = ObjectiveConfig(negatives=negatives, batch_answers=batch_answers, answer_weight=0.5, **options)
    queries = TripleQueries.of(TRIPLES, N, R)
    collate = QueryCollator(
        queries, negatives=negatives, batch_answers=batch_answers, answer_weight=config.answer_weight, seed=3
    )
    batch = collate([0, 2, 3, 7])
    found = LinkPredictionObjective(scorer, config)(**batch).loss

    with torch.no_grad():
        table = scorer.scores(
            scorer.queries(scorer.entities(batch["anchors"]), batch["relations"]), scorer.entities()
        )
    losses, weights = [], []
    for row, answer, weight in zip(*(batch[name].tolist() for name in ("rows", "answers", "weights")), strict=True):
        known = {a for r, a in zip(batch["rows"].tolist(), batch["answers"].tolist(), strict=True) if r == row}
        score = table[row].tolist().__getitem__
        losses.append(naive_loss(score, answer, known, batch["candidates"].tolist(), config))
        weights.append(weight)
    assert found.item() == pytest.approx(np.average(losses, weights=weights), rel=1e-4)


@pytest.mark.parametrize("model", ["distmult", "complex"])
def test_n3_is_the_mean_cubed_norm_of_each_triple(model):
    torch.manual_seed(0)
    scorer = build_scorer(N, R, ScorerConfig(model=model, dim=D, init_std=0.8))
    batch = QueryCollator(TripleQueries.of(TRIPLES, N, R), negatives=None)([0, 2, 3, 7])
    with_n3, without = (
        LinkPredictionObjective(scorer, ObjectiveConfig(n3=n3))(**batch).loss.item() for n3 in (0.1, 0.0)
    )
    weights = {name: value.numpy() for name, value in scorer.state_dict().items()}

    def cubed(kind, row):
        vector = weights[f"{kind}.weight"][row]
        if model == "complex":
            vector = vector + 1j * weights[f"{kind}_im.weight"][row]
        return sum(abs(x) ** 3 for x in vector)

    cubes = []
    for row, answer in zip(batch["rows"].tolist(), batch["answers"].tolist(), strict=True):
        anchor, relation = batch["anchors"][row].item(), batch["relations"][row].item() % R
        cubes.append(cubed("node_emb", anchor) + cubed("rel_emb", relation) + cubed("node_emb", answer))
    assert with_n3 - without == pytest.approx(0.1 * np.mean(cubes), rel=1e-3)


def test_dropout_is_of_training_alone():
    scorer = build_scorer(N, R, ScorerConfig(model="distmult", dim=D, init_std=0.8))
    objective = LinkPredictionObjective(scorer, ObjectiveConfig(dropout=0.5))
    batch = QueryCollator(TripleQueries.of(TRIPLES, N, R), negatives=None)([0, 1, 2])
    assert objective.train()(**batch).loss != objective(**batch).loss
    assert objective.eval()(**batch).loss == objective(**batch).loss


WRONG = [
    ({"loss": "softmax"}, "loss is 'softmax'"),
    ({"sampling": "bernouli"}, "did you mean 'bernoulli'"),
    ({"margin": 2.0}, "margin is 2.0; allowed: 0 with the loss cross_entropy"),
    ({"adversarial_temperature": 1.0}, "adversarial_temperature is 1.0; allowed: null"),
    ({"negatives": 0}, "negatives is 0; allowed: null"),
    ({"dropout": 1.0}, "dropout is 1.0"),
    ({"scale": 0.0}, "scale is 0.0"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_settings_are_named(options, message):
    with pytest.raises(ConfigError) as error:
        ObjectiveConfig(**options)
    assert message in str(error.value)


def test_n3_of_a_distance_is_refused():
    scorer = build_scorer(N, R, ScorerConfig(model="rotate", dim=D))
    with pytest.raises(ConfigError, match=r"n3 is 0\.1; allowed with rotate: 0"):
        LinkPredictionObjective(scorer, ObjectiveConfig(n3=0.1))
