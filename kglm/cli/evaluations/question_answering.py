"""Accuracy of a question-answering model, trained or an encoder as it is, on a split of a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kglm.cli.settings import EvaluateSettings
from kglm.inference.bundle import Bundle
from kglm.inference.scoring import score
from kglm.kg import KnowledgeGraph
from kglm.training import new_accelerator, write_predictions


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Score a model on a split of a task; predictions are written where they are wanted."""
    settings = EvaluateSettings.from_config(config)
    examples = settings.task.split(settings.split)
    bundle = load_bundle(settings)
    accelerator = new_accelerator()
    options = {"batch_size": settings.batch_size, "cache_dir": settings.cache_dir, "accelerator": accelerator}
    result = score(bundle, examples, **options)
    if not accelerator.is_main_process:
        return result.metrics
    if settings.predictions is not None:
        write_predictions(settings.predictions, result.predictions)
    name, split = settings.task_name, settings.split
    labelled = sum(prediction.label is not None for prediction in result.predictions)
    if result.accuracy is None:
        print(f"{name}, {split}: {len(result.predictions)} questions answered; they carry no labels to score")
    else:
        print(f"{name}, {split}: accuracy {100 * result.accuracy:.1f} % over {labelled} questions")
    return result.metrics


def load_bundle(settings: EvaluateSettings) -> Bundle:
    """Return the model that is evaluated."""
    if settings.model is None:
        assert settings.encoder is not None
        return Bundle.of_encoder(settings.encoder.name, settings.encoder.options)
    graph = None if settings.graph_dir is None else KnowledgeGraph.open(settings.graph_dir)
    bundle = Bundle.load(settings.model, graph)
    return replace(bundle, pipeline=replace(bundle.pipeline, workers=settings.workers))
