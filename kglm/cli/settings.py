"""From a composed configuration to typed, checked settings."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from kglm.cli.fusion_settings import SOURCES, AliasSettings, EntitySettings, FusionSettings
from kglm.data.facts import CorpusOptions, FactOptions
from kglm.data.hub_task import HubTask
from kglm.data.synthetic.options import QuestionOptions
from kglm.data.synthetic.task import SyntheticTask
from kglm.data.task import CommonsenseQATask, JsonlTask, Task
from kglm.errors import ConfigError, UnknownNameError, did_you_mean, require_file_place
from kglm.kg.recipe import GraphRecipe
from kglm.kg.schema_graph import SchemaOptions
from kglm.linking import LexicalLinkerOptions
from kglm.models.reasoners import check_reasoner, is_interactive
from kglm.training import EvaluationResult, TrainingConfig

T = TypeVar("T")

RUN_CONFIG = "config.json"

TASKS: dict[str, type[Task]] = {
    "commonsense_qa": CommonsenseQATask,
    "hub": HubTask,
    "jsonl": JsonlTask,
    "synthetic": SyntheticTask,
}
_KINDS: dict[Any, tuple[str, tuple[type, ...]]] = {
    str: ("text", (str,)),
    bool: ("true, false", (bool,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    type(None): ("null", (type(None),)),
    Mapping: ("a group of values", (Mapping,)),
    tuple: ("a list", (list, tuple)),
}


@dataclass(frozen=True, kw_only=True)
class EncoderSettings:
    """Which pretrained encoder, and what of its configuration is changed."""

    name: str
    freeze_word_embeddings: bool
    options: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class AnsweringEncoderSettings(EncoderSettings):
    """What is told of the encoder of a question-answering model, beside what is told of every encoder.

    Attributes:
        frozen: leave it as it is, and read each text once, before training.
        checkpoint: a finished run, or a bundle, whose encoder, cosine scale and weights of the statement in the score
            head are the model's first ones; None starts from the pretrained encoder.
    """

    frozen: bool
    checkpoint: str | None


@dataclass(frozen=True, kw_only=True)
class ReasonerSettings:
    """Which reasoner, its options, what its schema graphs hold, and the embedding that scores their paths, if any."""

    name: str
    options: Mapping[str, Any]
    schema: SchemaOptions
    path_scores: str | None = None


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """What the stage ``question_answering`` is told; ``facts``, ``fusion`` and ``reasoner`` are None where off."""

    name: str
    seed: int
    report_splits: tuple[str, ...]
    max_length: int
    workers: int | str
    cache_dir: Path
    graph: GraphRecipe
    linker: LexicalLinkerOptions
    encoder: AnsweringEncoderSettings
    facts: FactOptions | None
    fusion: FusionSettings | None
    entities: EntitySettings
    reasoner: ReasonerSettings | None
    task: Task
    trainer: TrainingConfig

    def __post_init__(self) -> None:
        if self.encoder.frozen and self.reasoner is not None and is_interactive(self.reasoner.name):
            raise ConfigError(
                f"encoder.frozen is true, and reasoner {self.reasoner.name} speaks with the encoder's layers; "
                "allowed with reasoners that read the statement's vector, or with encoder.frozen=false"
            )
        if (
            self.encoder.frozen
            and self.fusion is not None
            and not (self.fusion.checkpoint or self.encoder.checkpoint)
        ):
            raise ConfigError(
                "encoder.frozen is true, and fusion is on: its new layers would never learn; allowed with "
                "fusion.checkpoint, encoder.checkpoint, or encoder.frozen=false"
            )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TrainSettings:
        """Check a resolved configuration.

        Raises:
            ConfigError: a field is unknown or missing, or its value is not allowed.
        """
        routes = ("facts", "fusion", "entities", "reasoner")
        sections = ("graph", "linker", "encoder", *routes, "task", "trainer", "paths")
        require_keys(config, ("stage", "name", "seed", "run_dir", "report_splits", "max_length", "workers"), sections)
        seed = at_least("seed", config["seed"], 0)
        return cls(
            name=text("name", config["name"]),
            seed=seed,
            report_splits=report_splits(config["report_splits"]),
            max_length=at_least("max_length", config["max_length"], 8),
            workers=feature_workers(config["workers"]),
            cache_dir=Path(text("paths.cache_dir", config["paths"].get("cache_dir"))),
            graph=section(GraphRecipe, config["graph"], "graph"),
            linker=section(LexicalLinkerOptions, config["linker"], "linker"),
            encoder=section(AnsweringEncoderSettings, config["encoder"], "encoder"),
            facts=_facts(config["facts"]),
            **_fused(config["fusion"], config["entities"]),
            reasoner=_reasoner(config["reasoner"]),
            task=task(config["task"]),
            trainer=_trainer({**config["trainer"], "seed": seed}),
        )


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """Everything that an evaluation of question answering is told.

    Attributes:
        model: the model; None for ``encoder``, untrained.
        encoder: None with a model.
        graph_dir: None for the model's own graph.
    """

    model: Path | None
    encoder: EncoderSettings | None
    graph_dir: Path | None
    task: Task
    task_name: str
    split: str
    batch_size: int
    workers: int | str
    predictions: Path | None
    cache_dir: Path

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> EvaluateSettings:
        """Check a resolved configuration.

        Raises:
            ConfigError: a field is unknown or missing, or its value is not allowed.
            DataError: the predictions cannot be written where they are wanted.
        """
        model, encoder = _model_or_encoder(config)
        if "task" not in config and model is not None:
            config = {"task": own_task(model), **config}
        if encoder is not None:
            config = {key: value for key, value in config.items() if key not in ("encoder", "trainer")}
        require_keys(
            config,
            ("evaluation", "model", "graph_dir", "split", "batch_size", "workers", "predictions"),
            ("task", "paths"),
        )
        graph_dir, predictions = config["graph_dir"], config["predictions"]
        return cls(
            model=model,
            encoder=encoder,
            graph_dir=None if graph_dir is None else Path(text("graph_dir", graph_dir)),
            task=task(config["task"]),
            task_name=str(config["task"].get("name")),
            split=report_splits([config["split"]])[0],
            batch_size=at_least("batch_size", config["batch_size"], 1),
            workers=feature_workers(config["workers"]),
            predictions=None if predictions is None else _predictions(text("predictions", predictions)),
            cache_dir=Path(text("paths.cache_dir", config["paths"].get("cache_dir"))),
        )


def _model_or_encoder(config: Mapping[str, Any]) -> tuple[Path | None, EncoderSettings | None]:
    """Return what is evaluated: a trained model, or an encoder as it is.

    Raises:
        ConfigError: neither is named, or both.
    """
    model, encoder = config.get("model"), config.get("encoder")
    if encoder is None:
        return Path(text("model", model)), None
    if model is not None:
        raise ConfigError(f"model is {model!r} and an encoder is named; with encoder=..., model=null")
    if config["graph_dir"] is not None or "task" not in config:
        raise ConfigError("an untrained encoder takes in no graph and has no task; name one with task=... only")
    return None, section(EncoderSettings, encoder, "encoder")


def own_task(model: Path) -> Any:
    """Return the task section of the run that a model comes from.

    Raises:
        ConfigError: the model does not lie in the folder of a run.
    """
    for folder in (model, model.parent):
        path = folder / RUN_CONFIG
        if (folder / "metrics.json").is_file() and path.is_file():
            return json.loads(path.read_text(encoding="utf-8"))["task"]
    raise ConfigError(
        f"no run that tells its task is at '{model}'; name the folder of a run, or a task with task=..."
    )


def require_keys(config: Mapping[str, Any], values: tuple[str, ...], sections: tuple[str, ...]) -> None:
    """Raise where a configuration lacks a key, has one that nothing reads, or a section that is a bare value.

    Raises:
        ConfigError: names the key.
    """
    known = (*values, *sections)
    for key in config:
        if key not in known:
            raise ConfigError(
                f"the configuration has no '{key}'{did_you_mean(key, known)} (keys: {', '.join(known)})"
            )
    for key in known:
        if key not in config:
            raise ConfigError(f"{key} is missing")
    for key in sections:
        if not isinstance(config[key], Mapping):
            raise ConfigError(f"{key} is {config[key]!r}; allowed: a group of values")


def section(cls: type[T], values: Mapping[str, Any], name: str) -> T:
    """Return a dataclass made from a group of the configuration.

    Raises:
        ConfigError: a field is unknown or missing, or its value is of another type.
    """
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise ConfigError(f"{name} has no field '{key}'{did_you_mean(key, known)} (fields: {', '.join(known)})")
    for key, field in known.items():
        if key not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{name}.{key} is missing")
    hints = get_type_hints(cls)
    for key, value in values.items():
        kinds = [
            _KINDS.get(kind) or (kind.__name__, (kind,))
            for kind in _alternatives(hints[key])
            if kind in _KINDS or is_dataclass(kind)
        ]
        if kinds and not any(_is(value, allowed) for _, allowed in kinds):
            raise ConfigError(f"{name}.{key} is {value!r}; allowed: {' or '.join(kind for kind, _ in kinds)}")
    return cls(**values)


def _alternatives(hint: Any) -> list[Any]:
    """Return the plain types that an annotation allows."""
    union = get_origin(hint) in (Union, types.UnionType)
    return [get_origin(part) or part for part in (get_args(hint) if union else (hint,))]


def _is(value: Any, allowed: tuple[type, ...]) -> bool:
    return isinstance(value, allowed) and (bool in allowed or not isinstance(value, bool))


def task(values: Mapping[str, Any]) -> Task:
    """Return the task that the configuration describes.

    Raises:
        UnknownNameError: there is no such kind of task.
    """
    values = dict(values)
    kind = values.pop("kind", None)
    if kind not in TASKS:
        raise UnknownNameError("kind of task", str(kind), TASKS)
    if kind == "synthetic":
        values = _synthetic(values)
    return section(TASKS[kind], values, "task")


def _synthetic(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a synthetic task: which questions are made stands beside its own, and its graph within."""
    own = {field.name for field in fields(SyntheticTask)} - {"options"}
    options = {key: value for key, value in values.items() if key not in own}
    if not isinstance(values.get("graph"), Mapping):
        raise ConfigError(f"task.graph is {values.get('graph')!r}; allowed: a group of values, as of the group graph")
    return {
        **{key: value for key, value in values.items() if key in own},
        "graph": section(GraphRecipe, values["graph"], "task.graph"),
        "options": section(QuestionOptions, options, "task"),
    }


