"""Time training steps of the model with all routes of knowledge against those of the text-only one.

Usage: ``python scripts/benchmark/training_throughput.py --data-dir DIR [--full EXPERIMENT] [--clock wall]``. Both
train on the same questions of CommonsenseQA, in turns, on one thread unless ``--threads`` says otherwise. A step is
all that the loop does in it: the batch, of similar lengths as the model reads them, is made, read forward and
backward, and the optimizer steps. A turn is a step of each, so that a busy machine slows both, and CPU-seconds are
taken. A line for each turn goes to stderr; the last line on stdout is one JSON object: ``ratio_full_vs_text`` is the
steps per second of the full model over those of the text-only one, over all turns. ``--turns`` should be a multiple
of the number of batches, for each then counts the same batches. The models are those of the experiments; the vectors
of entities are random, for their values do not matter to the time.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

import kglm.cli.fusion
from kglm.cli import answering_model, hydra_app  # noqa: F401 - its import registers the resolvers of the configuration
from kglm.cli.settings import TrainSettings
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.embeddings.entity_table import EntityTable
from kglm.encoders import TextEncoder
from kglm.errors import KglmError
from kglm.kg import KnowledgeGraph
from kglm.training import LengthGroupedBatchSampler, number_of_questions, seed_everything
from kglm.training.memory import keep_freed_memory
from kglm.training.optimization import build_optimizer
from kglm.training.step import optimizer_step
from kglm.training.windows import Window

Step = Callable[[int], None]
CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}


def main() -> int:
    """Print the figures as JSON; return 1 where the data are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder with conceptnet/ and commonsense_qa/")
    parser.add_argument("--full", default="csqa_all", help="experiment of the full model")
    parser.add_argument("--text", default="csqa_text", help="experiment of the text-only model")
    parser.add_argument("--encoder", help="name of another encoder than the experiments'")
    parser.add_argument("--batch", type=int, default=16, help="questions of a step")
    parser.add_argument("--questions", type=int, default=512, help="of which the batches are made")
    parser.add_argument("--turns", type=int, default=32, help="measured ones, of a step each, after one that is not")
    parser.add_argument("--clock", choices=CLOCKS, default="cpu", help="CPU-seconds of the process, or wall time")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    try:
        print(json.dumps(measure(arguments)))
    except KglmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Time both models in turns, and return the figures."""
    with tempfile.TemporaryDirectory() as cache:
        settings = {kind: read_settings(getattr(arguments, kind), arguments, cache) for kind in ("text", "full")}
        examples = settings["text"].task.split("train")[: arguments.questions]
        steps = {kind: make_step(settings[kind], examples, arguments.batch) for kind in settings}
        clock = CLOCKS[arguments.clock]
        seconds: dict[str, list[float]] = {kind: [] for kind in steps}
        for turn in range(arguments.turns + 1):
            for kind, step in steps.items():
                start = clock()
                step(turn)
                seconds[kind].append(clock() - start)
            print(", ".join(f"{kind} {times[-1]:.3f} s" for kind, times in seconds.items()), file=sys.stderr)
    measured = {kind: times[1:] for kind, times in seconds.items()}
    return {
        **{name: str(value) if isinstance(value, Path) else value for name, value in vars(arguments).items()},
        **{f"{kind}_seconds": [round(second, 4) for second in times] for kind, times in measured.items()},
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "ratio_full_vs_text": round(sum(measured["text"]) / sum(measured["full"]), 3),
    }


def read_settings(experiment: str, arguments: argparse.Namespace, cache: str) -> TrainSettings:
    """Return what ``kglm train experiment=...`` would be told."""
    overrides = [f"experiment={experiment}", f"paths.data_dir={arguments.data_dir.absolute()}", "task.dev_size=1"]
    overrides += [f"encoder.name={arguments.encoder}"] if arguments.encoder else []
    with initialize_config_module("kglm.conf", version_base="1.3"):
        composed = compose("train", overrides)
    settings = TrainSettings.from_config(OmegaConf.to_container(composed, resolve=True))  # type: ignore[arg-type]
    return replace(settings, cache_dir=Path(cache))


def make_step(settings: TrainSettings, examples: list[MultipleChoiceExample], batch_size: int) -> Step:
    """Return a function that takes the n-th training step."""
    answering_model.label_table = kglm.cli.fusion.text_table = random_table  # type: ignore[assignment]
    seed_everything(0)
    bundle = answering_model.build_bundle(settings, examples)
    prepared = bundle.pipeline.prepare(examples, settings.cache_dir, training=True)
    model, accelerator = bundle.model.train(), Accelerator(cpu=True)
    optimizer = build_optimizer(model, settings.trainer)
    batches = list(LengthGroupedBatchSampler(prepared.dataset.lengths, batch_size, seed=0))

    def step(number: int) -> None:
        batch = prepared.collator([prepared.dataset[i] for i in batches[number % len(batches)]])
        optimizer_step(
            model,
            Window(0, [batch]),
            optimizer,
            accelerator,
            count=number_of_questions,
            max_grad_norm=settings.trainer.max_grad_norm,
        )

    return step


def random_table(graph: KnowledgeGraph, reader: TextEncoder, *others: object, **options: object) -> EntityTable:
    """Return vectors of the encoder's dimension for all entities."""
    vectors = np.random.default_rng(0).normal(scale=0.05, size=(graph.num_entities, reader.dim)).astype(np.float16)
    return EntityTable({"textual": vectors}, graph.fingerprint, {"kind": "random"})


if __name__ == "__main__":
    sys.exit(main())
