"""What the stages with a fusion encoder share: settings, the entities and their vectors, the model."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from kglm.cli.fusion_settings import EntitySettings, FusionSettings
from kglm.cli.settings import EncoderSettings
from kglm.data.entity_names import EntityNames
from kglm.data.entity_vectors import EntityVectors, ShuffledVectors
from kglm.embeddings.entity_table import EntityTable
from kglm.embeddings.text_embeddings import text_table
from kglm.encoders import TextEncoder, default_device, load_encoder
from kglm.errors import ConfigError, DataError, FingerprintMismatchError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.recipe import GraphRecipe
from kglm.linking.training.sense_vectors import sense_table
from kglm.models.modeling_fusion_encoder import FusionEncoderPreTrainedModel

logger = logging.getLogger(__name__)

LABEL_TOKENS = 32  # read of an entity's label
TEXT_TOKENS = 64  # read of another text of an entity
SCALED_BY = 10_000  # vectors that tell how large a table's are
Model = TypeVar("Model", bound=FusionEncoderPreTrainedModel)


@dataclass(frozen=True)
class Entities:
    """A graph, how a data set's entities are found in it, and their vectors.

    Attributes:
        graph: the graph.
        names: finds entities.
        vectors: what enters the encoder: the table, or the shuffled control.
        table: the table as it is.
    """

    graph: KnowledgeGraph
    names: EntityNames
    vectors: EntityVectors
    table: EntityTable

    @classmethod
    def open(cls, settings: EntitySettings, recipe: GraphRecipe, cache_dir: Path) -> Entities | None:
        """Return what the settings describe; None for the plain encoder.

        Raises:
            KglmError: the graph, the names or the table cannot be had, or the table is another graph's.
        """
        if settings.source == "none":
            return None
        graph = recipe.open(cache_dir)
        logger.info("%r", graph)
        table = entity_table(settings, graph, cache_dir)
        vectors: EntityVectors = table
        if settings.shuffled:
            vectors = ShuffledVectors(vectors, graph.num_entities, settings.shuffle_seed)
        return cls(graph, settings.open_names(graph), vectors, table)


def entity_table(settings: EntitySettings, graph: KnowledgeGraph, cache_dir: Path) -> EntityTable:
    """Return the vectors of a graph's entities.

    Raises:
        DataError: the table cannot be read.
        FingerprintMismatchError: it is another graph's.
    """
    if settings.table is not None:
        return EntityTable.open(settings.table, graph)
    max_length = LABEL_TOKENS if settings.source == "labels" else TEXT_TOKENS
    reader = TextEncoder.load(settings.text_encoder, max_length=max_length, device=default_device())
    if settings.source == "senses":
        return sense_table(graph, reader, cache_dir)
    return text_table(graph, reader, cache_dir, content=settings.source.removesuffix("s"))  # as contents are called


def build_model(
    model_class: type[Model],
    encoder: EncoderSettings,
    fusion: FusionSettings,
    entities: Entities | None,
    *,
    plain: bool = False,
    **fields: Any,
) -> tuple[Model, PreTrainedTokenizerBase]:
    """Return an untrained model on its pretrained encoder, and the tokenizer.

    Args:
        model_class: the model with its head.
        encoder: the plain encoder.
        fusion: how entities enter it.
        entities: what gives the vectors' dimension; None builds the plain encoder, without any fusion.
        plain: build the plain encoder also where there are entities, which then only the head reads.
        fields: of the configuration, such as ``num_labels``.

    Raises:
        ConfigError: encoder, checkpoint and settings do not fit each other.
        FingerprintMismatchError: the checkpoint was pretrained on the vectors of another graph.
    """
    fields = {"head_dropout": fusion.head_dropout, **fields}
    if fusion.checkpoint is not None:
        return _from_checkpoint(model_class, fusion.checkpoint, entities, fields)
    backbone, tokenizer = load_encoder(encoder.name, encoder.options)
    layers = backbone.config.num_hidden_layers
    if entities is None:
        fields |= {"entity_dim": 1, "fusion_layers": ["plain"] * layers}
    else:
        fields |= {
            "entity_dim": entities.vectors.dim,
            "entity_scale": _scale(fusion, entities.table),
            "fusion_dim": fusion.dim,
            "num_entity_heads": fusion.num_heads,
            "fusion_layers": _layers(fusion, layers, plain),
            "alignment": fusion.alignment,
            "entity_bias": fusion.entity_bias,
            "cls_entity": fusion.cls_entity,
            "zero_init": fusion.zero_init,
            "graph_fingerprint": entities.graph.fingerprint,
        }
    model = model_class.from_backbone(backbone, **fields)
    model.get_input_embeddings().requires_grad_(not encoder.freeze_word_embeddings)
    return model, tokenizer


def _scale(fusion: FusionSettings, table: EntityTable) -> float:
    """Return the factor that brings the components of a table's vectors to 1, from some of them, or the one set."""
    if fusion.scale != "auto":
        return fusion.scale  # type: ignore[return-value]  # checked by the configuration
    chosen = np.linspace(0, len(table) - 1, num=min(len(table), SCALED_BY), dtype=np.int64)
    rows = table.rows(chosen)
    known = rows[(rows != 0).any(axis=1)]  # a row of zeros: nothing is known of the entity
    if not len(known):
        raise DataError("the table of entity vectors holds nothing but zeros")
    return float(np.float32(1 / np.sqrt(np.square(known).mean())))


def _layers(fusion: FusionSettings, count: int, plain: bool) -> list[str] | None:
    if plain:
        return ["plain"] * count
    return None if fusion.layers is None else list(fusion.layers)


def _from_checkpoint(
    model_class: type[Model], folder: str, entities: Entities | None, fields: dict[str, Any]
) -> tuple[Model, PreTrainedTokenizerBase]:
    if not Path(folder).is_dir():
        raise DataError(f"fusion.checkpoint '{folder}' is no folder; expected that of a saved fusion encoder")
    try:
        model = model_class.from_pretrained(folder, **fields)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise DataError(f"fusion.checkpoint '{folder}' cannot be loaded: {' '.join(str(error).split())}") from error
    if entities is not None:
        if model.config.entity_dim != entities.vectors.dim:
            raise ConfigError(
                f"the checkpoint's entity vectors have dimension {model.config.entity_dim}, those of entities.source "
                f"have {entities.vectors.dim}; name the vectors that it was pretrained on"
            )
        made_on, given = model.config.graph_fingerprint, entities.graph.fingerprint
        if made_on is not None and made_on != given:
            remedy = "Name the graph that the checkpoint was pretrained on, or pretrain on this one."
            raise FingerprintMismatchError(f"the checkpoint '{folder}'", made_on, given, remedy)
    return model, tokenizer
