"""A question-answering model: data, model, training, and the report on the best one."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import nn

from kglm.cli.answering_model import build_bundle
from kglm.cli.run_identity import run_identity
from kglm.cli.settings import RUN_CONFIG, TrainSettings
from kglm.data.pipeline import PreparedQuestions
from kglm.data.task import Examples
from kglm.encoders import default_device
from kglm.encoders.digest import weights_digest
from kglm.errors import ConfigError, DataError
from kglm.files import atomic_write_json
from kglm.inference.bundle import Bundle
from kglm.inference.scoring import batches, score
from kglm.training import (
    JsonlTracker,
    TensorBoardTracker,
    evaluate,
    new_accelerator,
    seed_everything,
    train,
    write_predictions,
)

logger = logging.getLogger(__name__)

METRICS = "metrics.json"


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Train, select by the dev split, and report the best model on the splits asked for.

    Args:
        config: the resolved configuration; it is kept beside the results.
        output_dir: gets ``best/`` (the model bundle), ``last/`` (for a resume), ``metrics.json``,
            ``predictions_SPLIT.jsonl``, ``tensorboard/`` and ``config.json``.

    Returns:
        ``{"dev_accuracy": ..., "test_accuracy": ...}`` for the splits reported.

    Raises:
        KglmError: the configuration, the data or the graph is not as it must be.
    """
    settings = TrainSettings.from_config(config)
    accelerator = new_accelerator()
    if not accelerator.is_main_process:
        logging.getLogger().setLevel(logging.WARNING)
    _refuse_finished(output_dir, settings)
    accelerator.wait_for_everyone()  # before any of them writes there
    splits = settings.task.load()
    _require_labels(splits, {"train", "dev", *settings.report_splits})
    with accelerator.main_process_first():  # the others find in the cache what it made
        seed_everything(settings.seed)
        bundle = build_bundle(settings, splits["train"])
        start = weights_digest(bundle.model)
        counts = [f"{len(examples)} {name}" for name, examples in splits.items()]
        logger.info("preparing %s", ", ".join(counts))
        prepared = _prepare(bundle, settings, {name: splits[name] for name in ("train", "dev")})

    def dev_metrics(model: nn.Module, accelerator: Accelerator) -> dict[str, float]:
        dev = batches(prepared["dev"], settings.trainer.eval_batch_size)
        return evaluate(model, dev, accelerator).metrics

    result = train(
        bundle.model,
        dataset=prepared["train"].dataset,
        collate=prepared["train"].collator,
        evaluate=dev_metrics,
        save_bundle=lambda model, folder: bundle.save(folder),
        identity=run_identity(bundle, {name: splits[name] for name in ("train", "dev")}, start),
        config=settings.trainer,
        output_dir=output_dir,
        trackers=[JsonlTracker(output_dir / "metrics.jsonl"), TensorBoardTracker(output_dir / "tensorboard")],
        accelerator=accelerator,
    )
    if accelerator.is_main_process:
        atomic_write_json(output_dir / RUN_CONFIG, dict(config))
    results = _report(settings, splits, result.best_dir, output_dir, accelerator)
    if accelerator.is_main_process:
        print(f"{settings.name}, seed {settings.seed}: {_line(results)}   ({output_dir})")
    return results


def _prepare(bundle: Bundle, settings: TrainSettings, splits: Mapping[str, Examples]) -> dict[str, PreparedQuestions]:
    """Encode the questions of each split, and all that the model reads with them."""
    prepared = {
        name: bundle.pipeline.prepare(examples, settings.cache_dir, training=name == "train", seed=settings.seed)
        for name, examples in splits.items()
    }
    if bundle.model.reads_vectors:
        for questions in prepared.values():
            questions.read_by(bundle.model.encoder, settings.cache_dir, default_device())
    return prepared


def _line(results: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {100 * value:.1f} %" for name, value in results.items())


def _report(
    settings: TrainSettings,
    splits: Mapping[str, Examples],
    best: Path,
    output_dir: Path,
    accelerator: Accelerator,
) -> dict[str, float]:
    """Score the best model on the splits asked for; write predictions, and add the scores to the metrics."""
    bundle = Bundle.load(best)
    results = {}
    for name in settings.report_splits:
        outcome = score(
            bundle,
            splits[name],
            batch_size=settings.trainer.eval_batch_size,
            cache_dir=settings.cache_dir,
            accelerator=accelerator,
        )
        if accelerator.is_main_process:
            write_predictions(output_dir / f"predictions_{name}.jsonl", outcome.predictions)
        results[name] = {**outcome.metrics, "questions": len(outcome.predictions)}
        logger.info("%s: accuracy %.4f over %d questions", name, outcome.accuracy, len(outcome.predictions))
    if accelerator.is_main_process:
        metrics = json.loads((output_dir / METRICS).read_text(encoding="utf-8"))
        atomic_write_json(output_dir / METRICS, {**metrics, "splits": results})
    return {f"{name}_accuracy": values["accuracy"] for name, values in results.items()}


def _refuse_finished(output_dir: Path, settings: TrainSettings) -> None:
    if (output_dir / METRICS).is_file() and not settings.trainer.resume:
        raise ConfigError(
            f"'{output_dir}' holds a finished run; name another folder with run_dir=..., or remove it first"
        )


def _require_labels(splits: Mapping[str, Examples], names: set[str]) -> None:
    for name in sorted(names):
        unlabelled = next((example.id for example in splits[name] if example.label is None), None)
        if unlabelled is not None:
            raise DataError(f"question '{unlabelled}' of the {name} split has no answerKey, which training needs")
