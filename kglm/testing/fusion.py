"""Tiny fusion encoders and batches of texts with entities."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from kglm.models import FusionEncoderConfig
from kglm.models.modeling_fusion_encoder import FusionEncoderPreTrainedModel
from kglm.testing.models import tiny_bert_config

FusionModel = TypeVar("FusionModel", bound=FusionEncoderPreTrainedModel)


def tiny_fusion_encoder(model_class: type[FusionModel], *, seed: int = 0, **config_fields: Any) -> FusionModel:
    """Return a model in evaluation mode, every weight random: a BERT of three layers, entities of dimension 8."""
    fields = {"backbone_config": tiny_bert_config(num_hidden_layers=3), "entity_dim": 8, "num_entity_heads": 2}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = model_class(FusionEncoderConfig(**{**fields, **config_fields})).eval()
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.2)
    return model


def random_entity_batch(*, entity_dim: int = 8, seed: int = 0) -> dict[str, Tensor]:
    """Return three padded texts of up to 9 tokens: with three entities, with one, and with none."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.ones(3, 9, dtype=torch.long)
    mask[1, 6:] = mask[2, 8:] = 0
    nowhere = [-1, -1]
    return {
        "input_ids": torch.randint(5, 500, mask.shape, generator=generator) * mask,
        "attention_mask": mask,
        "entity_embeds": torch.randn(3, 3, entity_dim, generator=generator),
        "entity_tokens": torch.tensor(
            [[[1, 2], [3, -1], [6, 7]], [nowhere, [4, 5], nowhere], [nowhere, nowhere, nowhere]]
        ),
    }
