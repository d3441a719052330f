"""Whether the evidence that a question-answering model shows carries its answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kglm.cli.evaluations.question_answering import load_bundle
from kglm.cli.settings import EvaluateSettings, at_least
from kglm.errors import ConfigError
from kglm.files import atomic_write_jsonl
from kglm.inference.faithfulness import deletion_rows, measure_faithfulness
from kglm.training import new_accelerator


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Delete evidence of the chosen answers, print by how much they are missed, and write a row for each question."""
    own = {"draws": 1, "seed": 0}
    for key in own:
        if key not in config:
            raise ConfigError(f"{key} is missing")
    draws, seed = (at_least(key, config[key], least) for key, least in own.items())
    settings = EvaluateSettings.from_config({key: value for key, value in config.items() if key not in own})
    examples = settings.task.split(settings.split)
    accelerator = new_accelerator()
    results = measure_faithfulness(
        load_bundle(settings),
        examples,
        draws=draws,
        seed=seed,
        batch_size=settings.batch_size,
        cache_dir=settings.cache_dir,
        accelerator=accelerator,
    )
    metrics = {f"{result.kind}_{name}": value for result in results for name, value in result.metrics.items()}
    if not accelerator.is_main_process:  # each of several processes measures all
        return metrics
    if settings.predictions is not None:
        atomic_write_jsonl(settings.predictions, deletion_rows(results))
    for result in results:
        print(f"{settings.task_name}, {settings.split}, {result.describe()}")
    return metrics
