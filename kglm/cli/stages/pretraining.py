"""Pretraining of a fusion encoder: masked tokens, denoised entities, pairs of sentences, mixed by weights."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator
from torch import nn
from transformers import PreTrainedTokenizerBase

from kglm.cli.fusion import Entities, build_model
from kglm.cli.fusion_settings import EntitySettings, FusionSettings
from kglm.cli.settings import (
    RUN_CONFIG,
    EncoderSettings,
    at_least,
    entity_settings,
    fusion_settings,
    require_keys,
    section,
    text,
)
from kglm.cli.text_classification import METRICS, check_metric, refuse_finished
from kglm.data.pretraining.collator import PretrainingCollator
from kglm.data.pretraining.corpus_recipe import CorpusContext, CorpusRecipe
from kglm.data.pretraining.entity_noise import EntityNoise
from kglm.data.pretraining.masking import TokenMasking
from kglm.data.pretraining.sequences import SENTENCE_OBJECTIVES, PackedDataset
from kglm.data.pretraining.token_corpus import TokenCorpus
from kglm.encoders import check_max_length
from kglm.encoders.digest import weights_digest
from kglm.errors import ConfigError, DataError, UnknownNameError
from kglm.files import atomic_write_json
from kglm.kg.recipe import GraphRecipe
from kglm.linking import LexicalLinker, LexicalLinkerOptions
from kglm.models import FusionEncoderForPreTraining
from kglm.training import (
    Batch,
    JsonlTracker,
    TensorBoardTracker,
    Tracker,
    TrainingConfig,
    seed_everything,
    train,
)
from kglm.training.objectives import ObjectiveLog, measure_objectives

logger = logging.getLogger(__name__)

VALUES = ("stage", "name", "seed", "run_dir", "max_length", "held_out")
SECTIONS = ("graph", "linker", "encoder", "fusion", "entities", "corpus", "objectives", "trainer", "paths")
MEASURES = ("loss", "token_loss", "token_accuracy", "entity_loss", "entity_accuracy", "sentence_loss",
            "sentence_accuracy")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """What is predicted, and how much each objective weighs; a weight of 0 leaves it out.

    Attributes:
        token_weight: of masked tokens.
        entity_weight: of denoised entities (dEA).
        sentence_weight: of pairs of sentences.
        sentences: which pairs: "none", "order" or "next".
        cross_documents: let sequences span documents.
        mentions_only: leave out sequences without a mention.
        masking: how tokens are masked.
        entity_noise: how entities are corrupted.
    """

    token_weight: float
    entity_weight: float
    sentence_weight: float
    sentences: str
    cross_documents: bool
    mentions_only: bool
    masking: Mapping[str, Any]
    entity_noise: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.sentences not in SENTENCE_OBJECTIVES:
            raise UnknownNameError("objective of sentences", self.sentences, SENTENCE_OBJECTIVES)
        if (self.sentence_weight > 0) != (self.sentences != "none"):
            raise ConfigError(
                f"objectives.sentences is '{self.sentences}' and objectives.sentence_weight {self.sentence_weight}; "
                "allowed: 'none' with 0, or another with more"
            )
        if self.token_weight == self.entity_weight == self.sentence_weight == 0:
            raise ConfigError("every weight of the objectives is 0; allowed: at least one above it")


@dataclass(frozen=True, kw_only=True)
class PretrainingSettings:
    """Everything that the stage is told."""

    name: str
    seed: int
    max_length: int
    held_out: float
    cache_dir: Path
    graph: GraphRecipe
    linker: LexicalLinkerOptions
    encoder: EncoderSettings
    fusion: FusionSettings
    entities: EntitySettings
    corpus: CorpusRecipe
    objectives: ObjectiveSettings
    masking: TokenMasking
    noise: EntityNoise
    trainer: TrainingConfig

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> PretrainingSettings:
        """Check a resolved configuration.

        Raises:
            ConfigError: a field is unknown or missing, or its value is not allowed.
        """
        require_keys(config, VALUES, SECTIONS)
        seed = at_least("seed", config["seed"], 0)
        trainer = section(TrainingConfig, {**config["trainer"], "seed": seed}, "trainer")
        objectives = section(ObjectiveSettings, config["objectives"], "objectives")
        return cls(
            name=text("name", config["name"]),
            seed=seed,
            max_length=at_least("max_length", config["max_length"], 8),
            held_out=_share("held_out", config["held_out"]),
            cache_dir=Path(text("paths.cache_dir", config["paths"].get("cache_dir"))),
            graph=section(GraphRecipe, config["graph"], "graph"),
            linker=section(LexicalLinkerOptions, config["linker"], "linker"),
            encoder=section(EncoderSettings, config["encoder"], "encoder"),
            fusion=fusion_settings(config["fusion"]),
            entities=entity_settings(config["entities"]),
            corpus=section(CorpusRecipe, config["corpus"], "corpus"),
            objectives=objectives,
            masking=section(TokenMasking, objectives.masking, "objectives.masking"),
            noise=section(EntityNoise, objectives.entity_noise, "objectives.entity_noise"),
            trainer=check_metric(trainer, MEASURES),
        )


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Pretrain, and measure each objective on the held-out documents before, meanwhile and after.

    Args:
        config: the resolved configuration; it is kept beside the results.
        output_dir: gets ``best/`` (model and tokenizer, for ``fusion.checkpoint``), ``last/`` (for a resume),
            ``metrics.json`` (with ``untrained``, the held-out objectives before the first step), ``metrics.jsonl``,
            ``tensorboard/`` and ``config.json``.

    Returns:
        The held-out objectives of the best model: ``{"loss": ..., "token_loss": ..., "entity_accuracy": ..., ...}``

    Raises:
        KglmError: the configuration, the corpus or the graph is not as it must be.
    """
    settings = PretrainingSettings.from_config(config)
    refuse_finished(output_dir, settings.trainer)
    seed_everything(settings.seed)
    made = prepare(settings)
    accelerator = Accelerator(mixed_precision="no")
    untrained = made.measure(made.model.to(accelerator.device), accelerator)
    logger.info("untrained: %s", _shown(untrained))
    trackers: list[Tracker] = [
        JsonlTracker(output_dir / "metrics.jsonl"),
        TensorBoardTracker(output_dir / "tensorboard"),
    ]
    with closing(ObjectiveLog(made.model, trackers, settings.trainer.log_every)) as objective_log:
        result = train(
            made.model,
            dataset=made.training,
            collate=made.collate,
            evaluate=made.measure,
            save_bundle=made.save,
            config=settings.trainer,
            output_dir=output_dir,
            trackers=trackers,
            callbacks=[objective_log],
            identity=made.identity,
            accelerator=accelerator,
        )
    atomic_write_json(output_dir / RUN_CONFIG, dict(config))
    metrics = json.loads((output_dir / METRICS).read_text(encoding="utf-8"))
    atomic_write_json(output_dir / METRICS, {**metrics, "untrained": untrained, "corpus": made.summary})
    print(f"{settings.name}, seed {settings.seed}: {_shown(result.best_metrics)}   ({output_dir})")
    return dict(result.best_metrics)


