"""Entity vectors inside the encoder of the multiple-choice model, from the command line."""

import json

import pytest
from small_world import CSQA_DEV, run_kglm

from kglm.data.entity_vectors import ShuffledVectors
from kglm.embeddings import EntityTable
from kglm.inference import Bundle
from kglm.kg import KnowledgeGraph


@pytest.fixture(scope="session")
def training(quick):
    return ("train", "experiment=csqa_fusion", f"task.dev_size={CSQA_DEV}", *quick)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, training, data_dir, cache_dir):
    """The folder of a finished run, not to be written to."""
    folder = tmp_path_factory.mktemp("fused")
    outcome = run_kglm((*training, "run_dir=run"), folder, data_dir, cache_dir)
    assert outcome.code == 0, outcome.err
    return folder / "run"


def refused(outcome):
    assert outcome.code == 1, outcome.err
    return outcome.err.splitlines()[-1]


def test_answers_and_scores_of_a_run(kglm, finished):
    splits = json.loads((finished / "metrics.json").read_text())["splits"]
    outcome = kglm("evaluate", f"model={finished}", "split=dev")
    assert outcome.code == 0, outcome.err
    assert f"accuracy {100 * splits['dev']['accuracy']:.1f} %" in outcome.out
    answered = kglm(
        "answer", "What do I dig a hole with?", "-c", "shovel", "-c", "pillow", "--model", finished, "--json"
    )
    assert answered.code == 0, answered.err
    answer = json.loads(answered.out)
    assert answer["fused"] is True
    assert {mention["source"] for mention in answer["mentions"]} >= {"question", "A"}


def test_another_fusion_or_other_vectors_are_another_run(kglm, finished, training, tmp_path):
    table = Bundle.load(finished).pipeline.knowledge.fused.table
    EntityTable(-table.vectors, table.fingerprint, table.source).save(tmp_path / "other")
    again = (*training, f"run_dir={finished}", "trainer.resume=true")
    assert "model was" in refused(kglm(*again, "fusion.alignment=span"))
    assert "fused entities was" in refused(kglm(*again, "entities.shuffled=true"))
    assert "fused entities was" in refused(kglm(*again, "entities=table", f"entities.table={tmp_path / 'other'}"))
    assert kglm(*again).code == 0


def test_a_table_of_vectors_enters_and_that_of_another_graph_does_not(kglm, finished, training, graph_of, tmp_path):
    graph = KnowledgeGraph.open(finished / "best" / "graph")
    vectors = Bundle.load(finished).pipeline.knowledge.fused.table.vectors
    EntityTable({"structural": vectors[:, :8]}, graph.fingerprint, {"kind": "test"}).save(tmp_path / "table")
    named = (*training, "entities=table", "entities.shuffled=true")
    outcome = kglm(*named, f"entities.table={tmp_path / 'table'}", "run_dir=run")
    assert outcome.code == 0, outcome.err
    bundle = Bundle.load(tmp_path / "run")
    assert bundle.model.config.entity_dim == 8
    assert isinstance(bundle.pipeline.knowledge.fused.vectors, ShuffledVectors)
    other = graph_of(*graph.triples(), name="other")  # without its labels
    EntityTable(vectors, other.fingerprint, {}).save(tmp_path / "elsewhere")
    message = refused(kglm(*named, f"entities.table={tmp_path / 'elsewhere'}", "run_dir=third"))
    assert "entity table" in message
    assert other.fingerprint[:12] in message


def test_a_pretrained_fusion_encoder_is_taken_up(kglm, finished, training, tmp_path):
    bundle = Bundle.load(finished)
    bundle.model.encoder.save_pretrained(tmp_path / "pretrained")
    bundle.pipeline.tokenizer.save_pretrained(tmp_path / "pretrained")
    outcome = kglm(*training, f"fusion.checkpoint={tmp_path / 'pretrained'}", "run_dir=tuned")
    assert outcome.code == 0, outcome.err
    assert Bundle.load(tmp_path / "tuned").model.config.encoder_config.fusion_dim == 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["entities=none"], "entities.source is 'none'; allowed with a fusion: labels, descriptions, neigh"),
        (["fusion.name=kepler"], "fusion 'kepler'"),
        (["fusion.alignment=last"], "alignment is 'last'"),
        (["+fusion.speed=3"], "fusion has no field 'speed'"),
        (["fusion.num_heads=3"], "num_entity_heads is 3"),
        (["encoder.frozen=true"], "encoder.frozen is true, and fusion is on"),
        (["entities.aliases={file: a, name: b, entity: c}"], "entities.aliases is set"),
        (["entities=table", "entities.table=nowhere"], "'nowhere' holds no entity table"),
    ],
)
def test_settings_that_cannot_be_are_refused(kglm, training, changes, message):
    assert message in refused(kglm(*training, "run_dir=bad", *changes))


def test_a_stage_of_the_fusion_encoder_does_not_go_without(kglm, quick):
    outcome = kglm("train", "experiment=senses_plain", "fusion=none")
    assert "fusion is none; allowed in this stage: ernie, and entities=none" in refused(outcome)


def test_the_route_trains_on_a_shuffled_graph(kglm, training):
    """Its labels are the graph's own."""
    outcome = kglm(*training, "graph.shuffle_seed=0", "run_dir=control")
    assert outcome.code == 0, outcome.err
