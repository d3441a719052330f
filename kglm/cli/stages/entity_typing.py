"""A classifier of the types of a mention, several at once, on an encoder with or without entity vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kglm.cli.fusion import Entities, build_model
from kglm.cli.fusion_task_settings import FusionTaskSettings, shared_settings
from kglm.cli.settings import section
from kglm.cli.text_classification import ClassificationRun, refuse_finished, shown
from kglm.data.entity_inputs import TextCollator
from kglm.data.entity_typing import read_typing, to_classification, typing_labels
from kglm.data.text_classification import TextClassificationCollator, TextClassificationDataset
from kglm.encoders import check_max_length
from kglm.models import FusionEncoderForSequenceClassification
from kglm.training import seed_everything
from kglm.training.classification import Classified
from kglm.training.classification_metrics import loose_macro_f1, loose_micro_f1

MEASURES = ("strict_accuracy", "loose_macro_f1", "loose_micro_f1", "loss")


@dataclass(frozen=True, kw_only=True)
class TypingTask:
    """A data set of entity typing; see :func:`kglm.data.entity_typing.read_typing`."""

    name: str
    train: str
    dev: str
    test: str


@dataclass(frozen=True, kw_only=True)
class TypingSettings(FusionTaskSettings):
    """Everything that the stage is told."""

    types: TypingTask

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TypingSettings:
        """Check a resolved configuration.

        Raises:
            ConfigError: a field is unknown or missing, or its value is not allowed.
        """
        shared = shared_settings(config, "types", MEASURES)
        return cls(types=section(TypingTask, config["types"], "types"), **shared)


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Train, select by the dev split, and report the best model on the splits asked for, slice by slice.

    Args:
        config: the resolved configuration; it is kept beside the results.
        output_dir: gets ``best/``, ``last/``, ``metrics.json``, ``predictions_SPLIT.jsonl``, ``tensorboard/`` and
            ``config.json``.

    Returns:
        ``{"dev_strict_accuracy": ..., "dev_loose_macro_f1": ..., "dev_loose_micro_f1": ..., ...}``

    Raises:
        KglmError: the configuration, the data or the graph is not as it must be.
    """
    settings = TypingSettings.from_config(config)
    refuse_finished(output_dir, settings.trainer)
    seed_everything(settings.seed)
    results = prepare(settings).run(config, settings.trainer, settings.report_splits, output_dir)
    print(f"{settings.name}, seed {settings.seed}: {shown(results)}   ({output_dir})")
    return results


def measure(found: Classified) -> dict[str, float]:
    """Return the measures of ERNIE's scorer: strict accuracy, loose macro-F1 and loose micro-F1."""
    gold, predicted = found.label_sets(), found.predicted_sets()
    return {
        "strict_accuracy": sum(a == b for a, b in zip(gold, predicted, strict=True)) / len(gold),
        "loose_macro_f1": loose_macro_f1(gold, predicted).f1,
        "loose_micro_f1": loose_micro_f1(gold, predicted).f1,
    }


def prepare(settings: TypingSettings) -> ClassificationRun:
    """Return the untrained model with its data."""
    entities = Entities.open(settings.entities, settings.graph, settings.cache_dir)
    examples = {name: read_typing(getattr(settings.types, name)) for name in ("train", "dev", "test")}
    labels = typing_labels(examples["train"])
    model, tokenizer = build_model(
        FusionEncoderForSequenceClassification,
        settings.encoder,
        settings.fusion,
        entities,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        problem_type="multi_label_classification",
    )
    check_max_length(settings.max_length, model.config.backbone_config, tokenizer)
    # The plain encoder sees no entities, but its results are told in the same slices.
    names = entities.names if entities else settings.entities.open_names(settings.graph.open(settings.cache_dir))
    parts = {
        name: TextClassificationDataset(to_classification(part, labels, names), tokenizer, settings.max_length)
        for name, part in examples.items()
    }
    return ClassificationRun(
        model=model,
        tokenizer=tokenizer,
        parts=parts,
        collate=TextClassificationCollator(TextCollator(tokenizer, entities.vectors if entities else None)),
        measure=measure,
        labels=labels,
        manifest={
            "task": "entity_typing",
            "max_length": settings.max_length,
            "graph": None if entities is None else entities.graph.fingerprint,
        },
        identity={
            "model": hashlib.sha256(
                json.dumps(model.config.to_dict(), sort_keys=True, default=str).encode()
            ).hexdigest(),
            "max_length": settings.max_length,
            "entities": repr(settings.entities),
        },
    )
