"""A search runs trials of an experiment, goes on after an interruption, and says which settings were best."""

import json
import shlex
import signal

import pytest
from small_world import run_kglm

optuna = pytest.importorskip("optuna", reason="needs kglm[sweep]")

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402

from kglm.cli.sweep.space import first_of, overrides_of, parse_space, split_arguments  # noqa: E402
from kglm.errors import ConfigError  # noqa: E402
from kglm.training import run as training_run  # noqa: E402

SPACE = ("trainer.reasoner_lr=tag(log, interval(1e-4, 1e-1))", "reasoner=none,relation_network")
EVERYDAY = ("experiment=everyday_text", *SPACE, "sweep.dir=found")


def read(folder):
    return json.loads((folder / "sweep.json").read_text())


@pytest.fixture(scope="module")
def found(tmp_path_factory, quick, data_dir, cache_dir):
    """The outcome of a search of three trials, and its folder."""
    folder = tmp_path_factory.mktemp("sweep")
    outcome = run_kglm(("sweep", *EVERYDAY, "sweep.trials=3", *quick), folder, data_dir, cache_dir)
    assert outcome.code == 0, outcome.err
    return outcome, folder / "found"


def test_a_search_keeps_its_trials_and_names_the_best(found, quick, kglm, tmp_path):
    outcome, folder = found
    results = read(folder)
    assert [trial["number"] for trial in results["trials"]] == [0, 1, 2]
    for trial in results["trials"]:
        run = folder / "trials" / f"{trial['number']:04}"
        assert trial["run_dir"] == str(run)
        metrics = json.loads((run / "metrics.json").read_text())
        assert set(metrics["splits"]) == {"dev"}  # the test split is left for the best
        assert trial["value"] == metrics["splits"]["dev"]["accuracy"]
        config = json.loads((run / "config.json").read_text())
        values = dict(item.split("=") for item in trial["overrides"])
        assert config["trainer"]["reasoner_lr"] == float(values["trainer.reasoner_lr"])
        assert (config["reasoner"]["name"] or "none") == values["reasoner"]
    best = results["best"]
    assert best["value"] == max(trial["value"] for trial in results["trials"])
    command = shlex.split(best["command"])
    assert command == ["kglm", "train", "experiment=everyday_text", *quick, *best["overrides"]]
    assert f"best dev_accuracy {best['value']:.4f}: {best['command']}" in outcome.out
    # The command that it names trains that very model.
    assert kglm(*command[1:], "run_dir=again").code == 0
    again = json.loads((tmp_path / "again" / "metrics.json").read_text())
    assert again["splits"]["dev"]["accuracy"] == best["value"]
    assert set(again["splits"]) == {"dev", "test"}


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(found, kglm, tmp_path, quick, monkeypatch):
    advance, left = training_run.TrainingRun._advance, [3]

    def stop(run, window):
        advance(run, window)
        left[0] -= 1
        if left[0] == 0:  # after the first step of the second trial
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(training_run.TrainingRun, "_advance", stop)
        stopped = kglm("sweep", *EVERYDAY, "sweep.trials=2", *quick)
    assert stopped.code == 130
    assert "interrupted; run the same command again" in stopped.err
    assert len(read(tmp_path / "found")["trials"]) == 1
    outcome = kglm("sweep", *EVERYDAY, "sweep.trials=3", *quick)
    assert outcome.code == 0, outcome.err
    assert "after step 1 of 2" in outcome.err  # it went on within the second trial
    mine, theirs = read(tmp_path / "found")["trials"], read(found[1])["trials"]
    for key in ("number", "value", "overrides", "state"):
        assert [trial[key] for trial in mine] == [trial[key] for trial in theirs], key


def test_a_search_of_another_kind_is_refused_and_a_longer_one_goes_on(found, quick, data_dir, cache_dir):
    _, folder = found

    def sweep(*arguments):
        return run_kglm(("sweep", *arguments, "sweep.dir=found", *quick), folder.parent, data_dir, cache_dir)

    assert sweep("experiment=everyday_text", *SPACE, "sweep.trials=3").code == 0  # nothing is left to do
    assert len(read(folder)["trials"]) == 3
    other = sweep("experiment=everyday_text", SPACE[0], "sweep.trials=4")
    assert other.code == 1
    assert "holds another sweep: its params was" in other.err
    other = sweep("experiment=everyday_text", *SPACE, "sweep.trials=4", "max_length=64")
    assert "holds another sweep: its overrides was" in other.err


