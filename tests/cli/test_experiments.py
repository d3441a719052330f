import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from kglm.cli.evaluations import question_answering as qa_evaluation
from kglm.cli.settings import TrainSettings
from kglm.cli.stages import question_answering as qa_stage
from kglm.encoders.pretrained import load_encoder
from kglm.models.reasoners import check_reasoner

CONF = Path(__file__).parents[2] / "conf"
# Other stages' experiments and groups have tests of their own beside this file.
EXPERIMENTS = sorted(
    path.stem for path in (CONF / "experiment").glob("*.yaml") if "override /stage:" not in path.read_text()
)
OWN_GROUPS = {"encoder", "entities", "facts", "fusion", "graph", "linker", "paths", "reasoner", "task", "trainer"}
OTHERS = {("linker", "entity")}  # for evaluations
GROUPS = [
    (path.parent.name, path.stem)
    for path in sorted(CONF.glob("*/*.yaml"))
    if path.parent.name in OWN_GROUPS and (path.parent.name, path.stem) not in OTHERS
]
REQUIRED = {
    ("encoder", "hub"): ["encoder.name=some/encoder"],
    ("entities", "table"): ["entities.table=some/table", "fusion=ernie"],
    ("graph", "conceptnet5"): ["graph.source=assertions.csv.gz"],
    ("graph", "file"): ["graph.source=my.tsv"],
    ("task", "files"): ["task.train=train.jsonl", "task.dev=dev.jsonl", "task.test=test.jsonl"],
}


CORPORA = sorted(path.stem for path in (CONF / "facts" / "corpora").glob("*.yaml"))
CORPORA_NEED = {"file": ["facts.corpora.file.path=facts.txt"]}


def overrides(name, encoder):
    """Return what chooses an experiment; ``encoder`` makes vectors of the facts, where they have any."""
    few = ["task.dev_size=8"] if name.startswith(("csqa", "openbookqa")) else []
    if name.startswith("synthetic"):  # of few words and few relations
        few = ["task.choices=2", "task.min_weight=0.0", "task.held_out=0.5", "task.pool=2"]
        few += ["task.train=8", "task.dev=4", "task.test=4", "task.without=[IsA]"]
    return [f"experiment={name}", f"++facts.encoder={encoder}", *few]


def settings_of(*arguments):
    """Compose as ``kglm train`` does."""
    with initialize_config_module("kglm.conf", version_base="1.3"):
        config = compose("train", list(arguments))
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_trains_and_leaves_what_it_says(kglm, tmp_path, quick, tiny_encoder, name):
    arguments = ("train", *overrides(name, tiny_encoder), *quick, "run_dir=run")
    outcome = kglm(*arguments)
    assert outcome.code == 0, outcome.err
    run = tmp_path / "run"
    left = {path.name for path in run.iterdir()}
    files = {"config.json", "metrics.json", "metrics.jsonl", "predictions_dev.jsonl", "predictions_test.jsonl"}
    assert left == {"best", "last", "tensorboard", *files}
    assert list((run / "tensorboard").iterdir())
    assert (run / "last" / "state.json").is_file()

    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["steps"] == 2
    assert set(metrics["splits"]) == {"dev", "test"}
    for split, values in metrics["splits"].items():
        rows = [json.loads(line) for line in (run / f"predictions_{split}.jsonl").read_text().splitlines()]
        assert len(rows) == values["questions"] > 0
        assert sum(row["correct"] for row in rows) / len(rows) == pytest.approx(values["accuracy"])
        assert f"{split} accuracy {100 * values['accuracy']:.1f} %" in outcome.out

    config = json.loads((run / "config.json").read_text())
    assert (config["name"], config["trainer"]["max_steps"]) == (name, 2)
    bundle = json.loads((run / "best" / "bundle.json").read_text())
    routes = config["reasoner"]["name"], config["facts"]["source"], config["fusion"]["name"]
    assert (bundle["graph"] is None) == (routes == (None, None, None))

    before = (run / "metrics.json").read_bytes()
    again = kglm(*arguments)
    assert again.code == 1
    assert again.err.splitlines()[-1].startswith(f"kglm: error: '{run}' holds a finished run")
    assert (run / "metrics.json").read_bytes() == before


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name.startswith("csqa")])
def test_csqa_trains_and_selects_without_the_test_questions(kglm, monkeypatch, data_dir, quick, tiny_encoder, name):
    listed = (data_dir / "commonsense_qa" / "inhouse_split_qids.txt").read_text().split()
    trained_on, selected_by = [], []
    train, score = qa_stage.train, qa_stage.evaluate

    def spy_on_train(model, **options):
        collate = options.pop("collate")

        def spy(questions):
            trained_on.extend(question.example.id for question in questions)
            return collate(questions)

        return train(model, collate=spy, **options)

    def spy_on_evaluate(model, loader, accelerator):
        batches = list(loader)
        selected_by.extend(name for batch in batches for name in batch["ids"])
        return score(model, batches, accelerator)

    monkeypatch.setattr(qa_stage, "train", spy_on_train)
    monkeypatch.setattr(qa_stage, "evaluate", spy_on_evaluate)
    arguments = (*overrides(name, tiny_encoder), *quick, "run_dir=run", "trainer.max_steps=7")
    outcome = kglm("train", *arguments)  # an epoch has 28
    assert outcome.code == 0, outcome.err
    assert sorted(trained_on) == sorted(listed[:-8])
    assert sorted(selected_by) == sorted(listed[-8:])


