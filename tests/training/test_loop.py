import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from toy_choice import ToyData, ToyModel, collate, config, evaluate_toy, write_bundle

from kglm.errors import ConfigError, DataError, UnknownNameError
from kglm.training import JsonlTracker, TrainingInterrupted, train

ACCUMULATING = {"gradient_accumulation_steps": 3, "eval_every": 2, "save_every": 4, "max_grad_norm": 0.5}


def run(folder, model=None, data=None, **options):
    settings = options.pop("config", None) or config(**ACCUMULATING)
    options = {"evaluate": evaluate_toy, "save_bundle": write_bundle, **options}
    data = ToyData() if data is None else data
    model = model or ToyModel()
    return train(model, dataset=data, collate=collate, config=settings, output_dir=folder, **options)


def stop_after(step, how):
    def callback(report):
        if report.step == step:
            how()

    return callback


def by_callback():
    raise KeyboardInterrupt


def by_signal():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    model = ToyModel()
    return folder, model, run(folder, model)


def assert_same_run(folder, model, result, uninterrupted):
    whole_folder, whole_model, whole = uninterrupted
    for name, value in whole_model.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name
    for part in ("best/model", "last/model", "last/optimizer", "last/rng"):
        mine, theirs = (load_file(f / f"{part}.safetensors") for f in (folder, whole_folder))
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[key], theirs[key]) for key in theirs), part
    assert result.history == whole.history
    assert (result.best_step, result.steps) == (whole.best_step, whole.steps)
    assert (folder / "metrics.jsonl").read_text() == (whole_folder / "metrics.jsonl").read_text()


# 9 steps of 3 batches or 2, 3 in an epoch: cuts within an epoch, at its end, with and without a save being due
@pytest.mark.parametrize("how", [by_callback, by_signal])
@pytest.mark.parametrize("cuts", [[1], [3], [4], [8], [9], [1, 2, 5]])
def test_interrupted_equals_uninterrupted_bit_for_bit(tmp_path, uninterrupted, cuts, how):
    for i, cut in enumerate(cuts):
        with pytest.raises(TrainingInterrupted, match=f"after step {cut} of 9.*resume=true"):
            run(tmp_path, config=config(**ACCUMULATING, resume=i > 0), callbacks=[stop_after(cut, how)])
    model = ToyModel(seed=5)
    torch.rand(7)
    result = run(tmp_path, model, config=config(**ACCUMULATING, resume=True))
    assert_same_run(tmp_path, model, result, uninterrupted)


@pytest.mark.parametrize("place", ["in_a_save", "in_a_bundle"])
def test_a_kill_in_the_middle_of_a_write_loses_only_the_steps_since_the_last_save(tmp_path, uninterrupted, place):
    script = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_loop as t
from kglm.training import checkpoint
write, calls = checkpoint.atomic_write_json, []
def in_a_save(*args, **options):
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    write(*args, **options)
def in_a_bundle(model, folder):
    t.write_bundle(model, folder)
    if (t.Path({str(tmp_path)!r}) / "last").exists():
        os.kill(os.getpid(), signal.SIGKILL)
if {place!r} == "in_a_save":
    checkpoint.atomic_write_json = in_a_save
    t.run({str(tmp_path)!r})
else:
    t.run({str(tmp_path)!r}, config=t.config(**{{**t.ACCUMULATING, "save_every": 1}}), save_bundle=in_a_bundle)
