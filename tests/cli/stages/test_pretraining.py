import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from small_world import run_kglm

from kglm.cli.stages.pretraining import PretrainingSettings
from kglm.errors import ConfigError, KglmError, UnknownNameError
from kglm.models import FusionEncoderForPreTraining

CONF = Path(__file__).parents[3] / "conf"
EXPERIMENTS = sorted(path.stem for path in CONF.glob("experiment/ernie_pretrain_*.yaml"))
WITHOUT_ENTITIES = {"ernie_pretrain_no_entities"}
NO_SENTENCES = {"ernie_pretrain_walks", "ernie_pretrain_text", "ernie_pretrain_semcor"}
NO_DEA = {"ernie_pretrain_no_dea", *WITHOUT_ENTITIES}


@pytest.fixture(scope="module")
def corpora(tiny_task_dir, tiny_encoder):
    """Overrides that name small files for each kind of corpus."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    folder = tiny_task_dir / "corpora"
    folder.mkdir(exist_ok=True)
    sentences = [f"dig a hole in e{i % 5} with a spade , e{(i + 1) % 5}" for i in range(40)]
    texts = ["\n".join(sentences[i : i + 4]) for i in range(0, 40, 4)]
    (folder / "text.txt").write_text("\n\n".join(texts).replace("e", "E"))
    tokens, entities = [], []
    for document in texts:
        rows = [tokenizer.convert_tokens_to_ids(tokenizer.tokenize(line)) for line in document.split("\n")]
        marks = [[f"Q{k % 4}" if k % 3 else "#UNK#" for k in range(len(row))] for row in rows]
        tokens.append("\t".join([str(len(rows)), *(str(x) for row in rows for x in (len(row), *row))]))
        entities.append("\t".join([str(len(rows)), *(str(x) for row in marks for x in (len(row), *row))]))
    (folder / "tokens").write_text("\n".join(tokens))
    (folder / "entities").write_text("\n".join(entities))
    with open(folder / "semcor.jsonl", "w") as file:
        for i, sentence in enumerate(sentences):
            words = sentence.split()
            senses = [[4, "x", "NN", "k", f"E{i % 5}"], [len(words) - 1, "x", "NN", "k", f"E{(i + 1) % 5}"]]
            file.write(json.dumps({"id": f"b.f{i // 4}.s{i}", "tokens": words, "senses": senses}) + "\n")
    wikipedia = (
        f"corpus.options.tokens={folder / 'tokens'}",
        f"corpus.options.entities={folder / 'entities'}",
        f"corpus.options.vocabulary={tiny_encoder}",
    )
    special = {
        "ernie_pretrain_walks": ("corpus.options.walks_per_start=3",),
        "ernie_pretrain_text": (f"corpus.options.path={folder / 'text.txt'}",),
        "ernie_pretrain_semcor": (f"corpus.options.path={folder / 'semcor.jsonl'}",),
    }
    return {name: special.get(name, wikipedia) for name in EXPERIMENTS}


@pytest.fixture(scope="module")
def small(tiny_graph, two_steps):
    return (*tiny_graph, *two_steps, "max_length=48", "held_out=0.2", "trainer.log_every=1")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, small, corpora, data_dir, cache_dir):
    folder = tmp_path_factory.mktemp("pretraining runs")
    said = {}
    for name in EXPERIMENTS:
        arguments = ("train", f"experiment={name}", *small, *corpora[name], f"run_dir={name}")
        outcome = run_kglm(arguments, folder, data_dir, cache_dir)
        assert outcome.code == 0, outcome.err
        said[name] = outcome.out
    return folder, said


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_trains_and_tells_its_objectives_apart(runs, name):
    run = runs[0] / name
    metrics = json.loads((run / "metrics.json").read_text())
    objectives = {"token"}
    if name not in NO_DEA:
        objectives.add("entity")
    if metrics["config"] and "sentence_loss" in metrics["dev"]:
        objectives.add("sentence")
    assert ("sentence" in objectives) == (name not in NO_SENTENCES)
    measured = {f"{o}_{m}" for o in objectives for m in ("loss", "accuracy")}
    apart = {"entity_accuracy_kept", "entity_accuracy_masked", "entity_accuracy_replaced"}
    for found in (metrics["dev"], metrics["untrained"]):
        assert measured | {"loss"} <= set(found) <= measured | apart | {"loss"}
        assert found["loss"] == pytest.approx(sum(found[f"{o}_loss"] for o in objectives))
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for step in (1, 2):
        logged = {key for row in rows if row["step"] == step for key in row}
        assert {f"train/{key}" for key in ("token_loss", "token_accuracy", "loss")} <= logged
        assert ("train/entity_loss" in logged) == ("entity" in objectives)
    total = next(row for row in rows if "train/token_loss" in row)
    parts = [value for key, value in total.items() if key.startswith("train/") and key.endswith("_loss")]
    loss = next(row["train/loss"] for row in rows if "train/loss" in row)
    assert loss == pytest.approx(sum(parts), rel=1e-4)
    model = FusionEncoderForPreTraining.from_pretrained(run / "best")
    assert (model.config.graph_fingerprint is None) == (name in WITHOUT_ENTITIES)
    assert f"token loss {metrics['dev']['token_loss']:.3f}" in runs[1][name]
    assert metrics["corpus"]["mentions"] > 0
    assert metrics["corpus"]["lost_mentions"] == 0


def test_ablations_see_the_same_text(runs):
    corpora = [
        json.loads((runs[0] / name / "metrics.json").read_text())["corpus"]
        for name in ("ernie_pretrain_wikipedia", "ernie_pretrain_no_dea", "ernie_pretrain_no_entities")
    ]
    assert corpora[0] == corpora[1] == corpora[2]


def test_a_task_goes_on_from_a_pretrained_encoder(runs, tiny_task_dir, tiny_graph, two_steps, data_dir, cache_dir):
    arguments = (
        "train", "experiment=wiki80_fused", *tiny_graph, *two_steps, "relations=files",
        f"relations.train={tiny_task_dir / 'relations.json'}", "fusion.checkpoint=ernie_pretrain_wikipedia/best",
        "run_dir=task",
    )  # fmt: skip
    outcome = run_kglm(arguments, runs[0], data_dir, cache_dir)
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize(
    "path",
    sorted(CONF.glob("corpus/*.yaml")) + sorted(CONF.glob("objectives/*.yaml")) + [CONF / "fusion" / "ernie.yaml"],
)
def test_every_key_of_an_option_is_read(path):
    needed = {"text": ["corpus.options.path=x"], "dataset": ["corpus.options.path=x"]}.get(path.stem, [])
    with initialize_config_module("kglm.conf", version_base="1.3"):
        arguments = ["stage=pretraining", f"{path.parent.name}={path.stem}", *needed]
        config = OmegaConf.to_container(compose("train", arguments), resolve=True, throw_on_missing=True)
    PretrainingSettings.from_config(config)
    assert OmegaConf.load(path).keys() <= config[path.parent.name].keys()


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("fusion=none", ConfigError, "fusion is none; allowed in this stage: ernie"),
        ("objectives.sentences=order", ConfigError, "objectives.sentences is 'order'"),
        ("objectives.sentences=orders", UnknownNameError, "did you mean 'order'"),
        ("held_out=1.5", ConfigError, "held_out is 1.5"),
        ("corpus.kind=wikipdia", UnknownNameError, "unknown kind of corpus 'wikipdia'; did you mean 'wikipedia'"),
        ("+corpus.options.token=x", ConfigError, "has no 'token'; did you mean 'tokens'"),
        ("corpus.options.tokens=null", ConfigError, "corpus.options.tokens is missing"),
        ("objectives.masking.rate=2", ConfigError, "masking rate is 2"),
        ("+objectives.masking.share=2", ConfigError, "objectives.masking has no field 'share'"),
        ("trainer.selection_metric=accuracy", UnknownNameError, "unknown selection_metric 'accuracy'"),
    ],
)
def test_mistakes_are_named(override, error, message):
    with initialize_config_module("kglm.conf", version_base="1.3"):
        config = OmegaConf.to_container(compose("train", ["stage=pretraining", override]), resolve=True)
    with pytest.raises(error, match=message):
        PretrainingSettings.from_config(config)
    assert issubclass(error, KglmError)
