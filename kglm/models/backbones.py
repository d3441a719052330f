"""How to reach the parts of an encoder that the fusion encoder takes apart.

One small adapter for each family. Dimensions: B texts, T tokens, D hidden, I intermediate.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedConfig
from transformers.masking_utils import create_bidirectional_mask

from kglm.errors import ConfigError, did_you_mean


class Backbone:
    """BERT and RoBERTa: post-norm layers of ``attention``, ``intermediate`` and ``output``.

    An adapter holds no weights; each method takes the encoder, or one of its layers, of the library's own classes.
    """

    def layers(self, encoder: Any) -> nn.ModuleList:
        """Return the encoder's layers."""
        return encoder.encoder.layer

    def embed(self, encoder: Any, **inputs: Tensor | None) -> Tensor:
        """Return what goes into the first layer, ``[B, T, D]``.

        Args:
            encoder: the encoder.
            inputs: ``input_ids`` or ``inputs_embeds``, and ``token_type_ids``, ``position_ids``, or None for each.
        """
        return encoder.embeddings(**inputs)

    def attention_inputs(self, encoder: Any, hidden: Tensor, attention_mask: Tensor | None) -> dict[str, Any]:
        """Return what each layer's attention takes beside the hidden states, as keywords."""
        mask = create_bidirectional_mask(config=encoder.config, inputs_embeds=hidden, attention_mask=attention_mask)
        return {"attention_mask": mask}

    def attend(self, layer: Any, hidden: Tensor, inputs: dict[str, Any]) -> Tensor:
        """Return the attention's output with residual and norm, ``[B, T, D]``."""
        return layer.attention(hidden, **inputs)[0]

    def expand(self, layer: Any, attended: Tensor) -> Tensor:
        """Return the feed-forward activation before its nonlinearity, ``[..., I]``."""
        return layer.intermediate.dense(attended)

    def activate(self, layer: Any, activation: Tensor) -> Tensor:
        """Apply the feed-forward nonlinearity."""
        return layer.intermediate.intermediate_act_fn(activation)

    def contract(self, layer: Any, activation: Tensor, attended: Tensor) -> Tensor:
        """Return the layer's output with residual and norm, ``[..., D]``."""
        return layer.output(activation, attended)


class ElectraBackbone(Backbone):
    """ELECTRA: embeddings may be narrower than the layers."""

    def embed(self, encoder: Any, **inputs: Tensor | None) -> Tensor:
        """Return what goes into the first layer, ``[B, T, D]``."""
        embedded = super().embed(encoder, **inputs)
        projection = getattr(encoder, "embeddings_project", None)
        return embedded if projection is None else projection(embedded)


class MPNetBackbone(Backbone):
    """MPNet: one relative position bias for all layers, and no token types."""

    def embed(self, encoder: Any, **inputs: Tensor | None) -> Tensor:
        """Return what goes into the first layer, ``[B, T, D]``."""
        inputs.pop("token_type_ids", None)
        return super().embed(encoder, **inputs)

    def attention_inputs(self, encoder: Any, hidden: Tensor, attention_mask: Tensor | None) -> dict[str, Any]:
        """Return mask and position bias."""
        inputs = super().attention_inputs(encoder, hidden, attention_mask)
        return {**inputs, "position_bias": encoder.encoder.compute_position_bias(hidden)}


BACKBONES: dict[str, Backbone] = {
    "bert": Backbone(),
    "roberta": Backbone(),
    "xlm-roberta": Backbone(),
    "electra": ElectraBackbone(),
    "mpnet": MPNetBackbone(),
}
"""Adapters by ``model_type``; another encoder of the same build needs one line here."""

_WITHOUT_POOLER = {"electra"}
# What a configuration may hold that taking the layers apart would pass over, and the value that asks for nothing.
_MUST_BE: dict[str, Any] = {"is_decoder": False, "add_cross_attention": False, "chunk_size_feed_forward": 0}


def check_backbone(config: PreTrainedConfig, *, pooler: bool) -> None:
    """Check that the fusion encoder can take an encoder apart.

    Raises:
        ConfigError: there is no adapter for its family, it is set up in a way not covered, or it has no pooler
            where one is asked for.
    """
    name = config.model_type
    if name not in BACKBONES:
        raise ConfigError(
            f"backbone_config.model_type is '{name}'{did_you_mean(name, BACKBONES)} (allowed: {', '.join(BACKBONES)})"
        )
    for field, allowed in _MUST_BE.items():
        value = getattr(config, field, allowed)
        if value != allowed:
            raise ConfigError(f"backbone_config.{field} is {value!r}; allowed: {allowed!r}")
    if pooler and name in _WITHOUT_POOLER:
        raise ConfigError(f"pooler is True, but '{name}' has no pooler; allowed: false")
