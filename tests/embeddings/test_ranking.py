import numpy as np
import pytest
import torch

from kglm.embeddings.queries import TripleQueries
from kglm.embeddings.ranking import Ranks, metrics_by_kind, rank_triples, ranking_metrics, relation_kinds
from kglm.embeddings.scorer_config import ScorerConfig
from kglm.embeddings.scorers import build_scorer
from kglm.errors import DataError

N, R = 12, 3


@pytest.fixture(scope="module")
def triples():
    return np.unique(np.random.default_rng(0).integers(0, [N, R, N], (60, 3)), axis=0)


def scorer_of(model):
    torch.manual_seed(1)
    scorer = build_scorer(N, R, ScorerConfig(model=model, dim=4, init_std=1.0))
    with torch.no_grad():  # ties: entities that are one and the same to the model
        scorer.node_emb.weight[:3] = scorer.node_emb.weight[3]
        if hasattr(scorer, "node_emb_im"):
            scorer.node_emb_im.weight[:3] = scorer.node_emb_im.weight[3]
    return scorer


def naive_rank(scores, answer, others):
    """The mean rank over all orders of equals."""
    rivals = [score for entity, score in enumerate(scores) if entity != answer and entity not in others]
    above = sum(score > scores[answer] for score in rivals)
    equal = sum(score == scores[answer] for score in rivals)
    return sum(1 + above + k for k in range(equal + 1)) / (equal + 1)


@pytest.mark.parametrize("model", ["distmult", "rotate"])
@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_ranks_are_filtered_and_ties_met_half_way(model, batch_size, triples):
    scorer, asked = scorer_of(model), triples[::2]
    ranks = rank_triples(scorer, asked, TripleQueries.of(triples, N, R), batch_size)
    true = {tuple(row) for row in triples.tolist()}
    with torch.no_grad():
        pool = scorer.entities()
        for place, (head, relation, tail) in enumerate(asked.tolist()):
            for side, anchor, answer, shift in (("tail", head, tail, 0), ("head", tail, head, R)):
                query = scorer.queries(scorer.entities(torch.tensor([anchor])), torch.tensor([relation + shift]))
                scores = scorer.scores(query, pool)[0].tolist()
                others = {
                    e for e in range(N) if ((head, relation, e) if side == "tail" else (e, relation, tail)) in true
                }
                assert getattr(ranks, side)[place] == naive_rank(scores, answer, others - {answer})


def test_an_answer_that_nobody_knows_is_ranked_all_the_same(triples):
    new = np.array([(0, 0, e) for e in range(N) if (0, 0, e) not in {tuple(t) for t in triples.tolist()}])
    with_new = TripleQueries.of(np.concatenate([triples, new[:1]]), N, R)
    scorer = scorer_of("distmult")
    one = rank_triples(scorer, new[:1], TripleQueries.of(triples, N, R))
    other = rank_triples(scorer, new[:1], with_new)
    assert (one.tail.tolist(), one.head.tolist()) == (other.tail.tolist(), other.head.tolist())


def test_scores_that_are_no_numbers_are_refused(triples):
    scorer = scorer_of("distmult")
    with torch.no_grad():
        scorer.node_emb.weight[5] = torch.nan
    with pytest.raises(DataError, match="not finite"):
        rank_triples(scorer, triples, TripleQueries.of(triples, N, R))


def test_metrics():
    found = ranking_metrics(np.array([1.0, 2.5, 4.0, 20.0]))
    assert found == pytest.approx(
        {
            "mrr": (1 + 1 / 2.5 + 1 / 4 + 1 / 20) / 4,
            "mean_rank": 27.5 / 4,
            "hits@1": 0.25,
            "hits@3": 0.5,
            "hits@10": 0.75,
        }
    )
    guessed = ranking_metrics(np.array([1.0]), unknown=3, num_entities=99)
    assert guessed == pytest.approx(
        {"mrr": (1 + 3 / 50) / 4, "mean_rank": 151 / 4, "hits@1": 0.25, "hits@3": 0.25, "hits@10": 0.25}
    )
    assert ranking_metrics(np.zeros(0)) == {}


def test_kinds_of_relations_and_their_metrics():
    rows = [(0, 0, 1), (2, 0, 3)]  # 1-1
    rows += [(0, 1, 1), (0, 1, 2), (3, 1, 4), (3, 1, 5)]  # 1-N
    rows += [(1, 2, 0), (2, 2, 0)]  # N-1
    rows += [(0, 3, 1), (0, 3, 2), (3, 3, 1), (3, 3, 2)]  # N-N
    kinds = relation_kinds(TripleQueries.of(np.array(rows), 6, 5))
    assert kinds.tolist() == [0, 1, 2, 3, 0]
    ranks = Ranks(np.array([1, 0, 1]), head=np.array([1.0, 2, 3]), tail=np.array([4.0, 5, 6]))
    found = metrics_by_kind(ranks, kinds)
    assert {kind: {side: m["mean_rank"] for side, m in sides.items()} for kind, sides in found.items()} == {
        "1-1": {"head": 2, "tail": 5},
        "1-N": {"head": 2, "tail": 5},
    }