@pytest.mark.parametrize(("group", "option"), GROUPS)
def test_every_option_composes(kglm, group, option):
    outcome = kglm("train", "--cfg", "job", f"{group}={option}", *REQUIRED.get((group, option), []))
    assert (outcome.code, outcome.err) == (0, "")
    shown = OmegaConf.create(outcome.out)
    path = CONF / group / f"{option}.yaml"
    keys = OmegaConf.load(path).keys() - {"defaults"}
    assert keys <= (shown if "@package _global_" in path.read_text() else shown[group]).keys()


@pytest.mark.parametrize(("group", "option"), GROUPS)
def test_every_key_of_an_option_is_known_to_what_reads_it(tiny_encoder, group, option):
    config = settings_of(f"{group}={option}", *REQUIRED.get((group, option), []))
    settings = TrainSettings.from_config(config)
    if settings.reasoner is not None:
        check_reasoner(
            {"name": settings.reasoner.name, "entity_dim": 8, "num_relations": 3, **settings.reasoner.options}
        )
    if group == "encoder":
        encoder, _ = load_encoder(str(tiny_encoder), settings.encoder.options)
        for key, value in settings.encoder.options.items():
            assert getattr(encoder.config, key) == value


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("facts", ["retrieved", "all"])
def test_every_corpus_of_facts_is_known_to_what_reads_it(facts, corpus):
    chosen = [f"facts={facts}", f"facts/corpora=[{corpus}]", *CORPORA_NEED.get(corpus, [])]
    options = TrainSettings.from_config(settings_of(*chosen)).facts
    assert options is not None
    assert list(options.corpora) == [corpus]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_key_of_an_experiment_is_known(name):
    TrainSettings.from_config(settings_of(f"experiment={name}"))


def test_every_key_of_train_is_read():
    config = settings_of()
    known = {field.name for field in fields(TrainSettings)} - {"cache_dir"}  # in paths
    assert set(config) == known | {"paths", "run_dir", "stage"}
    everything = "".join(path.read_text() for path in CONF.rglob("*.yaml"))
    for key in config["paths"].keys() - {"cache_dir"}:  # in TrainSettings
        assert f"${{paths.{key}}}" in everything, key
    assert "dir: ${run_dir}" in everything


def test_every_key_of_evaluate_is_read(monkeypatch, data_dir, cache_dir, trained, tmp_path):
    monkeypatch.setenv("KGLM_DATA_DIR", str(data_dir))
    monkeypatch.setenv("KGLM_CACHE_DIR", str(cache_dir))
    with initialize_config_module("kglm.conf", version_base="1.3"):
        composed = compose("evaluate", ["task=csqa", "task.dev_size=8", f"model={trained}"])
    read = set()

    class Recorded(dict):
        def __getitem__(self, key):
            read.add(key)
            return super().__getitem__(key)

        def get(self, key, default=None):
            read.add(key)
            return super().get(key, default)

    config = Recorded(OmegaConf.to_container(composed, resolve=True, throw_on_missing=True))
    qa_evaluation.run(config, tmp_path)
    # An encoder is asked for and is not there with a model; "evaluation" is read by run_evaluation.
    assert read - {"encoder"} == set(config) - {"evaluation"}


def test_evaluate_takes_the_task_of_the_run(kglm, trained):
    assert kglm("evaluate", f"model={trained}") == kglm(
        "evaluate", f"model={trained}", "task=csqa", "task.dev_size=8"
    )


def test_evaluate_repeats_the_scores_of_the_run(kglm, trained, tmp_path):
    splits = json.loads((trained / "metrics.json").read_text())["splits"]
    for split, values in splits.items():
        outcome = kglm(
            "evaluate", f"model={trained}", "task=csqa", "task.dev_size=8", f"split={split}", "predictions=p.jsonl"
        )
        assert outcome.code == 0, outcome.err
        accuracy, questions = re.search(r"accuracy ([\d.]+) % over (\d+) questions", outcome.out).groups()
        assert float(accuracy) == pytest.approx(100 * values["accuracy"], abs=0.05)
        assert int(questions) == values["questions"]
        theirs = [json.loads(line) for line in (trained / f"predictions_{split}.jsonl").read_text().splitlines()]
        mine = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
        assert [row["predicted"] for row in mine] == [row["predicted"] for row in theirs]
