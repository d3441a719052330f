"""The stage ``kge`` and the evaluation ``link_prediction``, on small graphs in the layout of the data folder."""

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from safetensors.numpy import load_file
from small_world import run_kglm

from kglm.cli.stages.kge import KgeSettings
from kglm.embeddings.graph_embedding import KnowledgeGraphEmbedding
from kglm.errors import ConfigError, UnknownNameError
from kglm.kg import GraphRecipe

CONF = Path(__file__).parents[3] / "conf"
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("kge_*.yaml"))
EMBEDDINGS = sorted(path.stem for path in (CONF / "embedding").glob("*.yaml"))
QUICK = ("trainer.max_steps=2", "trainer.batch_size=16", "embedding.objective.negatives=20", "embedding.scorer.dim=8")


@pytest.fixture(scope="session")
def split_dir(tmp_path_factory):
    """FB15k-237 and WN18RR in small: splits, labels, and a test triple of an entity that the graph does not have."""
    folder = tmp_path_factory.mktemp("splits")
    rng = random.Random(0)
    for name, ending, ids in (
        ("fb15k237", "train.tsv.gz", [f"/m/0{i}" for i in range(30)]),
        ("wn18rr", "train.tsv", [f"{i:08}" for i in range(30)]),
    ):
        rows = sorted({(rng.choice(ids[:-1]), f"r{rng.randrange(3)}", rng.choice(ids[:-1])) for _ in range(150)})
        rng.shuffle(rows)
        place = folder / name
        place.mkdir()
        parts = {
            ending: rows[:110],
            "valid.tsv": rows[110:120],
            "test.tsv": [*rows[120:130], (ids[0], "r0", ids[-1])],
        }
        for file, part in parts.items():
            text = "".join("\t".join(row) + "\n" for row in part)
            (place / file).write_bytes(gzip.compress(text.encode()) if file.endswith("gz") else text.encode())
    with gzip.open(folder / "fb15k237" / "entity2wikidata.jsonl.gz", "wt") as handle:
        handle.writelines(json.dumps({"mid": f"/m/0{i}", "label": f"thing {i}"}) + "\n" for i in range(30))
    (folder / "wordnet").mkdir()
    with gzip.open(folder / "wordnet" / "synsets.tsv.gz", "wt") as handle:
        handle.write("synset\tss_type\tlexfile\tlemmas\tsense_keys\tgloss\n")
        handle.writelines(f"n{i:08}\tn\t03\tword_{i}\tk\tgloss {i}\n" for i in range(30))
    return folder


@pytest.fixture
def kglm(tmp_path, split_dir, cache_dir):
    return lambda *arguments: run_kglm(arguments, tmp_path, split_dir, cache_dir)


def settings_of(*arguments):
    with initialize_config_module("kglm.conf", version_base="1.3"):
        config = compose("train", list(arguments))
    return KgeSettings.from_config(OmegaConf.to_container(config, resolve=True, throw_on_missing=True))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_trains_and_leaves_what_it_says(kglm, tmp_path, name):
    outcome = kglm("train", f"experiment={name}", *QUICK, "run_dir=run")
    assert outcome.code == 0, outcome.err
    run = tmp_path / "run"
    left = {path.name for path in run.iterdir()}
    assert left == {"best", "last", "tensorboard", "config.json", "metrics.json", "metrics.jsonl"}
    assert {path.name for path in (run / "best").iterdir()} == {"model.safetensors", "config.json"}
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["steps"] == 2
    for split, report in metrics["splits"].items():
        assert f"{split}: MRR {report['mrr']:.4f}, Hits@1 {100 * report['hits@1']:.1f} %" in outcome.out
        assert 0 < report["mrr"] < 1
    if name.startswith("kge_everyday"):
        assert set(metrics["splits"]) == {"valid"}
    else:
        assert (metrics["splits"]["test"]["triples"], metrics["splits"]["test"]["unknown"]) == (11, 1)
        assert "1 of them have an entity or relation that the graph lacks" in outcome.out

    again = kglm("train", f"experiment={name}", *QUICK, "run_dir=run")
    assert again.code == 1
    assert "holds a finished run" in again.err


@pytest.fixture(scope="module")
def trained(tmp_path_factory, split_dir, cache_dir):
    folder = tmp_path_factory.mktemp("trained kge")
    outcome = run_kglm(
        ("train", "experiment=kge_fb15k237_rotate", *QUICK, "run_dir=run"), folder, split_dir, cache_dir
    )
    assert outcome.code == 0, outcome.err
    return folder / "run"


@pytest.mark.parametrize("split", ["valid", "test"])
def test_evaluate_repeats_the_figures_of_the_run(kglm, trained, split):
    outcome = kglm("evaluate", "evaluation=link_prediction", f"model={trained}", f"split={split}")
    assert outcome.code == 0, outcome.err
    report = json.loads((trained / "metrics.json").read_text())["splits"][split]
    assert f"{split}: MRR {report['mrr']:.4f}" in outcome.out
    assert "N-N" in outcome.out
    assert kglm("evaluate", "evaluation=link_prediction", f"model={trained / 'best'}", f"split={split}") == outcome


