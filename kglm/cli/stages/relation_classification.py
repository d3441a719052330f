"""A classifier of relations between two mentions, on an encoder with or without entity vectors."""

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
from kglm.data.relation_examples import MARKERS
from kglm.data.relation_task import RelationTask
from kglm.data.text_classification import TextClassificationCollator, TextClassificationDataset
from kglm.encoders import check_max_length
from kglm.errors import ConfigError
from kglm.models import FusionEncoderForSequenceClassification
from kglm.training import seed_everything
from kglm.training.classification import Classified
from kglm.training.classification_metrics import accuracy, micro_f1

MEASURES = ("accuracy", "micro_f1", "loss")


@dataclass(frozen=True, kw_only=True)
class RelationSettings(FusionTaskSettings):
    """Everything that the stage is told."""

    relations: RelationTask

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> RelationSettings:
        """Check a resolved configuration.

        Raises:
            ConfigError: a field is unknown or missing, or its value is not allowed.
        """
        shared = shared_settings(config, "relations", MEASURES)
        relations = section(RelationTask, config["relations"], "relations")
        if relations.markers == "tokens" and shared["encoder"].freeze_word_embeddings:
            raise ConfigError(
                "relations.markers is 'tokens' and encoder.freeze_word_embeddings is true: new tokens could not be "
                "learnt. Set the latter to false, or take markers that the vocabulary has ('symbols')"
            )
        return cls(relations=relations, **shared)


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Train, select by the dev split, and report the best model on the splits asked for, slice by slice.

    Args:
        config: the resolved configuration; it is kept beside the results.
        output_dir: gets ``best/`` (model, tokenizer, ``task.json``), ``last/`` (for a resume), ``metrics.json``
            (with the slices by how many of a sentence's two entities the graph has), ``predictions_SPLIT.jsonl``,
            ``tensorboard/`` and ``config.json``.

    Returns:
        ``{"dev_accuracy": ..., "dev_micro_f1": ..., ...}``

    Raises:
        KglmError: the configuration, the data or the graph is not as it must be.
    """
    settings = RelationSettings.from_config(config)
    refuse_finished(output_dir, settings.trainer)
    seed_everything(settings.seed)
    results = prepare(settings).run(config, settings.trainer, settings.report_splits, output_dir)
    print(f"{settings.name}, seed {settings.seed}: {shown(results)}   ({output_dir})")
    return results


def prepare(settings: RelationSettings) -> ClassificationRun:
    """Return the untrained model with its data."""
    task = settings.relations
    entities = Entities.open(settings.entities, settings.graph, settings.cache_dir)
    sentences = task.load()
    labels = task.labels(sentences)
    model, tokenizer = build_model(
        FusionEncoderForSequenceClassification,
        settings.encoder,
        settings.fusion,
        entities,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    check_max_length(settings.max_length, model.config.backbone_config, tokenizer)
    if task.markers == "tokens":
        tokenizer.add_special_tokens({"extra_special_tokens": [m for pair in MARKERS["tokens"] for m in pair]})
        model.resize_token_embeddings(len(tokenizer))
    # The plain encoder sees no entities, but its results are told in the same slices, and on the same sentences.
    names = entities.names if entities else settings.entities.open_names(settings.graph.open(settings.cache_dir))
    parts = {
        name: TextClassificationDataset(task.examples(part, labels, names), tokenizer, settings.max_length)
        for name, part in sentences.items()
    }
    negative = None if task.negative is None else labels.index(task.negative)

    def measure(found: Classified) -> dict[str, float]:
        return {
            "accuracy": accuracy(found.labels, found.predicted),
            "micro_f1": micro_f1(found.labels, found.predicted, negative).f1,
        }

    return ClassificationRun(
        model=model,
        tokenizer=tokenizer,
        parts=parts,
        collate=TextClassificationCollator(TextCollator(tokenizer, entities.vectors if entities else None)),
        measure=measure,
        labels=labels,
        manifest={
            "task": "relation_classification",
            "markers": task.markers,
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
