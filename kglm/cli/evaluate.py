"""``kglm evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kglm.cli.hydra_app import run_hydra


def main(arguments: Sequence[str]) -> None:
    """Score a model on a split of a task."""
    run_hydra("evaluate", _run, arguments)


def _run(config: dict[str, Any], output_dir: Path) -> dict[str, float]:
    from kglm.cli.settings import EvaluateSettings
    from kglm.cli.transformers_logging import quiet_transformers
    from kglm.inference.bundle import Bundle
    from kglm.inference.scoring import score
    from kglm.kg import KnowledgeGraph
    from kglm.training import write_predictions

    quiet_transformers()
    settings = EvaluateSettings.from_config(config)
    examples = settings.task.split(settings.split)
    graph = None if settings.graph_dir is None else KnowledgeGraph.open(settings.graph_dir)
    bundle = Bundle.load(settings.model, graph)
    bundle = replace(bundle, pipeline=replace(bundle.pipeline, workers=settings.workers))
    result = score(bundle, examples, batch_size=settings.batch_size, cache_dir=settings.cache_dir)
    if settings.predictions is not None:
        write_predictions(settings.predictions, result.predictions)
    name, split = settings.task_name, settings.split
    labelled = sum(prediction.label is not None for prediction in result.predictions)
    if result.accuracy is None:
        print(f"{name}, {split}: {len(result.predictions)} questions answered; they carry no labels to score")
    else:
        print(f"{name}, {split}: accuracy {100 * result.accuracy:.1f} % over {labelled} questions")
    return result.metrics
