import gzip
import json

import pytest
from small_world import run_kglm

from kglm.testing.sense_tagged import write_tagged
from kglm.testing.wordnet_samples import table_files, write_files

TINY = ("text.held_out=4", "text.sources=[d]", "frozen_layers=1", "max_length=32", "trainer.max_steps=2")


@pytest.fixture(scope="module")
def sense_data(tmp_path_factory):
    """The sample of WordNet and tagged text in the layout of the external data sets."""
    folder = tmp_path_factory.mktemp("senses")
    write_files(folder / "wordnet", table_files())
    text = write_tagged(folder / "text.jsonl", documents=16).read_bytes()
    (folder / "semcor").mkdir()
    (folder / "semcor" / "semcor3.jsonl.gz").write_bytes(gzip.compress(text))
    write_tagged(folder / "wsd_eval" / "semeval2007.jsonl", documents=2)
    return folder


@pytest.fixture(scope="module")
def command(tmp_path_factory, sense_data, cache_dir):
    folder = tmp_path_factory.mktemp("runs")
    return folder, lambda *arguments: run_kglm(arguments, folder, sense_data, cache_dir)


@pytest.fixture(scope="module")
def trained(command, tiny_encoder):
    folder, kglm = command
    small = ("trainer.batch_size=4", "trainer.eval_batch_size=8", "trainer.precision=fp32")
    arguments = ("train", "experiment=linker_wordnet", f"encoder.name={tiny_encoder}", *TINY, *small, "run_dir=run")
    outcome = kglm(*arguments)
    assert outcome.code == 0, outcome.err
    return folder / "run", outcome, arguments


def test_the_experiment_trains_and_leaves_a_linker(trained, command):
    run, outcome, arguments = trained
    left = {path.name for path in run.iterdir()}
    assert left == {"best", "last", "linker", "tensorboard", "config.json", "metrics.json", "metrics.jsonl"}
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["steps"] == 2
    assert set(metrics["texts"]) == {"held_out", "semeval2007"}
    assert metrics["texts"]["semeval2007"]["instances"] == 16
    assert "semeval2007: F1" in outcome.out
    assert "expected calibration error" in outcome.out
    again = command[1](*arguments)
    assert again.code == 1
    assert "holds a finished run" in again.err


def test_the_saved_linker_gives_the_same_figures(trained, command):
    run, _, _ = trained
    _, kglm = command
    outcome = kglm("evaluate", "evaluation=wsd", f"model={run}", "gold=semeval2007", "predictions=answers.jsonl")
    assert outcome.code == 0, outcome.err
    reported = json.loads((run / "metrics.json").read_text())["texts"]["semeval2007"]
    assert f"semeval2007: F1 {100 * reported['f1']:.1f} over 16 instances" in outcome.out
    assert "mentions not given: precision" in outcome.out
    rows = [json.loads(line) for line in (run.parent / "answers.jsonl").read_text().splitlines()]
    assert sum(row["correct"] for row in rows) / 16 == pytest.approx(reported["f1"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model=nowhere", "no linker is at 'nowhere'"),
        ("gold.path=senseval9.jsonl", "senseval9.jsonl"),
        ("end_to_end=7", "end_to_end is 7; allowed: true, false"),
    ],
)
def test_a_wrong_evaluation_is_refused(command, override, message):
    outcome = command[1]("evaluate", "evaluation=wsd", "gold=semeval2007", override)
    assert outcome.code == 1
    assert message in outcome.err


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("text.held_out=1", "text.held_out is 1; allowed: a whole number of at least 2"),
        ("text.held_out=30", "text.train leaves no document to"),
        ("frozen_layers=-2", "frozen_layers is -2; allowed: a whole number of at least -1"),
        ("trainer.selection_metric=f1", "unknown selection_metric 'f1'"),
        ("text.train=nothing.jsonl", "nothing.jsonl"),
    ],
)
def test_a_wrong_setting_is_refused(command, tiny_encoder, override, message):
    arguments = ("experiment=linker_wordnet", f"encoder.name={tiny_encoder}", *TINY, "run_dir=refused", override)
    outcome = command[1]("train", *arguments)
    assert outcome.code == 1
    assert message in outcome.err
