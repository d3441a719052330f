"""What every stage that fine-tunes a fusion encoder is told, beside its task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kglm.cli.fusion_settings import EntitySettings, FusionSettings
from kglm.cli.settings import (
    EncoderSettings,
    at_least,
    entity_settings,
    fusion_settings,
    report_splits,
    require_keys,
    section,
    text,
)
from kglm.cli.text_classification import check_metric
from kglm.kg.recipe import GraphRecipe
from kglm.training import TrainingConfig

VALUES = ("stage", "name", "seed", "run_dir", "report_splits", "max_length")
SECTIONS = ("graph", "encoder", "fusion", "entities", "trainer", "paths")


@dataclass(frozen=True, kw_only=True)
class FusionTaskSettings:
    """Settings that these stages share; each adds its task."""

    name: str
    seed: int
    report_splits: tuple[str, ...]
    max_length: int
    cache_dir: Path
    graph: GraphRecipe
    encoder: EncoderSettings
    fusion: FusionSettings
    entities: EntitySettings
    trainer: TrainingConfig


def shared_settings(config: Mapping[str, Any], task: str, measures: Sequence[str]) -> dict[str, Any]:
    """Return the fields of :class:`FusionTaskSettings`, checked.

    Args:
        config: the resolved configuration.
        task: name of the section that describes the task; it is not read.
        measures: what the model may be selected by.

    Raises:
        ConfigError: a field is unknown or missing, or its value is not allowed.
    """
    require_keys(config, VALUES, (*SECTIONS, task))
    seed = at_least("seed", config["seed"], 0)
    trainer = section(TrainingConfig, {**config["trainer"], "seed": seed}, "trainer")
    return {
        "name": text("name", config["name"]),
        "seed": seed,
        "report_splits": report_splits(config["report_splits"]),
        "max_length": at_least("max_length", config["max_length"], 8),
        "cache_dir": Path(text("paths.cache_dir", config["paths"].get("cache_dir"))),
        "graph": section(GraphRecipe, config["graph"], "graph"),
        "encoder": section(EncoderSettings, config["encoder"], "encoder"),
        "fusion": fusion_settings(config["fusion"]),
        "entities": entity_settings(config["entities"]),
        "trainer": check_metric(trainer, measures),
    }
