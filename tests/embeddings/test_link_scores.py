import numpy as np
import pytest
import torch

from kglm.embeddings.graph_embedding import KnowledgeGraphEmbedding
from kglm.embeddings.link_scores import link_scores
from kglm.embeddings.scorer_config import ScorerConfig
from kglm.embeddings.scorers import build_scorer
from kglm.errors import ConfigError, DataError
from kglm.kg import Triple


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(Triple("a", "r", "b"), Triple("b", "s", "a"), Triple("b", "r", "c"))


def saved(graph, folder, model):
    torch.manual_seed(0)
    scorer = build_scorer(graph.num_entities, graph.num_relations, ScorerConfig(model=model, dim=4))
    embedding = KnowledgeGraphEmbedding(scorer, graph.fingerprint, tuple(graph.relations), {"seed": 0})
    embedding.save(folder)
    return embedding


def test_links_score_by_the_vectors_of_the_embedding(graph, tmp_path):
    embedding = saved(graph, tmp_path / "kge", "transe")
    scores = link_scores(tmp_path / "kge", graph)
    entities, relations = embedding.entity_vectors().astype(float), embedding.relation_vectors().astype(float)

    def score(head, relation, tail):
        way = entities[graph.entity_id(tail)] - entities[graph.entity_id(head)]
        vector = relations[graph.relation_id(relation)]
        return (1 + way @ vector / np.linalg.norm(way) / np.linalg.norm(vector)) / 2

    expected = {"ab": max(score("a", "r", "b"), score("b", "s", "a")), "bc": score("b", "r", "c")}
    indptr = graph.links.indptr.astype(int)
    for entity in range(graph.num_entities):
        for place in range(indptr[entity], indptr[entity + 1]):
            pair = "".join(sorted(graph.entities[e] for e in (entity, graph.links.neighbors[place])))
            assert scores.values[place] == pytest.approx(expected[pair], rel=1e-5)
    assert scores.fingerprint == graph.fingerprint
    assert scores.source["model"] == "transe"


def test_other_models_and_missing_ones_are_refused(graph, tmp_path):
    saved(graph, tmp_path / "kge", "distmult")
    with pytest.raises(ConfigError, match="is of the model 'distmult'; allowed: transe"):
        link_scores(tmp_path / "kge", graph)
    with pytest.raises(DataError, match="holds no embedding"):
        link_scores(tmp_path / "nothing", graph)
