"""A question-answering model: data, model, training, and the report on the best one."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from kglm.cli.fusion import LABEL_TOKENS, Entities, build_model, entity_table
from kglm.cli.settings import RUN_CONFIG, AnsweringEncoderSettings, TrainSettings
from kglm.data.entity_names import EntityNames
from kglm.data.facts.corpora import open_corpora
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.data.pipeline import FusedEntities, Knowledge, PreparedQuestions, QuestionPipeline, Reasoning
from kglm.data.task import Examples
from kglm.embeddings.text_embeddings import label_table
from kglm.encoders import TextEncoder, load_encoder
from kglm.encoders.digest import tokenizer_digest, weights_digest
from kglm.errors import ConfigError, DataError
from kglm.files import atomic_write_json
from kglm.inference.bundle import Bundle
from kglm.inference.scoring import batches, score
from kglm.kg.graph import KnowledgeGraph
from kglm.linking import LexicalLinker
from kglm.models import FusionEncoderModel, KnowledgeQAForMultipleChoice
from kglm.models.warm_start import start_from
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
        bundle = build(settings, splits["train"])
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
        identity=_identity(bundle, {name: splits[name] for name in ("train", "dev")}, start),
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
            questions.read_by(bundle.model.encoder, settings.cache_dir, device())
    return prepared


def _line(results: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {100 * value:.1f} %" for name, value in results.items())


def build(settings: TrainSettings, questions: Sequence[MultipleChoiceExample] = ()) -> Bundle:
    """Return the untrained model on its pretrained encoder, and the pipeline that feeds it.

    Args:
        settings: of the run.
        questions: its training questions, from which facts may be retrieved.
    """
    graph, fused = None, None
    if any(route is not None for route in (settings.facts, settings.fusion, settings.reasoner)):
        graph = settings.graph.open(settings.cache_dir)
        logger.info("%r", graph)
        fused = _fused_entities(settings, graph)
    encoder, tokenizer = _encoder(settings, graph, fused)
    plain = encoder.backbone if isinstance(encoder, FusionEncoderModel) else encoder
    _check_length(settings.max_length, plain, tokenizer)
    pipeline = QuestionPipeline(tokenizer, settings.max_length, None, settings.workers)
    fields: dict[str, Any] = {
        "freeze_word_embeddings": settings.encoder.freeze_word_embeddings,
        "freeze_encoder": settings.encoder.frozen,
        "reads_facts": settings.facts is not None,
    }
    if settings.fusion is not None:
        fields["head_dropout"] = settings.fusion.head_dropout
    if graph is not None:
        knowledge = open_knowledge(settings, graph, plain, tokenizer, questions)
        pipeline = replace(pipeline, knowledge=replace(knowledge, fused=fused))
        fields["graph_fingerprint"] = graph.fingerprint
        if settings.reasoner is not None and knowledge.reasoning is not None:
            fields["reasoner"] = {
                "name": settings.reasoner.name,
                "entity_dim": knowledge.reasoning.table.dim,
                "num_relations": graph.num_relations,
                **settings.reasoner.options,
            }
    model = KnowledgeQAForMultipleChoice.from_encoder(encoder, **fields)
    if settings.encoder.checkpoint is not None:
        _start_from(model, tokenizer, settings.encoder)
    return Bundle(model, pipeline)


def _start_from(
    model: KnowledgeQAForMultipleChoice, tokenizer: PreTrainedTokenizerBase, settings: AnsweringEncoderSettings
) -> None:
    """Give the model what the one in ``encoder.checkpoint`` learned, where both read the same tokens."""
    trained = Bundle.load(str(settings.checkpoint))
    if tokenizer_digest(trained.pipeline.tokenizer) != tokenizer_digest(tokenizer):
        raise ConfigError(
            f"encoder.checkpoint '{settings.checkpoint}' has another tokenizer than encoder.name '{settings.name}'; "
            "name the encoder that it was made with"
        )
    try:
        start_from(model, trained.model)
    except ConfigError as error:
        raise ConfigError(f"encoder.checkpoint '{settings.checkpoint}': {error}") from error


def device() -> str:
    """Return where texts are read before training."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _fused_entities(settings: TrainSettings, graph: KnowledgeGraph) -> FusedEntities | None:
    """Return the vectors that enter the encoder; None with the fusion off."""
    if settings.fusion is None:
        return None
    table = entity_table(settings.entities, graph, settings.cache_dir)
    return FusedEntities(table, settings.entities.shuffle_seed if settings.entities.shuffled else None)


