"""A model that two processes share learns what it learns in one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator, DistributedType
from safetensors.torch import load_file
from torch import nn
from toy_choice import ToyData, ToyModel, collate, config, evaluate_toy, write_bundle
from transformers.modeling_outputs import MultipleChoiceModelOutput

from kglm.errors import ConfigError
from kglm.training import train
from kglm.training.sharding import finish_gradients

SETTINGS = {"batch_size": 3, "max_epochs": 2, "max_grad_norm": 0.05, "eval_every": 2, "num_threads": 1}
SCRIPT = """
import sys
from dataclasses import replace
sys.path.insert(0, sys.argv[1])
from test_sharding import run, settings
from kglm.training import TrainingInterrupted

def stop(report):
    if report.step == 3:
        raise KeyboardInterrupt

for accumulation in (1, 2):
    run(f"whole{accumulation}", settings(accumulation, fsdp=True))
run("resumed", settings(1, fsdp=True), stop)
run("resumed", settings(1, fsdp=True, resume=True))
"""


class ScaledToy(ToyModel):
    """With a parameter that has no axis, and some that are frozen."""

    def __init__(self):
        super().__init__(dropout=0.0)
        self.scale = nn.Parameter(torch.tensor(1.5))
        for bias in (self.encoder[1].bias, self.head.bias):  # the same for all choices: their gradient is rounding
            bias.requires_grad_(False)

    def forward(self, features, num_choices, labels=None):
        found = super().forward(features * self.scale, num_choices, labels)
        return MultipleChoiceModelOutput(loss=found.loss, logits=found.logits)


def settings(accumulation, **fields):
    return config(**SETTINGS, gradient_accumulation_steps=accumulation, **fields)


def run(folder, fields, *callbacks):
    try:
        return train(
            ScaledToy(),
            dataset=ToyData(),
            collate=collate,
            config=fields,
            output_dir=folder,
            evaluate=evaluate_toy,
            save_bundle=write_bundle,
            callbacks=callbacks,
        )
    except KeyboardInterrupt:
        return None


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The folder of the runs of two processes."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "script.py").write_text(SCRIPT)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "script.py"]
    done = subprocess.run(
        [*launch, str(Path(__file__).parent)],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("accumulation", [1, 2])
def test_two_processes_that_share_a_model_are_one(shared, tmp_path, accumulation):
    alone = run(tmp_path / "one", settings(2 * accumulation))
    for name in ("best/model.safetensors", "last/model.safetensors", "last/optimizer.safetensors"):
        mine, theirs = load_file(shared / f"whole{accumulation}" / name), load_file(tmp_path / "one" / name)
        assert mine.keys() == theirs.keys()
        for key, value in theirs.items():
            torch.testing.assert_close(mine[key], value, rtol=1e-4, atol=1e-6)
    assert alone.steps > 3
    assert float(mine["exp_avg/scale"]) != 0
    after = load_file(shared / f"whole{accumulation}" / "last" / "model.safetensors")
    before = ScaledToy().state_dict()
    assert torch.equal(after["head.bias"], before["head.bias"])
    assert not torch.allclose(after["head.weight"], before["head.weight"], atol=1e-2)


def test_a_shared_run_goes_on_where_it_was_stopped(shared):
    for name in ("last/model.safetensors", "last/optimizer.safetensors", "best/model.safetensors"):
        assert (shared / "resumed" / name).read_bytes() == (shared / "whole1" / name).read_bytes(), name


def test_one_process_has_nobody_to_share_with(tmp_path):
    with pytest.raises(ConfigError, match="there is one process, which has nobody to share the model with"):
        run(tmp_path, settings(1, fsdp=True))


def test_the_sharding_of_accelerate_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Accelerator, "distributed_type", DistributedType.FSDP)
    with pytest.raises(ConfigError, match="distributed_type is FSDP; allowed: plain processes, as torchrun starts"):
        run(tmp_path, settings(1))


def test_a_model_that_hides_its_outputs_is_told():
    parameters = [nn.Parameter(torch.ones(2))]
    parameters[0].grad = torch.ones(2)
    with pytest.raises(ConfigError, match="no gradient reaches the parameters"):
        finish_gradients(parameters, 1.0, Accelerator(cpu=True))


def test_a_compiled_model_is_not_shared():
    with pytest.raises(ConfigError, match="fsdp is True; allowed: false, where compile is true"):
        config(fsdp=True, compile=True)
