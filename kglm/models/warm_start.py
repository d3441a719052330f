"""A model that starts from what another one learned."""

from __future__ import annotations

import torch

from kglm.errors import ConfigError
from kglm.models.modeling_fusion_encoder import FusionEncoderModel
from kglm.models.modeling_knowledge_qa import KnowledgeQAForMultipleChoice


@torch.no_grad()
def start_from(model: KnowledgeQAForMultipleChoice, trained: KnowledgeQAForMultipleChoice) -> None:
    """Give a fresh model the encoder, the cosine scales, and the head's bias and weights of the statement of another.

    The head reads ``[g; s]``. Its weights of the graph vector g stay as they are, zero in a fresh model, and so does
    the reasoner: a fresh model scores as ``trained`` does, but for what its reasoner added.

    Args:
        model: changed in place.
        trained: of the same encoder; its reasoner may be another, or none. What takes in entities may be missing: a
            fusion encoder gets the weights of its backbone.

    Raises:
        ConfigError: the encoders have not the same parameters.
    """
    encoder = model.encoder
    if isinstance(encoder, FusionEncoderModel) and not isinstance(trained.encoder, FusionEncoderModel):
        encoder = encoder.backbone
    mine, theirs = encoder.state_dict(), trained.encoder.state_dict()
    for name in sorted(mine.keys() | theirs.keys()):
        shapes = [list(weights[name].shape) if name in weights else None for weights in (theirs, mine)]
        if shapes[0] != shapes[1]:
            raise ConfigError(
                f"the trained model has another encoder: its '{name}' has shape {shapes[0]}, and {shapes[1]} in the "
                "encoder named; name the encoder that it was made with"
            )
    encoder.load_state_dict(theirs)
    model.scale.copy_(trained.scale)
    if model.fact_scale is not None and trained.fact_scale is not None:
        model.fact_scale.copy_(trained.fact_scale)
    hidden = model.config.hidden_size
    model.score_head.weight[:, -hidden:] = trained.score_head.weight[:, -hidden:]
    model.score_head.bias.copy_(trained.score_head.bias)
