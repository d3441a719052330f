"""Two processes train the model that one trains on the same global batches."""

import json
import os
import subprocess
import sys

import pytest

from kglm.models import KnowledgeQAForMultipleChoice

PLAIN = "from_encoder"
SCRIPT = """
import os, sys
from kglm.models import KnowledgeQAForMultipleChoice as Model
make = Model.from_encoder
Model.from_encoder = lambda encoder, **fields: make(encoder, **{**fields, "head_dropout": 0.0})
from kglm.cli.main import main
main(sys.argv[1:])
"""
OPTIONS = (
    "reasoner.options.dropout=0",  # each process draws its own
    "trainer.max_steps=6",
    "trainer.eval_every=2",
    "trainer.log_every=1",
    "trainer.num_threads=1",
    "trainer.batch_size=3",
)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("script") / "train.py"
    path.write_text(SCRIPT)
    return path


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("fusion", "sharing"),
    [("none", ()), ("ernie", ()), ("none", ("trainer.fsdp=true",))],
    ids=["plain", "fused", "fsdp"],
)
def test_two_processes_are_one_with_the_same_global_batch(
    kglm, tmp_path, csqa, data_dir, tmp_path_factory, script, monkeypatch, fusion, sharing
):
    make = KnowledgeQAForMultipleChoice.from_encoder

    def without_dropout(encoder, **fields):
        return make(encoder, **{**fields, "head_dropout": 0.0})

    monkeypatch.setattr(KnowledgeQAForMultipleChoice, PLAIN, without_dropout)
    # A cache of their own: one of them fills it while the other waits.
    cache = tmp_path_factory.mktemp("cache_of_two")
    environment = {**os.environ, "KGLM_DATA_DIR": str(data_dir), "KGLM_CACHE_DIR": str(cache), "OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(
        [*launch, "train", *csqa, *OPTIONS, *sharing, f"fusion={fusion}", "run_dir=two"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    one = kglm("train", *csqa, *OPTIONS, f"fusion={fusion}", "trainer.gradient_accumulation_steps=2", "run_dir=one")
    assert one.code == 0, one.err

    assert done.stdout.count("dev accuracy") == 1  # the main process's line
    assert done.stderr.count("extracting schema graphs of 28 questions") == 1
    two = tmp_path / "two"
    assert {path.name for path in two.iterdir()} == {path.name for path in (tmp_path / "one").iterdir()}
    assert len(list((two / "tensorboard").iterdir())) == 1
    for mine, theirs in zip(rows(two / "metrics.jsonl"), rows(tmp_path / "one" / "metrics.jsonl"), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-4)
    for split in ("dev", "test"):
        name = f"predictions_{split}.jsonl"
        mine, theirs = rows(two / name), rows(tmp_path / "one" / name)
        assert [row["id"] for row in mine] == [row["id"] for row in theirs]
        for answer, expected in zip(mine, theirs, strict=True):
            assert answer["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-4)
    metrics = [json.loads((folder / "metrics.json").read_text()) for folder in (two, tmp_path / "one")]
    assert [values["num_processes"] for values in metrics] == [2, 1]
    model = KnowledgeQAForMultipleChoice.from_pretrained(two / "best")  # an ordinary bundle, of one process
    assert model.config.architectures == ["KnowledgeQAForMultipleChoice"]
    assert metrics[0]["splits"]["test"]["questions"] == metrics[1]["splits"]["test"]["questions"] > 0
