"""An encoder run layer by layer, with a reasoner that speaks with its last ones."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from kglm.errors import ConfigError
from kglm.models.backbones import BACKBONES, check_backbone
from kglm.models.reasoners import REASONERS
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.interaction import InteractiveReasoner


def encode_with_reasoner(
    encoder: PreTrainedModel, reasoner: InteractiveReasoner, graph: GraphBatch, **inputs: Tensor
) -> tuple[Tensor, Any]:
    """Return the last hidden states of the texts, and the reasoner's state after the last layer.

    The first token of each text is the interaction token. The layers are called by their parts, so that activation
    checkpointing has no effect here.

    Args:
        encoder: one that :data:`kglm.models.backbones.BACKBONES` knows.
        reasoner: with at most as many steps as the encoder has layers.
        graph: one graph per text.
        inputs: ``input_ids [G, T]``, ``attention_mask [G, T]``, and ``token_type_ids`` where the encoder takes them.

    Shapes:
        out: ``[G, T, D]``
    """
    adapter = BACKBONES[encoder.config.model_type]
    hidden = adapter.embed(
        encoder,
        input_ids=inputs["input_ids"],
        token_type_ids=inputs.get("token_type_ids"),
        position_ids=None,
        inputs_embeds=None,
    )
    attention_inputs = adapter.attention_inputs(encoder, hidden, inputs["attention_mask"])
    layers = adapter.layers(encoder)
    first = len(layers) - reasoner.num_layers
    state = reasoner.begin(graph)
    for index, layer in enumerate(layers):
        attended = adapter.attend(layer, hidden, attention_inputs)
        activation = adapter.activate(layer, adapter.expand(layer, attended))
        hidden = adapter.contract(layer, activation, attended)
        if index >= first:
            token, state = reasoner.exchange(index - first, hidden[:, 0], state)
            hidden = torch.cat((token.to(hidden.dtype).unsqueeze(1), hidden[:, 1:]), dim=1)
    return hidden, state


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
        check_backbone(encoder, pooler=False)
    except ConfigError as error:
        raise ConfigError(f"reasoner '{spec['name']}' runs the encoder layer by layer, and {error}") from error
    wanted = spec.get("num_layers", inspect.signature(cls).parameters["num_layers"].default)
    if wanted > encoder.num_hidden_layers:
        raise ConfigError(
            f"reasoner.num_layers is {wanted}; allowed: at most {encoder.num_hidden_layers}, the encoder's layers"
        )
