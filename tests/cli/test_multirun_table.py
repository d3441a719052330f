import json
import math
import os
import random
import re
import subprocess
import sys

import pytest

from kglm.cli.multirun_table import draw, row_names, summarize


def test_a_sweep_prints_and_keeps_mean_and_deviation(kglm, tmp_path, quick):
    # Hydra checks the overrides before it knows the experiment: the task must be named to change a field of it.
    sweep = ("experiment=csqa_text,csqa_kagnet", "seed=0,1", "task=csqa", "task.dev_size=8")
    outcome = kglm("train", "-m", *sweep, *quick, "hydra.sweep.dir=sweep")
    assert outcome.code == 0, outcome.err
    rows = json.loads((tmp_path / "sweep" / "summary.json").read_text())
    assert [(row["experiment"], row["seeds"]) for row in rows] == [("csqa_text", [0, 1]), ("csqa_kagnet", [0, 1])]
    assert "mean ± deviation over seeds" in outcome.out
    for number, row in enumerate(rows):
        runs = [tmp_path / "sweep" / f"{2 * number + seed}_{row['experiment']}_seed{seed}" for seed in (0, 1)]
        for split in ("dev", "test"):
            values = [json.loads((run / "metrics.json").read_text())["splits"][split]["accuracy"] for run in runs]
            mean, deviation = sum(values) / 2, abs(values[0] - values[1]) / math.sqrt(2)
            assert row["metrics"][f"{split}_accuracy"] == pytest.approx({"mean": mean, "deviation": deviation})
            line = next(
                line for line in outcome.out.splitlines() if re.search(rf"│ {row['experiment']} +│ 0, 1", line)
            )
            assert f"{100 * mean:.1f} ± {100 * deviation:.1f}" in line
    assert json.loads((runs[0] / "config.json").read_text())["seed"] == 0


def test_a_sweep_goes_on_after_a_job_that_cannot_run(kglm, tmp_path, quick):
    outcome = kglm(
        "train", "-m", "experiment=csqa_text", "task.dev_size=99,8,88", *quick, "hydra.sweep.dir=sweep"
    )  # 36 ids are listed
    assert outcome.code == 1
    assert "job 0 failed: task dev_size is 99" in outcome.err
    assert (
        "kglm: error: 2 jobs of the sweep failed; the first one: task dev_size is 99" in outcome.err.splitlines()[-1]
    )
    (row,) = json.loads((tmp_path / "sweep" / "summary.json").read_text())
    assert row["seeds"] == [0]
    assert sorted(path.name for path in (tmp_path / "sweep").iterdir() if path.is_dir()) == ["1_csqa_text_seed0"]


def test_summary_equals_a_naive_computation():
    rng = random.Random(0)
    results = [
        (name, seed, {"dev_accuracy": rng.random(), "test_accuracy": rng.random()})
        for seed in range(5)
        for name in ("a", "b")
    ]
    rows = summarize(results)
    assert [row["experiment"] for row in rows] == ["a", "b"]
    for row in rows:
        assert row["seeds"] == [0, 1, 2, 3, 4]
        for metric, value in row["metrics"].items():
            values = [metrics[metric] for name, _, metrics in results if name == row["experiment"]]
            mean = sum(values) / 5
            assert value["mean"] == pytest.approx(mean)
            assert value["deviation"] == pytest.approx(math.sqrt(sum((v - mean) ** 2 for v in values) / 4))


def test_one_seed_has_no_deviation():
    (row,) = summarize([("a", 3, {"dev_accuracy": 0.5})])
    assert row == {"experiment": "a", "seeds": [3], "metrics": {"dev_accuracy": {"mean": 0.5, "deviation": None}}}
    assert list(draw([row]).columns[2].cells) == ["50.0"]


def test_a_row_is_an_experiment_with_the_settings_in_which_jobs_differ():
    jobs = [
        [f"experiment={e}", "workers=1", f"seed={s}", lr] for e in "ab" for s in (0, 1) for lr in ("lr=1", "lr=2")
    ]
    names = row_names([job[0][-1] for job in jobs], jobs)
    assert names == ["a lr=1", "a lr=2"] * 2 + ["b lr=1", "b lr=2"] * 2
    assert row_names(["a", "a"], [["experiment=a", "seed=0"], ["experiment=a", "seed=1"]]) == ["a", "a"]


def test_jobs_of_another_launcher_come_into_the_table_too(tmp_path, data_dir, cache_dir, quick):
    """As on a cluster, each job in a process of its own, which leaves its result in the sweep's folder."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="needs kglm[submitit]")
    launcher = ("hydra/launcher=submitit_local", "hydra.launcher.timeout_min=5")
    sweep = ("experiment=csqa_text", "seed=0,1", "task=csqa", "task.dev_size=8", "hydra.sweep.dir=sweep")
    environment = {**os.environ, "KGLM_DATA_DIR": str(data_dir), "KGLM_CACHE_DIR": str(cache_dir)}
    command = [sys.executable, "-m", "kglm.cli.main", "train", "-m", *launcher, *sweep, *quick]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads((tmp_path / "sweep" / "summary.json").read_text())
    assert row["seeds"] == [0, 1]
    assert "mean ± deviation over seeds" in done.stdout
