"""Configuration of the multiple-choice model."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from transformers import AutoConfig, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from kglm.errors import ConfigError, did_you_mean
from kglm.models.reasoners import check_dropout, check_reasoner

# Keys that transformers itself writes or passes beside the declared fields.
_LIBRARY_KEYS = {
    "_commit_hash",
    "_name_or_path",
    "attn_implementation",
    "auto_map",
    "experts_implementation",
    "model_type",
    "name_or_path",
    "num_labels",
    "output_attentions",
    "quantization_config",
    "tie_word_embeddings",
    "torch_dtype",
}
_OWN_FIELDS = (
    "encoder_config",
    "reasoner",
    "graph_fingerprint",
    "freeze_word_embeddings",
    "cosine_scale",
    "head_dropout",
)


class KnowledgeQAConfig(PreTrainedConfig):
    """What :class:`KnowledgeQAForMultipleChoice` is made of.

    Args:
        encoder_config: configuration of any encoder that ``AutoModel`` knows, or its dict with ``model_type``.
        reasoner: None for the plain encoder, else ``{"name": "kagnet", "entity_dim": ..., "num_relations": ...}``
            with further fields of the reasoner's class; its statement dimension is the encoder's hidden size.
        graph_fingerprint: fingerprint of the knowledge graph that the model was trained on.
        freeze_word_embeddings: leave the encoder's word embeddings out of training.
        cosine_scale: initial factor of the cosine of question and choice.
        head_dropout: dropout before the score head.

    Raises:
        ConfigError: a field is unknown or its value is not allowed.
    """

    model_type = "kglm_knowledge_qa"
    sub_configs: ClassVar[dict[str, Any]] = {"encoder_config": AutoConfig}
    has_no_defaults_at_init: ClassVar[bool] = True  # there is no default encoder
    # Ragged by graph, not by question: Trainer's evaluation could not gather them.
    keys_to_ignore_at_inference: ClassVar[list[str]] = ["path_attention", "pair_attention"]

    encoder_config: Any = None  # after construction a PreTrainedConfig
    reasoner: dict[str, Any] | None = None
    graph_fingerprint: str | None = None
    freeze_word_embeddings: bool = False
    cosine_scale: float = 10.0
    head_dropout: float = 0.1

    def __post_init__(self, **kwargs: Any) -> None:
        for name in kwargs:
            if name not in _LIBRARY_KEYS and not hasattr(PreTrainedConfig, name):
                hint = did_you_mean(name, _OWN_FIELDS)
                raise ConfigError(
                    f"{type(self).__name__} has no field '{name}'{hint} (allowed: {', '.join(_OWN_FIELDS)})"
                )
        self.encoder_config = _as_config(self.encoder_config)
        super().__post_init__(**kwargs)
        self.check()

    def check(self) -> None:
        """Raise ConfigError if a value is not allowed; attributes may have been set since construction."""
        encoder = self.encoder_config
        if getattr(encoder, "is_encoder_decoder", False):
            raise ConfigError(f"encoder_config is a '{encoder.model_type}' encoder-decoder; allowed: encoders")
        if self.reasoner is not None:
            check_reasoner(self.reasoner)
        if not (self.graph_fingerprint is None or isinstance(self.graph_fingerprint, str)):
            raise ConfigError(f"graph_fingerprint is {self.graph_fingerprint!r}; allowed: None or a string")
        if not isinstance(self.freeze_word_embeddings, bool):
            raise ConfigError(f"freeze_word_embeddings is {self.freeze_word_embeddings!r}; allowed: true or false")
        scale = self.cosine_scale
        if isinstance(scale, bool) or not isinstance(scale, int | float) or not math.isfinite(scale) or scale < 0:
            raise ConfigError(f"cosine_scale is {scale!r}; allowed: a finite number of at least 0")
        check_dropout("head_dropout", self.head_dropout)

    @property
    def hidden_size(self) -> int:
        """The encoder's hidden size, which is the dimension of the statement vector."""
        return self.encoder_config.hidden_size


def _as_config(encoder: object) -> PreTrainedConfig:
    if isinstance(encoder, PreTrainedConfig):
        return encoder
    if not isinstance(encoder, dict):
        raise ConfigError(f"encoder_config is {encoder!r}; allowed: a PreTrainedConfig, or a dict with 'model_type'")
    model_type = str(encoder.get("model_type"))
    if model_type not in CONFIG_MAPPING:
        hint = did_you_mean(model_type, CONFIG_MAPPING)
        raise ConfigError(f"encoder_config.model_type is '{model_type}'{hint} ({len(CONFIG_MAPPING)} known)")
    return CONFIG_MAPPING[model_type](**encoder)
