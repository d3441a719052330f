import json

import torch

from kglm.embeddings.graph_embedding import KnowledgeGraphEmbedding
from kglm.embeddings.scorer_config import ScorerConfig
from kglm.embeddings.scorers import build_scorer
from kglm.kg.graph import KnowledgeGraph


def test_a_reasoner_reads_the_paths_that_an_embedding_finds_plausible(kglm, csqa, compiled, tmp_path):
    graph = KnowledgeGraph.open(compiled)
    torch.manual_seed(0)
    scorer = build_scorer(graph.num_entities, graph.num_relations, ScorerConfig(model="transe", dim=4))
    KnowledgeGraphEmbedding(scorer, graph.fingerprint, tuple(graph.relations)).save(tmp_path / "kge")

    outcome = kglm("train", *csqa, "run_dir=run", "reasoner.path_scores=kge", "reasoner.schema.min_path_score=0.15")
    assert outcome.code == 0, outcome.err
    assert {path.name for path in (tmp_path / "run" / "best" / "link_scores").iterdir()} == {
        "manifest.json",
        "scores.npy",
    }
    schema = json.loads((tmp_path / "run" / "best" / "bundle.json").read_text())["schema"]
    assert schema["min_path_score"] == 0.15
    outcome = kglm("answer", "what lies in the shed?", "--model", "run", "-c", "shovel", "-c", "pen")
    assert outcome.code == 0, outcome.err

    outcome = kglm("train", *csqa, "run_dir=other", "reasoner=qagnn", "+reasoner.path_scores=kge")
    assert outcome.code == 1
    assert "reasoner.path_scores is set; allowed with reasoner.schema.source=paths only" in outcome.err

    outcome = kglm("train", *csqa, "run_dir=other", "reasoner.path_scores=nowhere")
    assert outcome.code == 1
    assert "'nowhere' holds no embedding" in outcome.err
