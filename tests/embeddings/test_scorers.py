"""Scores by matrix products against PyG's own, and against the formulas written out."""

import numpy as np
import pytest
import torch
from torch_geometric.nn import kge

from kglm.embeddings.scorer_config import MODELS, ScorerConfig
from kglm.embeddings.scorers import build_scorer
from kglm.errors import ConfigError, UnknownNameError

N, R, D = 7, 3, 8
VARIANTS = [
    *({"model": model} for model in MODELS),
    {"model": "transe", "normalize": True},
    {"model": "transe", "distance": "squared"},
    {"model": "rotate", "distance": "squared"},
]
IDS = ["-".join(str(value) for value in variant.values()) for variant in VARIANTS]


def scorer_of(**options):
    torch.manual_seed(0)
    return build_scorer(N, R, ScorerConfig(dim=D, init_std=0.7, **options)).eval()


def naive_score(scorer, head, relation, tail):
    """The score of one triple as its paper has it."""
    weights = {name: value.double().numpy() for name, value in scorer.state_dict().items()}
    h, r, t = weights["node_emb.weight"][head], weights["rel_emb.weight"][relation], weights["node_emb.weight"][tail]
    config = scorer.config
    if config.model == "distmult":
        return sum(x * y * z for x, y, z in zip(h, r, t, strict=True))
    if config.model == "transe":
        if config.normalize:
            h, t = h / np.sqrt((h**2).sum()), t / np.sqrt((t**2).sum())
        distance = sum((x + y - z) ** 2 for x, y, z in zip(h, r, t, strict=True))
    else:
        imaginary = weights["node_emb_im.weight"]
        h, t = h + 1j * imaginary[head], t + 1j * imaginary[tail]
        if config.model == "complex":
            r = r + 1j * weights["rel_emb_im.weight"][relation]
            return sum(x * y * np.conj(z) for x, y, z in zip(h, r, t, strict=True)).real
        distance = sum(abs(x * np.exp(1j * y) - z) ** 2 for x, y, z in zip(h, r, t, strict=True))
    return -distance if config.distance == "squared" else -np.sqrt(distance)


@pytest.mark.parametrize("variant", VARIANTS, ids=IDS)
def test_all_ways_to_score_are_the_formula(variant):
    scorer = scorer_of(**variant)
    expected = torch.tensor([[[naive_score(scorer, h, r, t) for t in range(N)] for r in range(R)] for h in range(N)])
    heads, relations, tails = torch.cartesian_prod(torch.arange(N), torch.arange(R), torch.arange(N)).T
    with torch.no_grad():
        pool = scorer.entities()
        of_tails = scorer.scores(scorer.queries(scorer.entities(heads), relations), pool)
        of_heads = scorer.scores(scorer.queries(scorer.entities(tails), relations + R), pool)
        pairs = scorer.pair_scores(scorer.queries(scorer.entities(heads), relations), scorer.entities(tails))
        triples = scorer(heads, relations, tails)
    flat = expected.flatten().float()
    torch.testing.assert_close(of_tails[torch.arange(len(tails)), tails], flat, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(of_heads[torch.arange(len(heads)), heads], flat, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(pairs, flat, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(triples, flat, atol=1e-5, rtol=1e-5)


PYG = {
    "transe": lambda: kge.TransE(N, R, D, p_norm=2.0),
    "distmult": lambda: kge.DistMult(N, R, D),
    "complex": lambda: kge.ComplEx(N, R, D // 2),
    "rotate": lambda: kge.RotatE(N, R, D // 2, margin=0.0),
}


@pytest.mark.parametrize("model", MODELS)
def test_parameters_and_scores_are_those_of_pyg(model):
    scorer = scorer_of(model=model, normalize=model == "transe")
    theirs = PYG[model]()
    theirs.load_state_dict(scorer.state_dict())
    heads, relations, tails = torch.cartesian_prod(torch.arange(N), torch.arange(R), torch.arange(N)).T
    with torch.no_grad():
        ours = scorer.scores(scorer.queries(scorer.entities(heads), relations), scorer.entities())
        expected = theirs(heads, relations, tails)
    torch.testing.assert_close(ours[torch.arange(len(tails)), tails], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_reciprocal_relations_have_vectors_of_their_own(model):
    scorer = scorer_of(model=model, reciprocal=True)
    assert scorer.rel_emb.weight.shape[0] == 2 * R
    anchor = scorer.entities(torch.tensor([2]))
    before = scorer.queries(anchor, torch.tensor([1])).detach().clone()
    asked = scorer.queries(anchor, torch.tensor([1 + R])).detach().clone()
    with torch.no_grad():
        scorer.rel_emb.weight[1 + R] += 1
    torch.testing.assert_close(scorer.queries(anchor, torch.tensor([1])), before)
    assert not torch.allclose(scorer.queries(anchor, torch.tensor([1 + R])), asked)


@pytest.mark.parametrize("model", MODELS)
def test_a_vector_equal_to_its_question_has_a_finite_gradient(model):
    scorer = scorer_of(model=model)
    pool = scorer.entities()
    scorer.scores(pool, pool).sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in scorer.parameters())


WRONG = [
    ({"model": "transr"}, UnknownNameError, "did you mean 'transe'"),
    ({"model": "rotate", "dim": 7}, ConfigError, "dim of rotate is 7; allowed: an even number"),
    ({"model": "distmult", "normalize": True}, ConfigError, "normalize is true; allowed with transe only"),
    ({"model": "transe", "distance": "l1"}, ConfigError, "distance is 'l1'"),
    ({"model": "transe", "init_std": 0.0}, ConfigError, "init_std is 0.0"),
]


@pytest.mark.parametrize(("options", "error", "message"), WRONG)
def test_wrong_settings_are_named(options, error, message):
    with pytest.raises(error, match=message):
        ScorerConfig(**options)