def test_evaluate_takes_a_file_of_triples_and_a_compiled_graph(kglm, trained, split_dir, cache_dir):
    graph = next((cache_dir / "graphs").glob("fb15k237-*"))
    valid = split_dir / "fb15k237" / "valid.tsv"
    outcome = kglm(
        "evaluate", "evaluation=link_prediction", f"model={trained}", f"triples={valid}", f"graph_dir={graph}"
    )
    assert outcome.code == 0, outcome.err
    report = json.loads((trained / "metrics.json").read_text())["splits"]["valid"]
    assert f"{valid}: MRR {report['mrr']:.4f}" in outcome.out


def test_evaluate_says_what_is_wrong(kglm, trained, tmp_path):
    for arguments, message in [
        (("model=nowhere",), "'nowhere' holds no embedding"),
        ((f"model={trained}", "split=train"), "unknown split 'train'"),
        ((f"model={trained}", "triples=none.tsv"), "none.tsv"),
    ]:
        outcome = kglm("evaluate", "evaluation=link_prediction", *arguments)
        assert outcome.code == 1
        assert message in outcome.err


def test_a_run_without_test_triples_has_no_test_split(kglm, tmp_path):
    assert kglm("train", "stage=kge", *QUICK, "run_dir=run").code == 0
    outcome = kglm("evaluate", "evaluation=link_prediction", "model=run")
    assert outcome.code == 1
    assert "there is no split 'test'" in outcome.err


def test_a_graph_of_ones_own_is_embedded(kglm, tmp_path, cache_dir):
    (tmp_path / "my.ttl").write_text(
        "@prefix : <http://example.org/> .\n"
        + "".join(f":a{i} :knows :a{(i + k) % 12} .\n" for i in range(12) for k in (1, 2, 5))
    )
    outcome = kglm("train", "stage=kge", "graph=file", "graph.source=my.ttl", *QUICK, "seed=3", "run_dir=run")
    assert outcome.code == 0, outcome.err
    graph = GraphRecipe(name="my-graph", source=str(tmp_path / "my.ttl")).open(cache_dir)
    assert KnowledgeGraphEmbedding.load(tmp_path / "run", graph).entity_vectors().shape == (12, 8)


def test_resumed_equals_uninterrupted_bit_for_bit(kglm, tmp_path, monkeypatch):
    steps = ("trainer.max_steps=6", "trainer.eval_every=2", "trainer.save_every=2", "embedding.objective.dropout=0.2")
    arguments = ("train", "experiment=kge_fb15k237_rotate", *QUICK, *steps)
    assert kglm(*arguments, "run_dir=whole").code == 0

    from kglm.training import run as training_run

    advance = training_run.TrainingRun._advance
    with monkeypatch.context() as patch:

        def stop_after_two(run, window):
            advance(run, window)
            if run.state.step == 2:
                raise KeyboardInterrupt

        patch.setattr(training_run.TrainingRun, "_advance", stop_after_two)
        assert kglm(*arguments, "run_dir=parts").code == 130
    outcome = kglm(*arguments, "run_dir=parts", "trainer.resume=true")
    assert outcome.code == 0, outcome.err
    for place in ("best/model.safetensors", "last/model.safetensors", "last/optimizer.safetensors"):
        assert (tmp_path / "whole" / place).read_bytes() == (tmp_path / "parts" / place).read_bytes(), place
    other = kglm(*arguments, "run_dir=parts", "trainer.resume=true", "embedding.objective.scale=3.0")
    assert other.code == 1
    assert "cannot be resumed: objective was" in other.err


def test_training_lowers_the_loss_and_finds_the_pattern(kglm, tmp_path):
    """A ring: the relation's vector is the step from one to the next."""
    rows = [(i, "next", (i + 1) % 40) for i in range(40)] + [(i, "skip", (i + 2) % 40) for i in range(40)]
    (tmp_path / "ring.tsv").write_text("".join(f"n{a}\t{r}\tn{b}\n" for a, r, b in rows))
    outcome = kglm(
        "train", "stage=kge", "graph=file", "graph.source=ring.tsv", "embedding=rotate", "embedding.scorer.dim=32",
        "embedding.objective.negatives=null", "held.held_out=0.1", "trainer.max_epochs=150", "trainer.eval_every=200",
        "trainer.batch_size=80", "trainer.reasoner_lr=0.03", "run_dir=run",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["splits"]["valid"]["mrr"] > 0.8
    vectors = load_file(tmp_path / "run" / "best" / "model.safetensors")
    assert np.isfinite(vectors["node_emb.weight"]).all()


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_every_key_of_an_embedding_is_read(name):
    settings = settings_of("stage=kge", f"embedding={name}")
    assert settings.scorer.model == name
    given = OmegaConf.load(CONF / "embedding" / f"{name}.yaml")
    for group in ("scorer", "objective"):
        assert set(given[group]) == set(vars(getattr(settings, group)))


WRONG = [
    ("embedding.scorer.model=transr", UnknownNameError, "unknown embedding model 'transr'"),
    ("trainer.selection_metric=accuracy", UnknownNameError, "unknown selection_metric 'accuracy'"),
    ("dev_triples=0", ConfigError, "dev_triples is 0"),
    ("+embedding.extra=1", ConfigError, "embedding has no 'extra'"),
    ("held.held_out=much", ConfigError, "held.held_out is 'much'"),
]


@pytest.mark.parametrize(("override", "error", "message"), WRONG)
def test_wrong_settings_are_named(override, error, message):
    with pytest.raises(error) as raised:
        settings_of("stage=kge", override)
    assert message in str(raised.value)
