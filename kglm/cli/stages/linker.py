"""The entity linker on sense-tagged text: examples, training, weights, and the report on the linker."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from safetensors.torch import load_model, save_model
from torch import nn
from transformers import PreTrainedTokenizerBase

from kglm.cli.settings import RUN_CONFIG, EncoderSettings, at_least, require_keys, section, text
from kglm.encoders import TextEncoder, default_device, load_encoder
from kglm.encoders.digest import weights_digest
from kglm.errors import ConfigError, UnknownNameError
from kglm.files import atomic_write_json
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.recipe import GraphRecipe
from kglm.linking.evaluation.sense_tagged import read_sense_tagged
from kglm.linking.evaluation.wsd import WsdReport, describe, evaluate_wsd, judge
from kglm.linking.training.assembly import assemble
from kglm.linking.training.collator import SenseCollator, SenseDataset
from kglm.linking.training.examples import SenseExample, held_out, sense_examples
from kglm.linking.training.measures import METRICS, measure
from kglm.linking.training.modeling import SenseMatcher
from kglm.linking.training.sense_vectors import GLOSS_TOKENS, sense_table, sense_vectors
from kglm.training import JsonlTracker, TensorBoardTracker, TrainingConfig, seed_everything, train

logger = logging.getLogger(__name__)

METRICS_FILE = "metrics.json"
MATCHER = "matcher.safetensors"
LINKER = "linker"


@dataclass(frozen=True, kw_only=True)
class SenseTextSettings:
    """Which sense-tagged text is trained on, and which is reported on; see ``conf/stage/linker.yaml``."""

    train: str
    counted: bool
    sources: tuple[str, ...] | None
    held_out: int
    gold: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class LinkerSettings:
    """Everything that the stage ``linker`` is told."""

    name: str
    seed: int
    cache_dir: Path
    max_length: int
    frozen_layers: int
    graph: GraphRecipe
    encoder: EncoderSettings
    text: SenseTextSettings
    trainer: TrainingConfig

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LinkerSettings:
        """Check a resolved configuration.

        Raises:
            ConfigError: a field is unknown or missing, or its value is not allowed.
        """
        values = ("stage", "name", "seed", "run_dir", "max_length", "frozen_layers")
        require_keys(config, values, ("graph", "encoder", "text", "trainer", "paths"))
        seed = at_least("seed", config["seed"], 0)
        tagged = section(SenseTextSettings, config["text"], "text")
        at_least("text.held_out", tagged.held_out, 2)
        trainer = section(TrainingConfig, {**config["trainer"], "seed": seed}, "trainer")
        if trainer.selection_metric not in METRICS:
            raise UnknownNameError("selection_metric", trainer.selection_metric, METRICS)
        return cls(
            name=text("name", config["name"]),
            seed=seed,
            cache_dir=Path(text("paths.cache_dir", config["paths"].get("cache_dir"))),
            max_length=at_least("max_length", config["max_length"], 8),
            frozen_layers=at_least("frozen_layers", config["frozen_layers"], -1),
            graph=section(GraphRecipe, config["graph"], "graph"),
            encoder=section(EncoderSettings, config["encoder"], "encoder"),
            text=tagged,
            trainer=trainer,
        )


@dataclass(frozen=True)
class Examples:
    """What is trained on, what fits the weights, and what judges."""

    train: list[SenseExample]
    fit: list[SenseExample]
    check: list[SenseExample]


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Train, select by the held-out text, fit the weights, and report the linker on text it has not seen.

    Args:
        config: the resolved configuration; it is kept beside the results.
        output_dir: gets ``linker/`` (the trained linker), ``best/`` and ``last/`` (of the training, for a resume),
            ``metrics.json``, ``metrics.jsonl``, ``tensorboard/`` and ``config.json``.

    Returns:
        ``{"held_out_f1": ..., "held_out_ece": ..., "NAME_f1": ...}`` for the texts reported on.

    Raises:
        KglmError: the configuration, the data or the graph is not as it must be.
    """
    settings = LinkerSettings.from_config(config)
    if (output_dir / METRICS_FILE).is_file() and not settings.trainer.resume:
        raise ConfigError(
            f"'{output_dir}' holds a finished run; name another folder with run_dir=..., or remove it first"
        )
    gold = {name: read_sense_tagged(path) for name, path in settings.text.gold.items()}  # its mistakes show first
    graph = settings.graph.open(settings.cache_dir)
    logger.info("%r", graph)
    examples = read_examples(settings, graph)
    matcher, tokenizer, entities = _train(settings, graph, examples, output_dir)
    atomic_write_json(output_dir / RUN_CONFIG, dict(config))
    vectors = sense_table(graph, _reader(settings), settings.cache_dir).vectors
    reader = TextEncoder(
        matcher.encoder,
        tokenizer,
        name=settings.encoder.name,
        max_length=settings.max_length,
        device=default_device(),
    )
    linker = assemble(graph, reader, matcher.table(vectors, entities), examples.fit)
    linker.save(output_dir / LINKER)
    reports = {"held_out": judge(linker, examples.check)}
    reports |= {name: evaluate_wsd(linker, sentences) for name, sentences in gold.items()}
    return _report(settings, reports, output_dir)


