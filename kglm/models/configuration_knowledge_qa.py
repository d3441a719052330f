"""Configuration of the multiple-choice model."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from transformers import AutoConfig, PreTrainedConfig

from kglm.errors import ConfigError
from kglm.models.config_fields import as_config, check_flag, refuse_unknown
from kglm.models.configuration_fusion_encoder import FusionEncoderConfig
from kglm.models.interaction import check_interaction
from kglm.models.reasoners import check_dropout, check_reasoner

_OWN_FIELDS = (
    "encoder_config",
    "reasoner",
    "graph_fingerprint",
    "freeze_word_embeddings",
    "freeze_encoder",
    "cosine_scale",
    "head_dropout",
    "reads_facts",
)


class KnowledgeQAConfig(PreTrainedConfig):
    """What :class:`KnowledgeQAForMultipleChoice` is made of.

    Args:
        encoder_config: configuration of any encoder that ``AutoModel`` knows, or its dict with ``model_type``; that
            of a fusion encoder lets entity vectors enter.
        reasoner: None for the plain encoder, else ``{"name": "kagnet", "entity_dim": ..., "num_relations": ...}``
            with further fields of the reasoner's class; its statement dimension is the encoder's hidden size.
        graph_fingerprint: fingerprint of the knowledge graph that the model was trained on.
        freeze_word_embeddings: leave the encoder's word embeddings out of training.
        freeze_encoder: leave the whole encoder out of training; in training too it reads without dropout, so that
            its vectors of a text are always the same.
        cosine_scale: initial factor of the cosine of question and choice, and of question and choice with facts.
        head_dropout: dropout before the score head.
        reads_facts: the choices come with facts, and with them are compared with the question once more.

    Raises:
        ConfigError: a field is unknown or its value is not allowed.
    """

    model_type = "kglm_knowledge_qa"
    sub_configs: ClassVar[dict[str, Any]] = {"encoder_config": AutoConfig}
    has_no_defaults_at_init: ClassVar[bool] = True  # there is no default encoder
    # Ragged by graph, not by question: Trainer's evaluation could not gather them.
    keys_to_ignore_at_inference: ClassVar[list[str]] = [
        "path_attention",
        "pair_attention",
        "node_attention",
        "node_relevance",
    ]

    encoder_config: Any = None  # after construction a PreTrainedConfig
    reasoner: dict[str, Any] | None = None
    graph_fingerprint: str | None = None
    freeze_word_embeddings: bool = False
    freeze_encoder: bool = False
    cosine_scale: float = 10.0
    head_dropout: float = 0.1
    reads_facts: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        refuse_unknown(type(self).__name__, kwargs, _OWN_FIELDS)
        self.encoder_config = as_config("encoder_config", self.encoder_config)
        super().__post_init__(**kwargs)
        self.check()

    def check(self) -> None:
        """Raise ConfigError if a value is not allowed; attributes may have been set since construction."""
        encoder = self.encoder_config
        if getattr(encoder, "is_encoder_decoder", False):
            raise ConfigError(f"encoder_config is a '{encoder.model_type}' encoder-decoder; allowed: encoders")
        if isinstance(encoder, FusionEncoderConfig) and encoder.pooler:
            raise ConfigError("encoder_config.pooler is True; allowed: false, for each text is read as its mean")
        if self.reasoner is not None:
            check_reasoner(self.reasoner)
            check_interaction(self.reasoner, encoder)
        if not (self.graph_fingerprint is None or isinstance(self.graph_fingerprint, str)):
            raise ConfigError(f"graph_fingerprint is {self.graph_fingerprint!r}; allowed: None or a string")
        check_flag("freeze_word_embeddings", self.freeze_word_embeddings)
        check_flag("freeze_encoder", self.freeze_encoder)
        check_flag("reads_facts", self.reads_facts)
        scale = self.cosine_scale
        if isinstance(scale, bool) or not isinstance(scale, int | float) or not math.isfinite(scale) or scale < 0:
            raise ConfigError(f"cosine_scale is {scale!r}; allowed: a finite number of at least 0")
        check_dropout("head_dropout", self.head_dropout)

    @property
    def entity_dim(self) -> int | None:
        """D_v, dimension of the entity vectors that the encoder takes in; None if it takes in none."""
        encoder = self.encoder_config
        return encoder.entity_dim if isinstance(encoder, FusionEncoderConfig) else None

    @property
    def hidden_size(self) -> int:
        """The encoder's hidden size, which is the dimension of the statement vector."""
        return self.encoder_config.hidden_size