def test_a_trial_that_fails_is_told_and_the_search_goes_on(kglm, tmp_path, quick):
    outcome = kglm("sweep", "experiment=everyday_text", "max_length=range(64, 2112, 1024)", "sweep.trials=4", *quick)
    assert outcome.code == 0, outcome.err
    (folder,) = (tmp_path / "runs" / "sweeps").iterdir()
    states = {item: trial for trial in read(folder)["trials"] for item in trial["overrides"]}
    assert {item: trial["state"] for item, trial in states.items()} == {
        "max_length=64": "complete",
        "max_length=1088": "fail",
    }
    assert "max_length is 1088; allowed with this encoder" in states["max_length=1088"]["error"]
    assert "failed: max_length is 1088" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "there is nothing to search"),
        (["sweep=learning_rate"], "did you mean 'learning_rates'"),
        (["trainer.encodr_lr=interval(0, 1)"], "has no 'trainer.encodr_lr'; did you mean 'trainer.encoder_lr'"),
        (["seed=0,1", "sweep.metric=test_accuracy"], "settings are chosen by the dev split"),
        (["seed=0,1", "sweep.direction=up"], "unknown sweep.direction 'up'"),
        (["seed=0,1", "sweep.trials=0"], "sweep.trials is 0"),
        (["seed=0,1", "run_dir=here"], "each trial has a folder of its own"),
        (["seed=0,1", "-m"], "kglm sweep takes no -m"),
        (["seed=0,1", "seed=2,3"], "'seed' is given twice"),
        (["name=glob(*)"], "'name=glob(*)' cannot be searched; allowed: interval(low, high)"),
        (["trainer.eps=tag(log, interval(0, 1))"], "cannot be searched"),
        (["+sweep.params.seed=3"], "'seed=3' cannot be searched"),
    ],
)
def test_what_cannot_be_searched_is_refused(kglm, tmp_path, arguments, message):
    outcome = kglm("sweep", "experiment=everyday_text", *arguments)
    assert outcome.code == 1
    assert message in outcome.err
    assert not list(tmp_path.rglob("study.jsonl"))


def test_what_no_stage_returns_ends_the_search(kglm, quick):
    outcome = kglm("sweep", *EVERYDAY, "sweep.metric=dev_f1", *quick)
    assert outcome.code == 1
    assert "unknown sweep.metric 'dev_f1'" in outcome.err


def test_values_are_read_in_the_words_of_hydra():
    words = {
        "a": "interval(0.5, 2)",
        "b": "tag(log, interval(1e-5, 1e-2))",
        "c": "int(interval(1, 9))",
        "d": "range(2, 9, 3)",
        "e": "0.1,0.2",
        "f": "choice([1,2],[3,4])",
        "g": "range(0.1, 0.5, 0.1)",
        "h": "tag(log, range(1, 65))",
    }
    found = parse_space(words)
    assert found["a"] == FloatDistribution(0.5, 2)
    assert found["b"] == FloatDistribution(1e-5, 1e-2, log=True)
    assert found["c"] == IntDistribution(1, 9)
    assert found["d"] == IntDistribution(2, 8, step=3)
    assert found["e"] == CategoricalDistribution(["0.1", "0.2"])
    assert found["f"] == CategoricalDistribution(["[1,2]", "[3,4]"])
    assert (found["g"].low, found["g"].high) == (0.1, pytest.approx(0.4))
    assert found["h"] == IntDistribution(1, 64, log=True)
    assert overrides_of({"a": 1.25e-05, "c": 3, "f": "[1,2]"}) == ["a=1.25e-05", "c=3", "f=[1,2]"]


def test_arguments_are_told_apart():
    plain, searched = split_arguments(["experiment=x", "--cfg", "job", "a=1,2", "+b=interval(0, 1)", "c=[1,2]", "~d"])
    assert plain == ["experiment=x", "--cfg", "job", "c=[1,2]", "~d"]
    assert searched == {"a": "1,2", "+b": "interval(0, 1)"}
    with pytest.raises(ConfigError, match="given twice"):
        split_arguments(["a=1,2", "a=3,4"])
    assert first_of(parse_space(searched)) == ["a=1", "+b=0.0"]
