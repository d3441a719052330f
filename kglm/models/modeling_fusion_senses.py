"""The fusion encoder that chooses among the senses of words.

Dimensions: B texts, T tokens, N words of a text, S tokens of a word, K senses of a word, C senses of the batch,
D hidden, D_v sense vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import initialization
from transformers.utils import ModelOutput

from kglm.models.configuration_fusion_encoder import FusionEncoderConfig
from kglm.models.modeling_fusion_encoder import FusionEncoderModel, FusionEncoderPreTrainedModel

MATCH_WEIGHT = 10.0  # of the cosine, against the prior's logarithm; the start of what is learnt


@dataclass
class SenseOutput(ModelOutput):
    """What the model makes of a batch.

    Attributes:
        loss: mean cross entropy over the words whose sense is known; None without labels.
        logits: ``[B, N, K]``, minus infinity where a word has no such sense.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None


class IdentityLinear(nn.Linear):
    """A linear layer that starts as the identity: between unequal dimensions, it keeps the first of them.

    A class of its own because ``from_pretrained`` initialises missing layers anew, by their class.
    """

    def reset_parameters(self) -> None:
        """Set the weight to the identity and the bias to zero."""
        nn.init.eye_(self.weight)
        nn.init.zeros_(self.bias)


class FusionEncoderForWordSenses(FusionEncoderPreTrainedModel):
    r"""Scores a word's senses by their vectors, which are given, and by how frequent they are.

    .. math:: s_{nk} = \gamma \cos(W \bar h_n + b, v_k) + \lambda \log p_k

    with :math:`\bar h_n` the mean of the last hidden states of the word's tokens, :math:`v_k` the vector of a sense,
    :math:`p_k` its share of the word's uses; :math:`\gamma` is learnt from 10 and :math:`\lambda` from 1.

    W starts as the identity: where the same encoder has read the senses, the untrained model compares like with
    like. From a random layer it starts below the most frequent sense, and needs many thousand sentences to rise
    above it.
    """

    def __init__(self, config: FusionEncoderConfig) -> None:
        super().__init__(config)
        self.encoder = FusionEncoderModel(config)
        self.encoder.drop_entity_output()
        self.sense_head = IdentityLinear(config.hidden_size, config.entity_dim)
        self.match_weight = nn.Parameter(torch.full((), MATCH_WEIGHT))
        self.prior_weight = nn.Parameter(torch.ones(()))
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
        target_tokens: Tensor | None = None,
        sense_embeds: Tensor | None = None,
        sense_index: Tensor | None = None,
        sense_priors: Tensor | None = None,
        labels: Tensor | None = None,
        return_dict: bool | None = None,
    ) -> SenseOutput | tuple[Any, ...]:
        """Return the scores of each word's senses, and the loss where labels are given.

        Args other than these are those of :meth:`FusionEncoderModel.forward`:
            target_tokens: ``[B, N, S]`` tokens of each word, negative where there is none.
            sense_embeds: ``[C, D_v]`` vectors of the batch's senses.
            sense_index: ``[B, N, K]`` the senses of each word among these, negative where there is none.
            sense_priors: ``[B, N, K]`` logarithm of each sense's share of the word's uses.
            labels: ``[B, N]`` place of the right sense among the word's, -100 where it is not known.
        """
        if target_tokens is None or sense_embeds is None or sense_index is None or sense_priors is None:
            raise ValueError("target_tokens, sense_embeds, sense_index and sense_priors must be given")
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
        words = self.sense_head(_mean_of_tokens(encoded.last_hidden_state, target_tokens))  # [B, N, D_v]
        senses = functional.normalize(sense_embeds.to(words.dtype), dim=-1)
        all_cosines = functional.normalize(words, dim=-1) @ senses.T  # [B, N, C]
        cosines = all_cosines.gather(-1, sense_index.clamp(min=0))
        logits = self.match_weight * cosines + self.prior_weight * sense_priors
        logits = logits.float().masked_fill(sense_index < 0, -torch.inf)
        output = SenseOutput(loss=None if labels is None else _loss(logits, labels), logits=logits)
        return output.to_tuple() if return_dict is False else output

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, FusionEncoderForWordSenses):
            initialization.ones_(module.prior_weight)
            initialization.constant_(module.match_weight, MATCH_WEIGHT)
        elif isinstance(module, IdentityLinear):
            initialization.eye_(module.weight)


def _mean_of_tokens(hidden: Tensor, tokens: Tensor) -> Tensor:
    """Return ``[B, N, D]``, the mean of the states ``[B, T, D]`` of each word's tokens ``[B, N, S]``."""
    there = (tokens >= 0).unsqueeze(-1)  # [B, N, S, 1]
    rows = tokens.clamp(min=0).flatten(1).unsqueeze(-1).expand(-1, -1, hidden.shape[-1])
    states = hidden.gather(1, rows).unflatten(1, tokens.shape[1:])  # [B, N, S, D]
    return states.masked_fill(~there, 0).sum(2) / there.sum(2).clamp(min=1)


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross entropy over the words whose sense is known; 0 if there is none."""
    known = labels.flatten() >= 0
    each = functional.cross_entropy(logits.flatten(0, 1)[known], labels.flatten()[known], reduction="sum")
    return each / known.sum().clamp(min=1)
