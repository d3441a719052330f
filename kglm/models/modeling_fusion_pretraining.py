"""The fusion encoder with its pretraining objectives.

Dimensions: B texts, T tokens, P tokens to predict in a text, M entities of a text, N entities to predict in a text, K
candidates, V vocabulary, D hidden, D_v entity vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import initialization
from transformers.activations import ACT2FN
from transformers.utils import ModelOutput

from kglm.models.configuration_fusion_encoder import FusionEncoderConfig
from kglm.models.modeling_fusion_encoder import (
    FusionEncoderModel,
    FusionEncoderOutput,
    FusionEncoderPreTrainedModel,
)


@dataclass
class FusionPreTrainingOutput(ModelOutput):
    """What the model makes of a batch in pretraining.

    Attributes:
        loss: sum of the losses below by the configuration's ``objective_weights``; None where nothing is to be
            predicted.
        token_loss: mean cross entropy over the tokens to predict; 0 if there are none.
        entity_loss: mean cross entropy over the entities to predict; 0 if there are none.
        sentence_loss: mean cross entropy over the texts.
        token_logits: ``[B, T, V]``, or of the labelled tokens ``[B, P, V]``.
        entity_logits: ``[B, N, K]``.
        sentence_logits: ``[B, 2]``; None without the pooler and without ``sentence_head``.
    """

    loss: Tensor | None = None
    token_loss: Tensor | None = None
    entity_loss: Tensor | None = None
    sentence_loss: Tensor | None = None
    token_logits: Tensor | None = None
    entity_logits: Tensor | None = None
    sentence_logits: Tensor | None = None


class Transform(nn.Module):
    """A layer, the backbone's activation and a norm, before a product with embeddings."""

    def __init__(self, config: FusionEncoderConfig, out_dim: int) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, out_dim)
        self.activation = ACT2FN[config.backbone_config.hidden_act]
        self.norm = nn.LayerNorm(out_dim, eps=config.backbone_config.layer_norm_eps)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return ``[..., out_dim]``."""
        return self.norm(self.activation(self.dense(hidden)))


class TokenHead(nn.Module):
    """Scores the vocabulary by the backbone's own word embeddings, which it is given, and a bias."""

    def __init__(self, config: FusionEncoderConfig, embeddings: nn.Embedding) -> None:
        super().__init__()
        self.transform = Transform(config, embeddings.embedding_dim)
        self.bias = nn.Parameter(torch.zeros(embeddings.num_embeddings))

    def forward(self, hidden: Tensor, embeddings: nn.Embedding) -> Tensor:
        """Return ``[B, T, V]``."""
        return functional.linear(self.transform(hidden), embeddings.weight, self.bias)


