"""An untrained question-answering model, as the configuration describes it, with the pipeline that feeds it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from kglm.cli.fusion import LABEL_TOKENS, Entities, build_model, entity_table
from kglm.cli.settings import AnsweringEncoderSettings, TrainSettings
from kglm.data.entity_names import EntityNames
from kglm.data.facts.corpora import open_corpora
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.data.pipeline import FusedEntities, Knowledge, QuestionPipeline, Reasoning
from kglm.embeddings.text_embeddings import label_table
from kglm.encoders import TextEncoder, check_max_length, default_device, load_encoder
from kglm.encoders.digest import tokenizer_digest
from kglm.errors import ConfigError
from kglm.inference.bundle import Bundle
from kglm.kg.graph import KnowledgeGraph
from kglm.linking import LexicalLinker
from kglm.models import FusionEncoderModel, KnowledgeQAForMultipleChoice
from kglm.models.warm_start import start_from

logger = logging.getLogger(__name__)


def build_bundle(settings: TrainSettings, questions: Sequence[MultipleChoiceExample] = ()) -> Bundle:
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
    check_max_length(settings.max_length, plain.config, tokenizer)
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
    reader = TextEncoder(
        encoder, tokenizer, name=settings.encoder.name, max_length=LABEL_TOKENS, device=default_device()
    )
    table = label_table(graph, reader, settings.cache_dir)
    scores = None
    if settings.reasoner.path_scores is not None:
        from kglm.embeddings.link_scores import link_scores  # brings PyTorch Geometric, whose import takes seconds

        scores = link_scores(settings.reasoner.path_scores, graph)
    return Knowledge(graph, linker, Reasoning(settings.reasoner.schema, table, scores), facts, corpora)