def _shown(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in metrics.items())


@dataclass(frozen=True)
class Pretraining:
    """A model and its corpus, ready to be trained.

    Attributes:
        model: the model.
        tokenizer: its tokenizer, saved beside it.
        training: sequences to train on.
        held_out: sequences to measure on; their chance does not change with the epoch.
        collate: makes batches to train on.
        collate_held_out: makes batches to measure on.
        batch_size: of these.
        identity: what makes the run what it is.
        summary: numbers about the corpus.
    """

    model: FusionEncoderForPreTraining
    tokenizer: PreTrainedTokenizerBase
    training: PackedDataset
    held_out: PackedDataset
    collate: PretrainingCollator
    collate_held_out: PretrainingCollator
    batch_size: int
    identity: Mapping[str, Any]
    summary: Mapping[str, Any]

    def measure(self, model: nn.Module, accelerator: Accelerator) -> dict[str, float]:
        """Return the objectives on the held-out sequences."""
        return measure_objectives(model, self._batches(), accelerator)

    def _batches(self) -> Iterator[Batch]:
        for start in range(0, len(self.held_out), self.batch_size):
            stop = min(start + self.batch_size, len(self.held_out))
            yield self.collate_held_out([self.held_out[index] for index in range(start, stop)])

    def save(self, model: nn.Module, folder: Path) -> None:
        """Write model and tokenizer."""
        model.save_pretrained(folder)  # type: ignore[operator]
        self.tokenizer.save_pretrained(folder)