def at_least(name: str, value: Any, least: int) -> int:
    """Return a whole number of at least ``least``.

    Raises:
        ConfigError: the value is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} is {value!r}; allowed: a whole number of at least {least}")
    return value


def feature_workers(value: Any) -> int | str:
    """Return who makes features: a number of threads, or the address of a Dask scheduler.

    Raises:
        ConfigError: the value is something else.
    """
    if isinstance(value, str) and "://" in value:
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(
            f"workers is {value!r}; allowed: a number of threads of at least 1, or the address of a Dask scheduler "
            "such as tcp://host:8786"
        )
    return value


def text(name: str, value: Any) -> str:
    """Return a text that is not empty.

    Raises:
        ConfigError: the value is something else.
    """
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{name} is {value!r}; allowed: text")
    return value


def report_splits(names: Any) -> tuple[str, ...]:
    """Return the names of splits, checked.

    Raises:
        ConfigError: it is not a list.
        UnknownNameError: there is no such split.
    """
    if not isinstance(names, list | tuple):
        raise ConfigError(f"report_splits is {names!r}; allowed: a list of {', '.join(Task.SPLITS)}")
    for name in names:
        if name not in Task.SPLITS:
            raise UnknownNameError("split", str(name), Task.SPLITS)
    return tuple(names)


def _facts(values: Mapping[str, Any]) -> FactOptions | None:
    """Return which facts are read; None where the route is off.

    Raises:
        ConfigError: a field is unknown, or its value is not allowed.
    """
    if values.get("source") is None:
        return None
    corpora = values.get("corpora") or {}
    if not isinstance(corpora, Mapping):
        raise ConfigError(f"facts.corpora is {corpora!r}; allowed: a group of corpora by name")
    read = {name: _corpus(corpus, f"facts.corpora.{name}") for name, corpus in corpora.items()}
    return section(FactOptions, {**values, "corpora": read}, "facts")


def _corpus(values: Any, name: str) -> CorpusOptions:
    if not isinstance(values, Mapping):
        raise ConfigError(f"{name} is {values!r}; allowed: a group of values")
    graph = values.get("graph")
    recipe = None if graph is None else section(GraphRecipe, graph, f"{name}.graph")
    corpus = section(CorpusOptions, {**values, "graph": recipe}, name)
    if corpus.kind == "file" and corpus.path is None:
        raise ConfigError(f"{name}.path is missing; a corpus of kind 'file' needs one")
    return corpus


def fusion_settings(values: Mapping[str, Any]) -> FusionSettings:
    """Return the section ``fusion`` of a stage whose encoder can always take in entities, checked.

    Raises:
        ConfigError: it is off, a field is unknown or missing, or its value is not allowed.
    """
    if values.get("name") is None:
        raise ConfigError("fusion is none; allowed in this stage: ernie, and entities=none for the plain encoder")
    return section(FusionSettings, values, "fusion")


def entity_settings(values: Mapping[str, Any]) -> EntitySettings:
    """Return the section ``entities``, checked.

    Raises:
        ConfigError: a field is unknown or missing, or its value is not allowed.
    """
    settings = section(EntitySettings, {**values, "aliases": None}, "entities")
    aliases = values.get("aliases")
    if aliases is None:
        return settings
    if not isinstance(aliases, Mapping):
        raise ConfigError(f"entities.aliases is {aliases!r}; allowed: null or a group of values")
    return replace(settings, aliases=section(AliasSettings, aliases, "entities.aliases"))


def _fused(fusion: Mapping[str, Any], entities: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the fusion route; where it is off, ``entities`` are read for their names only."""
    known = entity_settings(entities)
    if fusion.get("name") is None:
        return {"fusion": None, "entities": known}
    if known.source == "none":
        raise ConfigError(f"entities.source is 'none'; allowed with a fusion: {', '.join(SOURCES[1:])}")
    if known.aliases is not None:
        raise ConfigError("entities.aliases is set; allowed in question answering: null, for a linker finds them")
    return {"fusion": fusion_settings(fusion), "entities": known}


def _reasoner(values: Mapping[str, Any]) -> ReasonerSettings | None:
    """Return the reasoner's settings, or None where it is off; its options are checked before any work."""
    if values.get("name") is None:
        return None
    schema = section(SchemaOptions, values.get("schema") or {}, "reasoner.schema")
    settings = section(ReasonerSettings, {"options": {}, **values, "schema": schema}, "reasoner")
    check_reasoner({"name": settings.name, "entity_dim": 1, "num_relations": 1, **settings.options})
    if schema.source == "neighbors" and settings.path_scores is not None:
        raise ConfigError("reasoner.path_scores is set; allowed with reasoner.schema.source=paths only")
    return settings


def _trainer(values: Mapping[str, Any]) -> TrainingConfig:
    config = section(TrainingConfig, values, "trainer")
    if config.selection_metric not in EvaluationResult.METRICS:
        raise UnknownNameError("selection_metric", config.selection_metric, EvaluationResult.METRICS)
    return config


def _predictions(name: str) -> Path:
    return require_file_place(name, "file for predictions")
