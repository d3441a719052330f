"""A compiled run trains as an uncompiled one does, and compiles a bounded number of graphs."""

import json

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounter

STEPS = ("trainer.max_steps=8", "trainer.eval_every=4", "trainer.log_every=1", "trainer.num_threads=1")


@pytest.fixture
def graphs(monkeypatch):
    """Let the compiler's first half alone work, which traces and guards, and count the graphs that it makes."""
    torch._dynamo.reset()
    counter, make = CompileCounter(), nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda self, **options: make(self, **options, backend=counter))
    yield counter
    torch._dynamo.reset()


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_compiled_run_is_the_uncompiled_one(kglm, tmp_path, csqa, graphs):
    # Dropout in the head and the reasoner stays on: neither is compiled, so that both runs drop the same.
    for name, compiled in (("plain", "false"), ("compiled", "true")):
        outcome = kglm("train", *csqa, *STEPS, f"trainer.compile={compiled}", f"run_dir={name}")
        assert outcome.code == 0, outcome.err
        # Training and scoring, and in each again where two lengths of the first batch happen to be equal. There are
        # sixty calls of some thirty shapes.
        assert graphs.frame_count == 0 if name == "plain" else 2 <= graphs.frame_count <= 8
    mine, theirs = rows(tmp_path / "compiled" / "metrics.jsonl"), rows(tmp_path / "plain" / "metrics.jsonl")
    assert len(mine) == len(theirs) > 8
    for row, expected in zip(mine, theirs, strict=True):
        assert row == pytest.approx(expected, abs=1e-5)
