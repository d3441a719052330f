"""An encoder run layer by layer, with a reasoner that speaks with its last ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from kglm.errors import ConfigError
from kglm.models.backbones import BACKBONES, check_backbone
from kglm.models.configuration_fusion_encoder import FusionEncoderConfig
from kglm.models.modeling_fusion_encoder import FusionEncoderModel
from kglm.models.reasoners import REASONERS
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.interaction import InteractiveReasoner


def encode_with_reasoner(
    encoder: PreTrainedModel, reasoner: InteractiveReasoner, graph: GraphBatch, **inputs: Tensor
) -> tuple[Tensor, Any]:
    """Return the last hidden states of the texts, and the reasoner's state after the last layer.

    The first token of each text is the interaction token. The layers are called by their parts, so that activation
    checkpointing has no effect here, but in a fusion encoder.

    Args:
        encoder: one that :data:`kglm.models.backbones.BACKBONES` knows, or a fusion encoder.
        reasoner: with at most as many steps as the encoder has layers.
        graph: one graph per text.
        inputs: ``input_ids [G, T]``, ``attention_mask [G, T]``, and ``token_type_ids`` where the encoder takes them;
            the entities of the texts for a fusion encoder.

    Shapes:
        out: ``[G, T, D]``
    """
    first = encoder.config.num_hidden_layers - reasoner.num_layers
    state = reasoner.begin(graph)

    def exchange(index: int, hidden: Tensor) -> Tensor:
        nonlocal state
        if index < first:
            return hidden
        token, state = reasoner.exchange(index - first, hidden[:, 0], state)
        return torch.cat((token.to(hidden.dtype).unsqueeze(1), hidden[:, 1:]), dim=1)

    if isinstance(encoder, FusionEncoderModel):
        hidden = encoder(**inputs, between=exchange, return_dict=True).last_hidden_state
    else:
        hidden = _run_layers(encoder, exchange, **inputs)
    return hidden, state


def _run_layers(
    encoder: PreTrainedModel,
    exchange: Callable[[int, Tensor], Tensor],
    *,
    input_ids: Tensor,
    attention_mask: Tensor,
    token_type_ids: Tensor | None = None,
) -> Tensor:
    """Return the last hidden states of an encoder whose layers are called one by one, with ``exchange`` between."""
    adapter = BACKBONES[encoder.config.model_type]
    hidden = adapter.embed(
        encoder, input_ids=input_ids, token_type_ids=token_type_ids, position_ids=None, inputs_embeds=None
    )
    attention_inputs = adapter.attention_inputs(encoder, hidden, attention_mask)
    for index, layer in enumerate(adapter.layers(encoder)):
        attended = adapter.attend(layer, hidden, attention_inputs)
        activation = adapter.activate(layer, adapter.expand(layer, attended))
        hidden = exchange(index, adapter.contract(layer, activation, attended))
    return hidden


def check_interaction(spec: Mapping[str, Any], encoder: PreTrainedConfig) -> None:
    """Check that an encoder has the layers that a reasoner wants to speak with, if it does.

    Args:
        spec: see :func:`kglm.models.reasoners.check_reasoner`; checked before.
        encoder: the encoder's configuration.

    Raises:
        ConfigError: the encoder cannot be run layer by layer, or has fewer layers.
    """
    cls = REASONERS[spec["name"]]
    if not issubclass(cls, InteractiveReasoner):
        return
    try:
        if not isinstance(encoder, FusionEncoderConfig):  # which has checked its own backbone
            check_backbone(encoder, pooler=False)
    except ConfigError as error:
        raise ConfigError(f"reasoner '{spec['name']}' runs the encoder layer by layer, and {error}") from error
    wanted = spec.get("num_layers", inspect.signature(cls).parameters["num_layers"].default)
    if wanted > encoder.num_hidden_layers:
        raise ConfigError(
            f"reasoner.num_layers is {wanted}; allowed: at most {encoder.num_hidden_layers}, the encoder's layers"
        )
