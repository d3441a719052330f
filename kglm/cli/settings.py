"""From a composed configuration to typed, checked settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from kglm.data.task import CommonsenseQATask, JsonlTask, Task
from kglm.errors import ConfigError, UnknownNameError, did_you_mean
from kglm.kg.recipe import GraphRecipe
from kglm.kg.schema_graph import SchemaOptions
from kglm.linking import LexicalLinkerOptions
from kglm.training import TrainingConfig

T = TypeVar("T")

TASKS: dict[str, type[Task]] = {"commonsense_qa": CommonsenseQATask, "jsonl": JsonlTask}


@dataclass(frozen=True, kw_only=True)
class EncoderSettings:
    """Which pretrained encoder, and what of its configuration is changed."""

    name: str
    freeze_word_embeddings: bool
    options: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ReasonerSettings:
    """Which reasoner, its options, and what its schema graphs hold."""

    name: str
    options: Mapping[str, Any]
    schema: SchemaOptions


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Everything ``kglm train`` is told. ``reasoner`` is None for the plain encoder."""

    name: str
    seed: int
    report_splits: tuple[str, ...]
    max_length: int
    workers: int
    cache_dir: Path
    graph: Mapping[str, Any]
    linker: LexicalLinkerOptions
    encoder: EncoderSettings
    reasoner: ReasonerSettings | None
    task: Task
    trainer: TrainingConfig

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TrainSettings:
        """Check a resolved configuration.

        Raises:
            ConfigError: a field is unknown or missing, or its value is not allowed.
        """
        reasoner = dict(config["reasoner"])
        return cls(
            name=str(config["name"]),
            seed=config["seed"],
            report_splits=report_splits(config["report_splits"]),
            max_length=at_least("max_length", config["max_length"], 8),
            workers=at_least("workers", config["workers"], 1),
            cache_dir=Path(config["paths"]["cache_dir"]),
            graph=config["graph"],
            linker=section(LexicalLinkerOptions, config["linker"], "linker"),
            encoder=section(EncoderSettings, config["encoder"], "encoder"),
            reasoner=None if reasoner["name"] is None else _reasoner(reasoner),
            task=task(config["task"]),
            trainer=section(TrainingConfig, {**config["trainer"], "seed": config["seed"]}, "trainer"),
        )

    def recipe(self) -> GraphRecipe:
        """Return how the graph is compiled."""
        return section(GraphRecipe, self.graph, "graph")


def section(cls: type[T], values: Mapping[str, Any], name: str) -> T:
    """Return a dataclass made from a group of the configuration.

    Raises:
        ConfigError: a field is unknown or missing.
    """
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise ConfigError(f"{name} has no field '{key}'{did_you_mean(key, known)} (fields: {', '.join(known)})")
    for key, field in known.items():
        if key not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{name}.{key} is missing")
    return cls(**values)


def task(values: Mapping[str, Any]) -> Task:
    """Return the task that the configuration describes.

    Raises:
        UnknownNameError: there is no such kind of task.
    """
    values = dict(values)
    kind = values.pop("kind")
    if kind not in TASKS:
        raise UnknownNameError("kind of task", str(kind), TASKS)
    return section(TASKS[kind], values, "task")


def at_least(name: str, value: Any, least: int) -> int:
    """Return a whole number of at least ``least``.

    Raises:
        ConfigError: the value is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} is {value!r}; allowed: a whole number of at least {least}")
    return value


def report_splits(names: Any) -> tuple[str, ...]:
    """Return the names of splits, checked.

    Raises:
        UnknownNameError: there is no such split.
    """
    for name in names:
        if name not in Task.SPLITS:
            raise UnknownNameError("split", str(name), Task.SPLITS)
    return tuple(names)


def _reasoner(values: dict[str, Any]) -> ReasonerSettings:
    values["schema"] = section(SchemaOptions, values.get("schema", {}), "reasoner.schema")
    return section(ReasonerSettings, values, "reasoner")