class FusionEncoderForPreTraining(FusionEncoderPreTrainedModel):
    r"""Masked tokens, denoised entities (dEA) and, with a pooler or ``sentence_head``, pairs of sentences.

    dEA (Zhang et al., ACL 2019, eq. 6) predicts the entity of a token from the token's last hidden state, among the
    candidates, which are the entities of the batch:

    .. math:: p(e_j | w_i) = softmax_j (f(w_i) \cdot e_j)

    with f a layer, the activation and a norm, as in the reference's code.
    """

    def __init__(self, config: FusionEncoderConfig) -> None:
        super().__init__(config)
        self.encoder = FusionEncoderModel(config)
        self.encoder.drop_entity_output()
        self.token_head = TokenHead(config, self._word_embeddings())
        self.entity_head = Transform(config, config.entity_dim)
        own_layer = config.sentence_head and not config.pooler
        self.sentence_dense = nn.Linear(config.hidden_size, config.hidden_size) if own_layer else None
        self.sentence_head = nn.Linear(config.hidden_size, 2) if config.pooler or own_layer else None
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        entity_embeds: Tensor | None = None,
        entity_tokens: Tensor | None = None,
        labels: Tensor | None = None,
        labelled_tokens: Tensor | None = None,
        candidate_embeds: Tensor | None = None,
        target_tokens: Tensor | None = None,
        entity_labels: Tensor | None = None,
        sentence_labels: Tensor | None = None,
        return_dict: bool | None = None,
    ) -> FusionPreTrainingOutput | tuple[Any, ...]:
        """Return the scores, and the loss of every objective whose labels are given.

        Args other than these are those of :meth:`FusionEncoderModel.forward`:
            labels: ``[B, T]`` right tokens; -100 where none is to be predicted.
            labelled_tokens: ``[B, P]`` places of the tokens to predict, negative for padding; ``labels`` and
                ``token_logits`` are then of these alone, ``[B, P]`` and ``[B, P, V]``, which spares scoring the
                vocabulary where nobody asks.
            candidate_embeds: ``[K, D_v]`` vectors of the entities to choose from.
            target_tokens: ``[B, N]`` tokens whose entity is to be predicted, negative for padding; apart from
                ``entity_tokens``, for an entity may be to be predicted because it was left out.
            entity_labels: ``[B, N]`` right candidate; -100 for padding.
            sentence_labels: ``[B]`` 0 where the second sentence follows the first, 1 where not; -100 for a text
                that is no pair.
        """
        encoded = self.encoder(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            entity_embeds=entity_embeds,
            entity_tokens=entity_tokens,
            return_dict=True,
        )
        hidden = encoded.last_hidden_state
        scored = hidden if labelled_tokens is None else _take(hidden, labelled_tokens)
        token_logits = self.token_head(scored, self._word_embeddings())
        entity_logits = self._score_entities(hidden, candidate_embeds, target_tokens)
        sentence_logits = None if self.sentence_head is None else self.sentence_head(self._pooled(encoded))
        token_loss = _loss(token_logits, labels, "labels", "the token head")
        entity_loss = _loss(entity_logits, entity_labels, "entity_labels", "candidate_embeds and target_tokens")
        sentence_loss = _loss(
            sentence_logits, sentence_labels, "sentence_labels", "the backbone's pooler and sentence_head"
        )
        losses = zip(self.config.objective_weights, (token_loss, entity_loss, sentence_loss), strict=True)
        given = [weight * loss for weight, loss in losses if loss is not None and weight > 0]
        output = FusionPreTrainingOutput(
            loss=torch.stack(given).sum() if given else None,
            token_loss=token_loss,
            entity_loss=entity_loss,
            sentence_loss=sentence_loss,
            token_logits=token_logits,
            entity_logits=entity_logits,
            sentence_logits=sentence_logits,
        )
        return output.to_tuple() if return_dict is False else output

    def resize_token_embeddings(self, *args: Any, **kwargs: Any) -> nn.Embedding:
        """Resize the backbone's word embeddings and the bias of the token head, which starts at 0 for new tokens."""
        embeddings = super().resize_token_embeddings(*args, **kwargs)
        old = self.token_head.bias.data
        bias = old.new_zeros(embeddings.num_embeddings)
        kept = min(old.numel(), bias.numel())
        bias[:kept] = old[:kept]
        self.token_head.bias = nn.Parameter(bias)
        return embeddings

    def _pooled(self, encoded: FusionEncoderOutput) -> Tensor:
        """Return one vector for each text, ``[B, D]``."""
        if self.sentence_dense is None:
            return encoded.pooler_output  # type: ignore[return-value]
        return self.sentence_dense(encoded.last_hidden_state[:, 0]).tanh()  # type: ignore[index]

    def _score_entities(self, hidden: Tensor, candidates: Tensor | None, targets: Tensor | None) -> Tensor | None:
        if candidates is None and targets is None:
            return None
        if candidates is None or targets is None:
            raise ValueError("candidate_embeds and target_tokens must be given together")
        projected = self.entity_head(_take(hidden, targets))  # [B, N, D_v]
        return projected @ candidates.to(projected.dtype).T

    def _word_embeddings(self) -> nn.Embedding:
        return self.encoder.backbone.get_input_embeddings()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, TokenHead):
            initialization.zeros_(module.bias)


def _take(hidden: Tensor, tokens: Tensor) -> Tensor:
    """Return the states ``[B, N, D]`` of tokens ``[B, N]``; those of the first token for padding."""
    return hidden.gather(1, tokens.clamp(min=0).unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))


def _loss(logits: Tensor | None, labels: Tensor | None, name: str, needed: str) -> Tensor | None:
    """Return the mean cross entropy over the labels that are not negative; 0 if all are.

    Shapes:
        logits: ``[..., L]``; labels: ``[...]``
    """
    if labels is None:
        return None
    if logits is None:
        raise ValueError(f"{name} are given, but {needed} are missing")
    known = labels.flatten() >= 0
    each = functional.cross_entropy(
        logits.flatten(0, -2).float(), labels.flatten().masked_fill(~known, -100), reduction="none"
    )
    return each.sum() / known.sum().clamp(min=1)
