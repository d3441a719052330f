import json

import numpy as np
import pytest
import torch

from kglm.embeddings.entity_table import EntityTable
from kglm.embeddings.graph_embedding import CONFIG, WEIGHTS, KnowledgeGraphEmbedding
from kglm.embeddings.scorer_config import MODELS, ScorerConfig
from kglm.embeddings.scorers import build_scorer
from kglm.errors import DataError, FingerprintMismatchError
from kglm.kg import Triple


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(Triple("a", "knows", "b"), Triple("b", "likes", "c"))


def embedding_of(graph, **options):
    torch.manual_seed(0)
    scorer = build_scorer(graph.num_entities, graph.num_relations, ScorerConfig(dim=4, init_std=0.5, **options))
    return KnowledgeGraphEmbedding(scorer, graph.fingerprint, graph.relations, {"run": "test"})


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("reciprocal", [False, True])
def test_round_trip(graph, tmp_path, model, reciprocal):
    embedding = embedding_of(graph, model=model, reciprocal=reciprocal)
    embedding.save(tmp_path / "run" / "best")
    loaded = KnowledgeGraphEmbedding.load(tmp_path / "run", graph)
    assert np.array_equal(loaded.entity_vectors(), embedding.entity_vectors())
    assert np.array_equal(loaded.relation_vectors(), embedding.relation_vectors())
    assert (loaded.config, loaded.relations, loaded.provenance) == (
        embedding.config,
        graph.relations,
        {"run": "test"},
    )
    assert loaded.entity_vectors().shape == (3, 4)
    assert len(loaded.relation_vectors()) == graph.num_relations


@pytest.mark.parametrize("model", MODELS)
def test_scores_of_triples_and_of_all_tails_agree(graph, model):
    embedding = embedding_of(graph, model=model)
    heads, relations, tails = np.array([0, 1, 2]), np.array([0, 1, 1]), np.array([2, 2, 0])
    scores = embedding.triple_scores(heads, relations, tails)
    assert scores.dtype == np.float32
    rows = np.arange(3)
    np.testing.assert_allclose(embedding.tail_scores(heads, relations)[rows, tails], scores, rtol=1e-4, atol=1e-5)
    inverse = embedding.triple_scores(tails, relations + graph.num_relations, heads)
    np.testing.assert_allclose(inverse, scores, rtol=1e-4, atol=1e-5)


def test_transe_is_what_kagnet_reads(graph):
    embedding = embedding_of(graph, model="transe")
    entities, relations = embedding.entity_vectors(), embedding.relation_vectors()
    expected = -np.linalg.norm(entities[0] + relations[1] - entities[2])
    assert embedding.triple_scores([0], [1], [2])[0] == pytest.approx(expected, rel=1e-5)


def test_another_graph_is_refused(graph, graph_of, tmp_path):
    embedding_of(graph, model="transe").save(tmp_path)
    with pytest.raises(FingerprintMismatchError, match="Train it again"):
        KnowledgeGraphEmbedding.load(tmp_path, graph_of(Triple("x", "knows", "y")))


def test_the_vectors_become_the_structural_block_of_a_table(graph, tmp_path):
    embedding = embedding_of(graph, model="rotate")
    embedding.entity_table().save(tmp_path / "table")
    table = EntityTable.open(tmp_path / "table", graph)
    assert np.array_equal(table.structural, embedding.entity_vectors())
    assert (table.source["model"], table.source["run"]) == ("rotate", "test")


def test_what_is_missing_or_damaged_is_refused(graph, tmp_path):
    with pytest.raises(DataError, match="holds no embedding: expected"):
        KnowledgeGraphEmbedding.load(tmp_path, graph)
    embedding_of(graph, model="transe").save(tmp_path)
    config = json.loads((tmp_path / CONFIG).read_text())
    for change, message in [
        ({"format": 9}, "has format 9"),
        ({"num_entities": 7}, "no embedding that can be read"),
        ({"scorer": {"model": "transe", "dims": 4}}, "no embedding that can be read"),
    ]:
        (tmp_path / CONFIG).write_text(json.dumps({**config, **change}))
        with pytest.raises(DataError, match=message):
            KnowledgeGraphEmbedding.load(tmp_path, graph)
    (tmp_path / CONFIG).write_text(json.dumps(config))
    (tmp_path / WEIGHTS).write_bytes(b"damaged")
    with pytest.raises(DataError, match="no embedding that can be read"):
        KnowledgeGraphEmbedding.load(tmp_path, graph)