"""
    # As many threads as here: sums in another order differ in the last bit.
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    killed = subprocess.run([sys.executable, "-c", script], env=environment)
    assert killed.returncode == -signal.SIGKILL
    assert any(path.name.endswith(".tmp") for path in tmp_path.iterdir())
    model = ToyModel(seed=5)
    result = run(tmp_path, model, config=config(**ACCUMULATING, resume=True))
    assert_same_run(tmp_path, model, result, uninterrupted)
    assert {path.name for path in tmp_path.iterdir()} == {"last", "best", "metrics.json", "metrics.jsonl"}


def test_it_learns(tmp_path):
    result = run(tmp_path, config=config(max_epochs=25), data=ToyData(60))
    assert result.history[-1]["metrics"]["loss"] < 0.5 * result.history[0]["metrics"]["loss"]
    assert result.best_metrics["accuracy"] >= 0.75


def test_evaluations_do_not_change_the_training(tmp_path):
    often, never = ToyModel(), ToyModel()
    run(tmp_path / "often", often, config=config(eval_every=1))
    run(tmp_path / "never", never, config=config(), evaluate=None)
    assert all(torch.equal(value, never.state_dict()[name]) for name, value in often.state_dict().items())


def test_a_run_is_a_function_of_its_seed(tmp_path):
    models = [ToyModel() for _ in range(3)]
    for i, (model, seed) in enumerate(zip(models, (0, 0, 1), strict=True)):
        torch.rand(i)
        run(tmp_path / str(i), model, config=config(seed=seed))
    assert torch.equal(models[0].head.weight, models[1].head.weight)
    assert not torch.equal(models[0].head.weight, models[2].head.weight)


def scripted(values):
    """Evaluate to the given values, one after another."""
    values = iter(values)
    return lambda model, accelerator: {"accuracy": next(values)}


def test_patience_ends_the_run_and_the_best_is_kept(tmp_path):
    saved = []
    result = run(
        tmp_path,
        evaluate=scripted([0.1, 0.3, 0.2, 0.3, 0.9]),
        config=config(max_epochs=5, eval_every=2, early_stopping_patience=2),
        save_bundle=lambda model, folder: saved.append(write_bundle(model, folder)),
    )
    assert result.stopped_early
    assert (result.steps, result.best_step, result.best_metrics) == (8, 4, {"accuracy": 0.3})
    assert len(saved) == 2
    again = run(
        tmp_path,
        evaluate=scripted([]),
        config=config(max_epochs=5, eval_every=2, early_stopping_patience=2, resume=True),
    )
    assert (again.steps, again.history, again.stopped_early) == (8, result.history, True)


def test_the_best_may_be_the_least(tmp_path):
    settings = config(selection_mode="min", max_epochs=3)
    assert run(tmp_path, evaluate=scripted([0.2, 0.1, 0.3]), config=settings).best_metrics == {"accuracy": 0.1}


def test_without_evaluation_the_last_step_is_the_bundle(tmp_path):
    model = ToyModel()
    result = run(tmp_path, model, evaluate=None, config=config(max_steps=5))
    assert (result.steps, result.best_step, result.best_metrics, result.history) == (5, 5, {}, ())
    assert torch.equal(load_file(result.best_dir / "model.safetensors")["head.weight"], model.head.weight)


def test_a_metric_that_is_not_finite_is_null_in_json(tmp_path):
    values = scripted([float("nan"), 0.5, float("inf"), 0.1, 0.2])
    result = run(tmp_path, evaluate=values)
    assert [entry["metrics"]["accuracy"] for entry in result.history][:3] == [None, 0.5, None]
    assert json.loads((tmp_path / "metrics.json").read_text())["best_step"] == result.best_step == 4


def test_the_learning_rate_is_tracked_as_it_was_used(tmp_path):
    class Recorder(JsonlTracker):
        def __init__(self):
            self.rows = {}

        def start(self, config, first_step):
            self.first = first_step

        def log(self, metrics, step):
            self.rows.setdefault(step, {}).update(metrics)

        def close(self):
            self.closed = True

    recorder, reports = Recorder(), []
    run(
        tmp_path,
        config=config(max_epochs=1, log_every=1, warmup_fraction=0.25),
        trackers=[recorder],
        callbacks=[reports.append],
    )
    assert recorder.closed
    rates = [recorder.rows[step]["lr/reasoner/decay"] for step in range(1, 9)]
    assert rates == pytest.approx([3e-2 * f for f in (1 / 2, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6)])
    assert [r.learning_rate for r in reports] == pytest.approx([rate / 3 for rate in rates])
    assert [r.loss for r in reports] == [recorder.rows[r.step]["train/loss"] for r in reports]
    assert {"dev/accuracy", "dev/loss", "train/gradient_norm", "train/epoch"} <= recorder.rows[8].keys()


def test_metrics_json_says_what_the_run_gave_and_cost(uninterrupted):
    folder, _, result = uninterrupted
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["dev"] == result.best_metrics
    assert (metrics["steps"], metrics["epochs"], metrics["precision"]) == (9, 3.0, "fp32")
    assert metrics["parameters"]["all"] == sum(p.numel() for p in ToyModel().parameters())
    assert metrics["cpu_seconds"] > 0
    assert {"torch", "transformers", "accelerate", "python"} <= metrics["versions"].keys()


def test_an_old_run_is_neither_overwritten_nor_mistaken(tmp_path):
    run(tmp_path, config=config(max_steps=2))
    with pytest.raises(ConfigError, match=r"holds a run of 2 steps; set trainer\.resume=true"):
        run(tmp_path, config=config(max_steps=2))
    with pytest.raises(ConfigError, match=r"encoder_lr was 0\.01 and is now 0\.5"):
        run(tmp_path, config=config(max_steps=2, encoder_lr=0.5, resume=True))
    with pytest.raises(ConfigError, match="training data was"):
        run(tmp_path, data=ToyData(24), config=config(max_steps=2, resume=True))


def test_resume_without_a_checkpoint_starts_afresh(tmp_path):
    assert run(tmp_path, config=config(max_steps=2, resume=True)).steps == 2


def test_mistakes_are_named(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown selection_metric 'acuracy'; did you mean 'accuracy'"):
        run(tmp_path, config=config(selection_metric="acuracy", max_steps=1))
    with pytest.raises(ConfigError, match="ToyModel has no save_pretrained"):
        run(tmp_path, save_bundle=None)
    with pytest.raises(DataError, match="training set is empty"):
        run(tmp_path, data=ToyData(0))
    with pytest.raises(ConfigError, match="gradient_accumulation_steps is 2; allowed: 1"):
        run(tmp_path, accelerator=Accelerator(gradient_accumulation_steps=2))


def test_threads_and_determinism_are_set(tmp_path):
    run(tmp_path, config=config(max_steps=1, num_threads=1, deterministic=True))
    assert torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled()
