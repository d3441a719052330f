import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from small_world import run_kglm

from kglm.cli.stages.relation_classification import RelationSettings
from kglm.errors import ConfigError, UnknownNameError
from kglm.models import FusionEncoderForSequenceClassification

CONF = Path(__file__).parents[3] / "conf"
ARMS = ["fused", "plain", "shuffled"]
EXPERIMENTS = [f"{task}_{arm}" for task in ("linked", "wiki80") for arm in ARMS]


@pytest.fixture(scope="module")
def small(tiny_task_dir, tiny_graph, two_steps):
    return (*tiny_graph, *two_steps, "relations=files", f"relations.train={tiny_task_dir / 'relations.json'}")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, small, data_dir, cache_dir):
    """The folder of a run of each experiment, and what it printed."""
    folder = tmp_path_factory.mktemp("relation runs")
    said = {}
    for name in EXPERIMENTS:
        outcome = run_kglm(("train", f"experiment={name}", *small, f"run_dir={name}"), folder, data_dir, cache_dir)
        assert outcome.code == 0, outcome.err
        said[name] = outcome.out
    return folder, said


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_trains_and_leaves_what_it_says(runs, name):
    run, said = runs[0] / name, runs[1][name]
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["steps"] == 2
    assert set(metrics["splits"]) == {"dev", "test"}
    for split, values in metrics["splits"].items():
        rows = [json.loads(line) for line in (run / f"predictions_{split}.jsonl").read_text().splitlines()]
        assert len(rows) == values["texts"] == sum(part["texts"] for part in values["slices"].values()) > 0
        assert sum(row["correct"] for row in rows) / len(rows) == pytest.approx(values["accuracy"])
        assert values["micro_f1"] == pytest.approx(values["accuracy"])  # no negative relation
        assert f"{split} accuracy {100 * values['accuracy']:.1f} %" in said
        assert set(values["slices"]) <= {f"{n} linked" for n in ("no entity", "one entity", "both entities")}
    model = FusionEncoderForSequenceClassification.from_pretrained(run / "best")
    assert sorted(model.config.label2id) == ["cuts", "digs"]
    task = json.loads((run / "best" / "task.json").read_text())
    assert (task["graph"] is None) == name.endswith("_plain") == (set(model.config.schedule) == {"plain"})
    assert model.config.graph_fingerprint == task["graph"]


@pytest.mark.parametrize("task", ["linked", "wiki80"])
def test_all_three_see_the_same_sentences(runs, task):
    seen = []
    for arm in ARMS:
        rows = (runs[0] / f"{task}_{arm}" / "predictions_test.jsonl").read_text().splitlines()
        seen.append(sorted((row["id"], row["slice"]) for row in map(json.loads, rows)))
    assert seen[0] == seen[1] == seen[2]


def test_a_finished_run_is_not_written_over(runs, small, data_dir, cache_dir):
    arguments = ("train", "experiment=wiki80_plain", *small, "run_dir=wiki80_plain")
    outcome = run_kglm(arguments, runs[0], data_dir, cache_dir)
    assert (outcome.code, "holds a finished run" in outcome.err) == (1, True)


def test_marker_tokens_negative_relation_and_linked_only(kglm, tmp_path, small):
    options = (
        "relations.markers=tokens",
        "encoder.freeze_word_embeddings=false",
        "relations.negative=cuts",
        "relations.linked_only=true",
    )
    outcome = kglm("train", "experiment=wiki80_fused", *small, *options, "fusion.alignment=span", "run_dir=run")
    assert outcome.code == 0, outcome.err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert set(metrics["splits"]["test"]["slices"]) == {"both entities linked"}
    model = FusionEncoderForSequenceClassification.from_pretrained(tmp_path / "run" / "best")
    assert model.config.alignment == "span"


def test_a_checkpoint_is_gone_on_with_on_its_own_graph_alone(runs, small, data_dir, cache_dir):
    folder = runs[0]
    (folder / "other.tsv").write_text("E1\tknows\tE2\n")
    arguments = ("train", "experiment=wiki80_fused", *small, "fusion.checkpoint=wiki80_fused/best")
    outcome = run_kglm((*arguments, "graph.source=other.tsv", "run_dir=b"), folder, data_dir, cache_dir)
    assert outcome.code == 1
    assert "the checkpoint 'wiki80_fused/best' was made on the graph with fingerprint" in outcome.err
    again = run_kglm((*arguments, "run_dir=c"), folder, data_dir, cache_dir)
    assert again.code == 0, again.err


def test_a_table_of_another_graph_is_refused(kglm, tmp_path, small, graph_of):
    import numpy as np

    from kglm.embeddings import EntityTable
    from kglm.kg.records import Triple

    other = graph_of(Triple("a", "r", "b"))
    EntityTable(np.zeros((2, 4), dtype=np.float32), other.fingerprint, {}).save(tmp_path / "table")
    outcome = kglm(
        "train", "experiment=wiki80_fused", *small, "entities=table", "entities.table=table", "run_dir=run"
    )
    assert outcome.code == 1
    assert "entity table 'table' was made on the graph with fingerprint" in outcome.err


@pytest.mark.parametrize("path", sorted(CONF.glob("relations/*.yaml")) + sorted(CONF.glob("entities/*.yaml")))
def test_every_key_of_an_option_is_read(path):
    needed = {"files": ["relations.train=x"], "table": ["entities.table=x"]}.get(path.stem, [])
    with initialize_config_module("kglm.conf", version_base="1.3"):
        arguments = ["stage=relation_classification", f"{path.parent.name}={path.stem}", *needed]
        config = OmegaConf.to_container(compose("train", arguments), resolve=True, throw_on_missing=True)
    RelationSettings.from_config(config)
    assert OmegaConf.load(path).keys() <= config[path.parent.name].keys()


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("entities.source=label", UnknownNameError, "did you mean 'labels'"),
        ("entities.source=table", ConfigError, "name a folder with the source 'table'"),
        ("trainer.selection_metric=f1", UnknownNameError, "unknown selection_metric 'f1'"),
        ("+relations.marker=x", ConfigError, "relations has no field 'marker'; did you mean 'markers'"),
        ("+fusion.layer=null", ConfigError, "fusion has no field 'layer'"),
        ("relations.fold=5", ConfigError, "relations.fold is 5; allowed: a whole number from 0 to 4"),
        ("relations.fold=1", ConfigError, "the task has a file 'dev'"),
        ("fusion.scale=[1]", ConfigError, "fusion.scale is"),
        ("max_length=2", ConfigError, "max_length is 2"),
        ("relations.markers=tokens", ConfigError, "new tokens could not be learnt"),
    ],
)
def test_mistakes_are_named(override, error, message):
    with initialize_config_module("kglm.conf", version_base="1.3"):
        config = OmegaConf.to_container(compose("train", ["experiment=wiki80_plain", override]), resolve=True)
    with pytest.raises(error, match=message):
        RelationSettings.from_config(config)