def read_examples(settings: LinkerSettings, graph: KnowledgeGraph) -> Examples:
    """Return the examples of the training text, parted by document."""
    sentences = read_sense_tagged(settings.text.train)
    if settings.text.sources is not None:
        sentences = [one for one in sentences if one.id.startswith(tuple(settings.text.sources))]
    examples = sense_examples(graph, sentences, counted=settings.text.counted)
    kept, held = held_out(examples, settings.text.held_out)
    check, fit = held_out(held, 2)
    for name, part in (("train on", kept), ("fit the weights", fit), ("judge", check)):
        if not part:
            raise ConfigError(f"text.train leaves no document to {name}; it needs 2 * text.held_out of them")
    return Examples(kept, fit, check)


def _train(
    settings: LinkerSettings, graph: KnowledgeGraph, examples: Examples, output_dir: Path
) -> tuple[SenseMatcher, PreTrainedTokenizerBase, Any]:
    """Return the best matcher, its tokenizer, and the entities whose vectors were trained."""
    dataset = SenseDataset(examples.train)
    dev = SenseDataset(examples.fit)
    entities = SenseDataset([*examples.train, *examples.fit], undecided=True).entities()
    vectors = sense_vectors(graph, _reader(settings), settings.cache_dir, entities)
    seed_everything(settings.seed)
    encoder, tokenizer = load_encoder(settings.encoder.name, settings.encoder.options)
    matcher = SenseMatcher(encoder, vectors, frozen_layers=settings.frozen_layers)
    collate = SenseCollator(tokenizer, graph, entities, settings.max_length)

    def dev_metrics(model: nn.Module, accelerator: Accelerator) -> dict[str, float]:
        return measure(model, dev, collate, settings.trainer.eval_batch_size, accelerator.device)

    def save(model: nn.Module, folder: Path) -> None:
        save_model(model, str(folder / MATCHER))

    logger.info("%d sentences to train on, %d to fit on, %d senses", len(dataset), len(dev), len(entities))
    result = train(
        matcher,
        dataset=dataset,
        collate=collate,
        evaluate=dev_metrics,
        save_bundle=save,
        count=lambda batch: len(batch["texts"]),
        identity=_identity(settings, graph, examples, weights_digest(encoder)),
        config=settings.trainer,
        output_dir=output_dir,
        trackers=[JsonlTracker(output_dir / "metrics.jsonl"), TensorBoardTracker(output_dir / "tensorboard")],
    )
    load_model(matcher, str(result.best_dir / MATCHER))
    return matcher, tokenizer, entities


def _identity(settings: LinkerSettings, graph: KnowledgeGraph, examples: Examples, start: str) -> dict[str, Any]:
    """Return what, beside the training settings, makes a run what it is; a resume with another is refused."""
    texts = [[example.text, *(mention.candidates for mention in example.mentions)] for example in examples.train]
    return {
        "graph": graph.fingerprint,
        "initial weights": start,
        "frozen_layers": settings.frozen_layers,
        "max_length": settings.max_length,
        "training text": hashlib.sha256(json.dumps(texts).encode()).hexdigest(),
    }


def _reader(settings: LinkerSettings) -> TextEncoder:
    """Return the encoder as it was pretrained, which reads the glosses."""
    return TextEncoder.load(settings.encoder.name, max_length=GLOSS_TOKENS, device=default_device())


def _report(settings: LinkerSettings, reports: Mapping[str, WsdReport], output_dir: Path) -> dict[str, float]:
    metrics = json.loads((output_dir / METRICS_FILE).read_text(encoding="utf-8"))
    figures = {name: report.metrics() for name, report in reports.items()}
    atomic_write_json(output_dir / METRICS_FILE, {**metrics, "texts": figures})
    print(f"{settings.name}, seed {settings.seed}   ({output_dir})")
    for name, report in reports.items():
        print(describe(report, name))
    return {f"{name}_{key}": values[key] for name, values in figures.items() for key in ("f1", "ece")}
