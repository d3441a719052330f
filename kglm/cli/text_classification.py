"""What the stages that classify linked texts share: training, selection on dev, and the report on the best model."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator
from torch import nn
from transformers import PreTrainedTokenizerBase

from kglm.cli.settings import RUN_CONFIG
from kglm.data.text_classification import TextClassificationCollator, TextClassificationDataset
from kglm.encoders.digest import weights_digest
from kglm.errors import ConfigError, UnknownNameError
from kglm.files import atomic_write_json, atomic_write_jsonl
from kglm.models.modeling_fusion_encoder import FusionEncoderPreTrainedModel
from kglm.training import (
    Batch,
    JsonlTracker,
    TensorBoardTracker,
    TrainingConfig,
    autocast,
    resolve_precision,
    train,
)
from kglm.training.classification import Classified, classify

logger = logging.getLogger(__name__)

METRICS = "metrics.json"
Measure = Callable[[Classified], dict[str, float]]


@dataclass(frozen=True)
class ClassificationRun:
    """A text classifier with its data, ready to be trained.

    Attributes:
        model: the classifier.
        tokenizer: its tokenizer, saved beside it.
        parts: ``train``, ``dev`` and ``test``.
        collate: makes batches.
        measure: metrics of scored examples.
        labels: names of the labels, in their order.
        manifest: what else a reader of the saved model must know; goes into ``task.json``.
        identity: what else makes the run what it is.
    """

    model: FusionEncoderPreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    parts: Mapping[str, TextClassificationDataset]
    collate: TextClassificationCollator
    measure: Measure
    labels: Sequence[str]
    manifest: Mapping[str, Any]
    identity: Mapping[str, Any]

    def run(
        self,
        config: Mapping[str, Any],
        trainer: TrainingConfig,
        report_splits: Sequence[str],
        output_dir: Path,
    ) -> dict[str, float]:
        """Train, select on dev, and report the best model; see the stages for what is left in ``output_dir``."""
        for name, part in self.parts.items():
            logger.info("%s: %d texts, %d mentions cut off; %s", name, len(part), part.lost, dict(part.slices()))

        def on_dev(model: nn.Module, accelerator: Accelerator) -> dict[str, float]:
            found = classify(model, self._batches("dev", trainer.eval_batch_size), accelerator)
            return {**self.measure(found), "loss": found.loss}

        result = train(
            self.model,
            dataset=self.parts["train"],
            collate=self.collate,
            evaluate=on_dev,
            save_bundle=self._save,
            config=trainer,
            output_dir=output_dir,
            trackers=[JsonlTracker(output_dir / "metrics.jsonl"), TensorBoardTracker(output_dir / "tensorboard")],
            identity={**self.identity, "initial weights": weights_digest(self.model), **self._data_identity()},
        )
        atomic_write_json(output_dir / RUN_CONFIG, dict(config))
        best = type(self.model).from_pretrained(result.best_dir)
        return self._report(best, trainer, report_splits, output_dir)

    def _batches(self, name: str, size: int) -> Iterator[Batch]:
        part = self.parts[name]
        order = np.argsort(part.lengths, kind="stable").tolist()
        for start in range(0, len(order), size):
            yield self.collate([part[index] for index in order[start : start + size]])

    def _save(self, model: nn.Module, folder: Path) -> None:
        model.save_pretrained(folder)  # type: ignore[operator]
        self.tokenizer.save_pretrained(folder)
        atomic_write_json(folder / "task.json", {"labels": list(self.labels), **self.manifest})

    def _data_identity(self) -> dict[str, str]:
        return {
            f"{name} texts": hashlib.sha256(
                json.dumps([[row.text.text, row.label, repr(row.text.mentions)] for row in part.examples]).encode()
            ).hexdigest()
            for name, part in self.parts.items()
        }

    def _report(
        self, model: nn.Module, trainer: TrainingConfig, splits: Sequence[str], output_dir: Path
    ) -> dict[str, float]:
        """Score the best model on the parts asked for, in all and slice by slice."""
        accelerator = Accelerator(mixed_precision="no")
        model.to(accelerator.device)
        precision = resolve_precision(trainer.precision, accelerator.device)
        results: dict[str, Any] = {}
        for name in splits:
            with autocast(precision, accelerator.device):
                found = classify(model, self._batches(name, trainer.eval_batch_size), accelerator)
            slices = {example.id: example.slice for example in self.parts[name].examples}
            results[name] = {**self.measure(found), "loss": found.loss, "texts": len(found.ids)}
            groups = sorted(set(slices.values()))
            results[name]["slices"] = {
                group: self._slice(found, [slices[example] == group for example in found.ids]) for group in groups
            }
            atomic_write_jsonl(output_dir / f"predictions_{name}.jsonl", self._predictions(found, slices))
        metrics = json.loads((output_dir / METRICS).read_text(encoding="utf-8"))
        atomic_write_json(output_dir / METRICS, {**metrics, "splits": results})
        return {
            f"{name}_{metric}": value
            for name, values in results.items()
            for metric, value in values.items()
            if metric not in ("loss", "texts", "slices")
        }

    def _slice(self, found: Classified, members: list[bool]) -> dict[str, float]:
        chosen = np.flatnonzero(members)
        part = Classified(tuple(found.ids[i] for i in chosen), found.logits[chosen], found.labels[chosen], found.loss)
        return {**self.measure(part), "texts": len(chosen)}

    def _predictions(self, found: Classified, slices: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        several = found.labels.ndim == 2
        gold = found.label_sets() if several else [[int(label)] for label in found.labels]
        predicted = found.predicted_sets() if several else [[int(label)] for label in found.predicted]
        for name, right, said in zip(found.ids, gold, predicted, strict=True):
            yield {
                "id": name,
                "slice": slices[name],
                "labels": [self.labels[i] for i in right],
                "predicted": [self.labels[i] for i in said],
                "correct": right == said,
            }


def refuse_finished(output_dir: Path, trainer: TrainingConfig) -> None:
    """Refuse to write over a finished run.

    Raises:
        ConfigError: there is one.
    """
    if (output_dir / METRICS).is_file() and not trainer.resume:
        raise ConfigError(
            f"'{output_dir}' holds a finished run; name another folder with run_dir=..., or remove it first"
        )


def check_metric(trainer: TrainingConfig, known: Sequence[str]) -> TrainingConfig:
    """Refuse a selection metric that the stage does not measure.

    Raises:
        UnknownNameError: with the metrics that it does.
    """
    if trainer.selection_metric not in known:
        raise UnknownNameError("selection_metric", trainer.selection_metric, known)
    return trainer


def shown(results: Mapping[str, float]) -> str:
    """Return metrics as a line for people: ``test accuracy 81.2 %``."""
    return ", ".join(f"{name.replace('_', ' ')} {100 * value:.1f} %" for name, value in results.items())