def _encoder(
    settings: TrainSettings, graph: KnowledgeGraph | None, fused: FusedEntities | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return the pretrained encoder, which with the fusion on takes in entity vectors, and its tokenizer."""
    if settings.fusion is None or graph is None or fused is None:
        return load_encoder(settings.encoder.name, settings.encoder.options)
    entities = Entities(graph, EntityNames(graph), fused.vectors, fused.table)
    pooler = {} if settings.fusion.checkpoint is None else {"pooler": False}  # nothing reads a checkpoint's
    return build_model(FusionEncoderModel, settings.encoder, settings.fusion, entities, **pooler)


def open_knowledge(
    settings: TrainSettings,
    graph: KnowledgeGraph,
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[MultipleChoiceExample],
) -> Knowledge:
    """Return the graph with its linker, and what reasoner and facts draw on.

    The reasoner's entity vectors are those that the pretrained encoder gives the labels, whatever checkpoint the
    model starts from.
    """
    linker = LexicalLinker(graph, settings.linker)
    facts, corpora = settings.facts, {}
    if facts is not None:
        corpora = open_corpora(facts, graph, questions, settings.cache_dir)
    if settings.reasoner is None:
        return Knowledge(graph, linker, facts=facts, corpora=corpora)
    reader = TextEncoder(encoder, tokenizer, name=settings.encoder.name, max_length=LABEL_TOKENS, device=device())
    table = label_table(graph, reader, settings.cache_dir)
    scores = None
    if settings.reasoner.path_scores is not None:
        from kglm.embeddings.link_scores import link_scores  # brings PyTorch Geometric, whose import takes seconds

        scores = link_scores(settings.reasoner.path_scores, graph)
    return Knowledge(graph, linker, Reasoning(settings.reasoner.schema, table, scores), facts, corpora)


def _identity(bundle: Bundle, splits: Mapping[str, Examples], start: str) -> dict[str, Any]:
    """Return what, beside the training settings, makes a run what it is; a resume with another is refused."""
    pipeline, knowledge = bundle.pipeline, bundle.pipeline.knowledge
    options = bundle.model.config.to_dict()
    identity: dict[str, Any] = {
        "initial weights": start,
        "model": hashlib.sha256(json.dumps(options, sort_keys=True, default=str).encode()).hexdigest(),
        "max_length": pipeline.max_length,
    }
    for name, examples in splits.items():
        texts = [[example.question, *example.choices, example.label] for example in examples]
        identity[f"{name} questions"] = hashlib.sha256(json.dumps(texts).encode()).hexdigest()
    if knowledge is not None:
        identity["graph"] = knowledge.graph.fingerprint
        identity["linker"] = knowledge.linker.options.cache_key()
        if knowledge.reasoning is not None:
            identity["entity vectors"] = knowledge.reasoning.table.source
            identity["schema graphs"] = asdict(knowledge.reasoning.schema)
            if knowledge.reasoning.scores is not None:
                identity["path scores"] = knowledge.reasoning.scores.digest
        if knowledge.fused is not None:
            identity["fused entities"] = {
                "vectors": knowledge.fused.table.digest,
                "shuffle_seed": knowledge.fused.shuffle_seed,
            }
        if knowledge.facts is not None:
            identity["facts"] = knowledge.facts.cache_key()
            identity["facts corpora"] = {name: corpus.digest for name, corpus in knowledge.corpora.items()}
    return identity


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


def _check_length(max_length: int, encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    positions = getattr(encoder.config, "max_position_embeddings", None) or max_length
    limit = min(positions, tokenizer.model_max_length)
    if max_length > limit:
        raise ConfigError(f"max_length is {max_length}; allowed with this encoder: at most {limit} tokens")


def _require_labels(splits: Mapping[str, Examples], names: set[str]) -> None:
    for name in sorted(names):
        unlabelled = next((example.id for example in splits[name] if example.label is None), None)
        if unlabelled is not None:
            raise DataError(f"question '{unlabelled}' of the {name} split has no answerKey, which training needs")