def prepare(settings: PretrainingSettings) -> Pretraining:
    """Return the untrained model with its corpus, which is tokenized first where that has not been done."""
    objectives = settings.objectives
    entities = Entities.open(settings.entities, settings.graph, settings.cache_dir)
    if entities is None and objectives.entity_weight > 0:
        raise ConfigError(
            "objectives.entity_weight is above 0 and entities.source is 'none'; without entities set the weight to 0"
        )
    model, tokenizer = build_model(
        FusionEncoderForPreTraining,
        settings.encoder,
        settings.fusion,
        entities,
        sentence_head=objectives.sentences != "none",
        objective_weights=[objectives.token_weight, objectives.entity_weight, objectives.sentence_weight],
    )
    check_max_length(settings.max_length, model.config.backbone_config, tokenizer)
    context = _context(settings, entities)
    corpus = settings.corpus.open(tokenizer, context, settings.cache_dir)
    held_out = held_out_documents(corpus, settings.held_out, settings.corpus.name)
    shared = {
        "max_length": settings.max_length,
        "sentences": objectives.sentences,
        "cross_documents": objectives.cross_documents,
        "mentions_only": objectives.mentions_only,
    }
    training = PackedDataset(corpus, tokenizer, keep=~held_out, seed=settings.seed, **shared)  # type: ignore[arg-type]
    # The same sequences, masks and noise whatever the seed, so that runs can be compared.
    measured = PackedDataset(corpus, tokenizer, keep=held_out, seed=0, **shared)  # type: ignore[arg-type]
    options: dict[str, Any] = {
        "masking": settings.masking,
        "vectors": None if entities is None else entities.vectors,
        "noise": settings.noise if objectives.entity_weight > 0 else None,
        "sentences": objectives.sentences != "none",
    }
    summary = {
        "documents": len(corpus.documents) - 1,
        "tokens": len(corpus.tokens),
        "mentions": len(corpus.mentions),
        "lost_mentions": corpus.lost,
        "sequences": len(training),
        "held_out_sequences": len(measured),
    }
    logger.info("corpus '%s': %s", settings.corpus.name, summary)
    if not (len(training) and len(measured)):
        raise DataError(f"corpus '{settings.corpus.name}' has too few sequences to train and to measure: {summary}")
    return Pretraining(
        model=model,
        tokenizer=tokenizer,
        training=training,
        held_out=measured,
        collate=PretrainingCollator(tokenizer, seed=settings.seed, **options),
        collate_held_out=PretrainingCollator(tokenizer, seed=0, **options),
        batch_size=settings.trainer.eval_batch_size,
        identity={
            "initial weights": weights_digest(model),
            "model": hashlib.sha256(
                json.dumps(model.config.to_dict(), sort_keys=True, default=str).encode()
            ).hexdigest(),
            "corpus": {**asdict(settings.corpus), **summary},
            "entities": repr(settings.entities),
            "objectives": asdict(objectives),
            "max_length": settings.max_length,
            "held_out": settings.held_out,
        },
        summary=summary,
    )


def _context(settings: PretrainingSettings, entities: Entities | None) -> CorpusContext:
    """Open the graph where the corpus needs it, also for the plain encoder, so that all see the same corpus."""
    if settings.corpus.kind in ("text", "dataset") and not settings.corpus.linked:
        return CorpusContext(None)
    names = entities.names if entities else settings.entities.open_names(settings.graph.open(settings.cache_dir))
    if not settings.corpus.linked:
        return CorpusContext(names)
    linker = LexicalLinker(names.graph, settings.linker)
    return CorpusContext(names, linker, linker.options.cache_key())


def held_out_documents(corpus: TokenCorpus, share: float, name: str) -> np.ndarray:
    """Return which documents are held out, ``bool [N]``: a share of them, chosen by their number alone.

    Raises:
        DataError: one of the two parts would be empty.
    """
    count = len(corpus.documents) - 1
    chosen = np.random.default_rng([count, 17]).permutation(count)[: max(1, round(share * count))]
    held_out = np.zeros(count, dtype=bool)
    held_out[chosen] = True
    if held_out.all():
        raise DataError(f"corpus '{name}' has {count} documents, too few to hold {share:.0%} of them out")
    return held_out


def _share(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ConfigError(f"{name} is {value!r}; allowed: a number between 0 and 1")
    return float(value)
