"""An interrupted run that is resumed is the run that was never interrupted."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from kglm.training import run as training_run

FREE = {"seconds", "cpu_seconds", "peak_memory"}
# One thread: another process may share out the work of several otherwise, and sums then differ in the last bit.
STEPS = (
    "trainer.max_steps=6",
    "trainer.eval_every=2",
    "trainer.save_every=2",
    "trainer.log_every=1",
    "trainer.num_threads=1",
)


def assert_same_run(one, other):
    assert (one / "best" / "model.safetensors").read_bytes() == (other / "best" / "model.safetensors").read_bytes()
    for name in ("model", "optimizer", "rng"):
        mine, theirs = (folder / "last" / f"{name}.safetensors" for folder in (one, other))
        assert mine.read_bytes() == theirs.read_bytes(), name
    for split in ("dev", "test"):
        mine, theirs = (folder / f"predictions_{split}.jsonl" for folder in (one, other))
        assert mine.read_text() == theirs.read_text()
    assert (one / "metrics.jsonl").read_text() == (other / "metrics.jsonl").read_text()
    metrics = [json.loads((folder / "metrics.json").read_text()) for folder in (one, other)]
    assert metrics[0].keys() == metrics[1].keys()
    for key in metrics[0].keys() - FREE - {"config"}:
        assert metrics[0][key] == metrics[1][key], key


@pytest.fixture(scope="module")
def arguments(csqa):
    return ("train", *csqa, *STEPS)


@pytest.fixture
def whole(kglm, tmp_path, arguments):
    assert kglm(*arguments, "run_dir=whole").code == 0
    return tmp_path / "whole"


@pytest.mark.parametrize("steps", [[1], [2], [1, 4]], ids=str)
def test_resumed_equals_uninterrupted_bit_for_bit(kglm, tmp_path, monkeypatch, arguments, whole, steps):
    advance = training_run.TrainingRun._advance

    def stopping_after(step):
        def stop(run, window):
            advance(run, window)
            if run.state.step == step:
                signal.raise_signal(signal.SIGTERM)

        return stop

    for number, step in enumerate(steps):
        with monkeypatch.context() as patch:
            patch.setattr(training_run.TrainingRun, "_advance", stopping_after(step))
            stopped = kglm(*arguments, "run_dir=run", *["trainer.resume=true"] * (number > 0))
        assert stopped.code == 130
        assert f"kglm: stopped by SIGTERM after step {step} of 6" in stopped.err.splitlines()[-1]
        assert "resume=true" in stopped.err
        assert not (tmp_path / "run" / "metrics.json").exists()
    again = kglm(*arguments, "run_dir=run")
    assert again.code == 1
    assert f"holds a run of {steps[-1]} steps; set trainer.resume=true to go on" in again.err
    resumed = kglm(*arguments, "run_dir=run", "trainer.resume=true")
    assert resumed.code == 0, resumed.err
    assert_same_run(tmp_path / "run", whole)


def test_a_killed_process_goes_on_where_it_stood(kglm, tmp_path, data_dir, cache_dir, arguments, whole):
    """As a user meets it: another process, stopped from outside by SIGTERM."""
    waiting = (
        "import sys, time\n"
        "from kglm.training import run\n"
        "advance = run.TrainingRun._advance\n"
        "def slowly(self, window):\n"
        "    advance(self, window)\n"
        "    open('step', 'w').close()\n"
        "    while self.state.step == 3 and not stopped(): time.sleep(0.01)\n"
        "def stopped():\n"
        "    import signal\n"
        "    return signal.getsignal(signal.SIGTERM).__self__.requested\n"
        "run.TrainingRun._advance = slowly\n"
        "from kglm.cli.main import main\n"
        "main(sys.argv[1:])\n"
    )
    environment = {**os.environ, "KGLM_DATA_DIR": str(data_dir), "KGLM_CACHE_DIR": str(cache_dir)}
    command = [sys.executable, "-c", waiting, *arguments, "run_dir=run"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "step").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.terminate()
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "kglm: stopped by SIGTERM after step" in errors
    resumed = kglm(*arguments, "run_dir=run", "trainer.resume=true")
    assert resumed.code == 0, resumed.err
    assert_same_run(tmp_path / "run", whole)


def test_a_run_killed_at_random_steps_gives_the_same_metrics(tmp_path, kglm, data_dir, cache_dir, arguments, whole):
    """SIGKILL in the middle of a step, twice: what was done since the last save is done again."""
    killed_at = (
        "import os, signal, sys\n"
        "from kglm.training import run\n"
        "step, taken, last = run.optimizer_step, [], int(sys.argv[1])\n"
        "def deadly(*arguments, **options):\n"
        "    taken.append(step(*arguments, **options))\n"
        "    if len(taken) == last: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return taken[-1]\n"
        "run.optimizer_step = deadly\n"
        "from kglm.cli.main import main\n"
        "main(sys.argv[2:])\n"
    )
    environment = {**os.environ, "KGLM_DATA_DIR": str(data_dir), "KGLM_CACHE_DIR": str(cache_dir)}
    rng = random.Random(4)
    for _ in range(2):  # each gets to the next save, or dies before
        steps = str(rng.randint(1, 4))
        command = [sys.executable, "-c", killed_at, steps, *arguments, "run_dir=run", "trainer.resume=true"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=120, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert not (tmp_path / "run" / "metrics.json").exists()
    resumed = kglm(*arguments, "run_dir=run", "trainer.resume=true")
    assert resumed.code == 0, resumed.err
    assert_same_run(tmp_path / "run", whole)


def test_resuming_a_finished_run_only_reports_again(kglm, tmp_path, arguments, whole):
    before = (whole / "best" / "model.safetensors").read_bytes(), (whole / "predictions_test.jsonl").read_bytes()
    outcome = kglm(*arguments, "run_dir=whole", "trainer.resume=true")
    assert outcome.code == 0, outcome.err
    assert (
        (whole / "best" / "model.safetensors").read_bytes(),
        (whole / "predictions_test.jsonl").read_bytes(),
    ) == before
    assert json.loads((whole / "metrics.json").read_text())["steps"] == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [("trainer.encoder_lr=0.1", "encoder_lr was 0.0001 and is now 0.1"), ("seed=1", "seed was 0 and is now 1")],
)
def test_another_run_is_not_resumed(kglm, arguments, whole, change, message):
    outcome = kglm(*arguments, "run_dir=whole", "trainer.resume=true", change)
    assert outcome.code == 1
    assert message in outcome.err.splitlines()[-1]
