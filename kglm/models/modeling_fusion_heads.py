"""The fusion encoder with heads for tasks.

Dimensions: B texts, C choices, T tokens, M entities of a text, S tokens of an entity, D hidden, D_v entity vectors,
L labels.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import (
    MultipleChoiceModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)

from kglm.models.configuration_fusion_encoder import FusionEncoderConfig
from kglm.models.modeling_fusion_encoder import FusionEncoderModel, FusionEncoderOutput, FusionEncoderPreTrainedModel


class FusionTextHead(nn.Module):
    r"""A linear layer on one vector for each text.

    The vector is the output of the backbone's pooler where the model keeps it, else
    :math:`tanh(W h_{[CLS]} + b)` with a layer of its own.

    Shapes:
        out: ``[B, num_labels]``
    """

    def __init__(self, config: FusionEncoderConfig, num_labels: int) -> None:
        super().__init__()
        self.dense = None if config.pooler else nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(config.hidden_size, num_labels)

    def forward(self, encoded: FusionEncoderOutput) -> Tensor:
        """Return the scores of each text."""
        pooled = encoded.pooler_output if self.dense is None else self.dense(encoded[0][:, 0]).tanh()
        return self.classifier(self.dropout(pooled))


class FusionEncoderForSequenceClassification(FusionEncoderPreTrainedModel):
    """Classifies whole texts: relations between two marked mentions, or the type of one.

    ``config.problem_type`` chooses the loss as with every classifier of transformers: one label of several, several
    at once ("multi_label_classification"), or a number ("regression").
    """

    def __init__(self, config: FusionEncoderConfig) -> None:
        super().__init__(config)
        self.encoder = FusionEncoderModel(config)
        self.encoder.drop_entity_output()
        self.head = FusionTextHead(config, _num_labels(config))
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
        output_hidden_states: bool = False,
        return_dict: bool | None = None,
    ) -> SequenceClassifierOutput | tuple[Any, ...]:
        """Return scores ``[B, L]``, and the loss where labels are given.

        Args other than these are those of :meth:`FusionEncoderModel.forward`:
            labels: ``[B]`` label of each text; ``[B, L]`` 0 or 1 for several labels at once.
        """
        encoded = self.encoder(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            entity_embeds=entity_embeds,
            entity_tokens=entity_tokens,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        logits = self.head(encoded)
        loss = None
        if labels is not None:
            loss = self.loss_function(labels=labels, pooled_logits=logits, config=self.config)
        output = SequenceClassifierOutput(loss=loss, logits=logits, hidden_states=encoded.hidden_states)
        return output.to_tuple() if return_dict is False else output


class FusionEncoderForTokenClassification(FusionEncoderPreTrainedModel):
    """Labels each token, such as with senses or with the types of the entity it begins."""

    def __init__(self, config: FusionEncoderConfig) -> None:
        super().__init__(config)
        self.encoder = FusionEncoderModel(config)
        self.encoder.drop_entity_output()
        self.dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(config.hidden_size, _num_labels(config))
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
        output_hidden_states: bool = False,
        return_dict: bool | None = None,
    ) -> TokenClassifierOutput | tuple[Any, ...]:
        """Return scores ``[B, T, L]``, and the loss where labels are given.

        Args other than these are those of :meth:`FusionEncoderModel.forward`:
            labels: ``[B, T]`` label of each token; -100 where there is none.
        """
        encoded = self.encoder(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            entity_embeds=entity_embeds,
            entity_tokens=entity_tokens,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        logits = self.classifier(self.dropout(encoded.last_hidden_state))
        loss = None
        if labels is not None:
            loss = functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        output = TokenClassifierOutput(loss=loss, logits=logits, hidden_states=encoded.hidden_states)
        return output.to_tuple() if return_dict is False else output


class FusionEncoderForMultipleChoice(FusionEncoderPreTrainedModel):
    """Chooses between texts, each of question and choice."""

    def __init__(self, config: FusionEncoderConfig) -> None:
        super().__init__(config)
        self.encoder = FusionEncoderModel(config)
        self.encoder.drop_entity_output()
        self.head = FusionTextHead(config, 1)
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
        output_hidden_states: bool = False,
        return_dict: bool | None = None,
    ) -> MultipleChoiceModelOutput | tuple[Any, ...]:
        """Return scores ``[B, C]``, and the loss where labels are given.

        Every input of :meth:`FusionEncoderModel.forward` has C behind B, such as ``input_ids`` ``[B, C, T]`` and
        ``entity_embeds`` ``[B, C, M, D_v]``; ``labels`` are ``[B]``.
        """
        texts = input_ids if input_ids is not None else inputs_embeds
        if texts is None:
            raise ValueError("give exactly one of input_ids and inputs_embeds")
        encoded = self.encoder(
            input_ids=_one_by_one(input_ids),
            attention_mask=_one_by_one(attention_mask),
            token_type_ids=_one_by_one(token_type_ids),
            position_ids=_one_by_one(position_ids),
            inputs_embeds=_one_by_one(inputs_embeds),
            entity_embeds=_one_by_one(entity_embeds),
            entity_tokens=_one_by_one(entity_tokens),
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        logits = self.head(encoded).view(texts.shape[:2])
        loss = None if labels is None else functional.cross_entropy(logits.float(), labels)
        output = MultipleChoiceModelOutput(loss=loss, logits=logits, hidden_states=encoded.hidden_states)
        return output.to_tuple() if return_dict is False else output


def _one_by_one(inputs: Tensor | None) -> Tensor | None:
    """Join the choices of all questions, ``[B, C, ...]`` to ``[B * C, ...]``."""
    return None if inputs is None else inputs.flatten(0, 1)


def _num_labels(config: FusionEncoderConfig) -> int:
    return config.num_labels or 0  # None only without names of labels, which a configuration always has
