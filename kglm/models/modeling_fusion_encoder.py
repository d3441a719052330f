"""An encoder whose layers take in entity vectors, on any BERT-like backbone.

Dimensions: B texts, T tokens, M entities of a text, S tokens of an entity, D hidden, D_v entity vectors, D_e
entities inside the layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, PreTrainedModel, initialization
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.utils import ModelOutput

from kglm.encoders.pretrained import without_pooler
from kglm.models.backbones import BACKBONES, Backbone
from kglm.models.configuration_fusion_encoder import FusionEncoderConfig
from kglm.nn.entity_alignment import EntityAlignment, align_entities
from kglm.nn.entity_fusion import EntityFusion, ZeroLinear


@dataclass
class FusionEncoderOutput(ModelOutput):
    """What the encoder makes of a batch.

    Attributes:
        last_hidden_state: ``[B, T, D]``.
        pooler_output: ``[B, D]``, where the configuration keeps the backbone's pooler.
        entity_states: ``[B, M, D_e]`` after the last fused layer, 0 where there is no entity; None without any, and
            from an encoder that has dropped them.
        hidden_states: on request the embeddings and the output of each layer, ``[B, T, D]`` each.
    """

    last_hidden_state: Tensor | None = None
    pooler_output: Tensor | None = None
    entity_states: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None


class FusionBlock(GradientCheckpointingLayer):
    """One layer: that of the backbone, which it is given, and the fusion, if any, which it holds."""

    def __init__(self, fusion: EntityFusion | None) -> None:
        super().__init__()
        self.fusion = fusion

    def forward(
        self,
        hidden: Tensor,
        entities: Tensor | None,
        layer: nn.Module,
        backbone: Backbone,
        attention_inputs: dict[str, Any],
        alignment: EntityAlignment | None,
    ) -> tuple[Tensor, Tensor | None]:
        """Return tokens ``[B, T, D]`` and entities ``[B, M, D_e]`` after the layer."""
        attended = backbone.attend(layer, hidden, attention_inputs).flatten(0, 1)  # [B * T, D]
        activation = backbone.expand(layer, attended)  # [B * T, I]
        attended_entities = None
        if self.fusion is not None:
            if entities is not None and alignment is not None:
                attended_entities = self.fusion.attend(entities, alignment)
            activation = self.fusion.inject(activation, attended_entities, alignment)
        activation = backbone.activate(layer, activation)
        if self.fusion is not None and attended_entities is not None and alignment is not None:
            entities = self.fusion.update(activation, attended_entities, alignment)
        return backbone.contract(layer, activation, attended).view_as(hidden), entities


class FusionEncoderPreTrainedModel(PreTrainedModel):
    """What the fusion encoder and its heads share: initialisation, and construction on a pretrained backbone."""

    config_class = FusionEncoderConfig
    config: FusionEncoderConfig
    base_model_prefix = "encoder"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    # What a plain backbone lacks, and what learns at the rate of new parameters (kglm.training).
    fresh_parameters = ("encoder.blocks.", "encoder.entity_projection.")
    # Of the layer that makes the entity output, in checkpoints of models that keep it.
    _keys_to_ignore_on_load_unexpected = [r"blocks\.\d+\.fusion\.(outward|norm)\."]  # noqa: RUF012

    @classmethod
    def from_backbone(cls, backbone: PreTrainedModel, **config_fields: Any) -> Self:
        """Return a model on a pretrained encoder, with all else freshly initialised.

        Args:
            backbone: an encoder such as ``AutoModel`` loads; it becomes part of the model, with its pooler if it
                has one.
            config_fields: fields of :class:`FusionEncoderConfig` other than ``backbone_config`` and ``pooler``.

        Raises:
            ConfigError: there is no adapter for such an encoder, or a field's value is not allowed.
        """
        pooler = getattr(backbone, "pooler", None) is not None
        model: Any = cls(FusionEncoderConfig(backbone_config=backbone.config, pooler=pooler, **config_fields))
        model.to(device=backbone.device, dtype=backbone.dtype)
        model.config.dtype = backbone.dtype
        # Replaced only now: post_init would initialise the pretrained weights anew.
        model.base_model.backbone = backbone
        return model

    def get_input_embeddings(self) -> nn.Module:
        """Return the backbone's word embeddings."""
        return self._backbone().get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Set the backbone's word embeddings."""
        self._backbone().set_input_embeddings(value)

    def resize_token_embeddings(self, *args: Any, **kwargs: Any) -> nn.Embedding:
        """Resize the backbone's word embeddings, as for marker tokens; its configuration notes the new size."""
        embeddings = self._backbone().resize_token_embeddings(*args, **kwargs)
        self.config.backbone_config.vocab_size = embeddings.num_embeddings
        return embeddings

    def _backbone(self) -> Any:
        return self.base_model.backbone

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        # from_pretrained builds on the meta device and comes here for whatever the checkpoint lacks. The backbone
        # initialises itself, by its own method.
        if isinstance(module, ZeroLinear):
            initialization.zeros_(module.weight)
            initialization.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            deviation = getattr(self.config.backbone_config, "initializer_range", 0.02)
            initialization.normal_(module.weight, std=deviation)
            if module.bias is not None:
                initialization.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            initialization.ones_(module.weight)
            initialization.zeros_(module.bias)


class FusionEncoderModel(FusionEncoderPreTrainedModel):
    """A BERT-like encoder with entity vectors fused into its layers (THU-ERNIE, Zhang et al., ACL 2019).

    The equations stand at :class:`kglm.nn.entity_fusion.EntityFusion`. The backbone's weights keep their names
    under ``backbone.``.
    """

    def __init__(self, config: FusionEncoderConfig) -> None:
        super().__init__(config)
        config.check()
        backbone_config = config.backbone_config
        options = {} if config.pooler else without_pooler(backbone_config)
        self.backbone = AutoModel.from_config(backbone_config, **options)
        projects = config.fused_dim != config.entity_dim
        self.entity_projection = nn.Linear(config.entity_dim, config.fused_dim, bias=False) if projects else None
        self.blocks = nn.ModuleList(FusionBlock(_build_fusion(config, kind)) for kind in config.schedule)
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
        output_hidden_states: bool = False,
        return_dict: bool | None = None,
        between: Callable[[int, Tensor], Tensor] | None = None,
    ) -> FusionEncoderOutput | tuple[Any, ...]:
        """Encode texts with the entities mentioned in them.

        Args:
            input_ids: ``[B, T]``; or give ``inputs_embeds``.
            attention_mask: ``[B, T]``, 1 on real tokens; None if all are.
            token_type_ids: ``[B, T]``, for backbones that have them.
            position_ids: ``[B, T]``.
            inputs_embeds: ``[B, T, D]`` in place of ``input_ids``.
            entity_embeds: ``[B, M, D_v]`` vectors of the entities, gathered from a table; their order is of no
                account, and what stands where there is no entity neither.
            entity_tokens: ``[B, M, S]`` (or ``[B, M]``) positions of each entity's tokens; negative, or beyond the
                text, where there is none. An entity without tokens is padding. With the alignment "first" only the
                first position counts. :func:`kglm.nn.span_tokens` makes them of spans.
            output_hidden_states: return the output of each layer.
            return_dict: False gives a tuple.
            between: called after each layer with its number and the tokens ``[B, T, D]``; what it returns goes on.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give exactly one of input_ids and inputs_embeds")
        adapter = BACKBONES[self.config.backbone_config.model_type]
        hidden = adapter.embed(
            self.backbone,
            input_ids=input_ids,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
        )
        attention_inputs = adapter.attention_inputs(self.backbone, hidden, attention_mask)
        entities, alignment = self._prepare(entity_embeds, entity_tokens, hidden)
        states = [hidden] if output_hidden_states else []
        for index, (block, layer) in enumerate(zip(self.blocks, adapter.layers(self.backbone), strict=True)):
            hidden, entities = block(hidden, entities, layer, adapter, attention_inputs, alignment)
            if between is not None:
                hidden = between(index, hidden)
            if output_hidden_states:
                states.append(hidden)
        output = FusionEncoderOutput(
            last_hidden_state=hidden,
            pooler_output=self.backbone.pooler(hidden) if self.config.pooler else None,
            entity_states=self._given(entities, alignment, entity_embeds),
            hidden_states=tuple(states) if output_hidden_states else None,
        )
        return output.to_tuple() if return_dict is False else output

    def drop_entity_output(self) -> None:
        """Leave out ``entity_states``, with the weights of the last fused layer that nothing else depends on.

        For models that read the tokens alone: a parameter without a gradient would hold up data-parallel training.
        """
        fused = [fusion for block in self.blocks if isinstance(fusion := block.fusion, EntityFusion)]
        if fused:
            fused[-1].drop_output()

    def _prepare(
        self, embeds: Tensor | None, tokens: Tensor | None, hidden: Tensor
    ) -> tuple[Tensor | None, EntityAlignment | None]:
        """Return the entities ``[B, M, D_e]``, the pseudo-entity of [CLS] first, and their alignment."""
        batch, num_tokens = hidden.shape[:2]
        if embeds is None or tokens is None:
            if embeds is not tokens:
                raise ValueError("entity_embeds and entity_tokens must be given together")
            embeds = hidden.new_zeros(batch, 0, self.config.entity_dim)
            tokens = torch.empty(batch, 0, 1, dtype=torch.long, device=hidden.device)
        tokens = tokens.unsqueeze(-1) if tokens.dim() == 2 else tokens
        if embeds.shape != (batch, tokens.shape[1], self.config.entity_dim) or tokens.shape[0] != batch:
            raise ValueError(
                f"entity_embeds {tuple(embeds.shape)} and entity_tokens {tuple(tokens.shape)} do not fit; expected "
                f"[{batch}, M, {self.config.entity_dim}] and [{batch}, M, S]"
            )
        if self.config.alignment == "first":
            tokens = tokens[..., :1]
        is_token = (tokens >= 0) & (tokens < num_tokens)  # [B, M, S]
        # Padding may hold anything, also what is not a number.
        embeds = embeds.masked_fill(~is_token.any(-1, keepdim=True), 0).to(self.dtype) * self.config.entity_scale
        entities = embeds if self.entity_projection is None else self.entity_projection(embeds)
        if self.config.cls_entity != "none":
            entities = functional.pad(entities, (0, 0, 1, 0))
            tokens = torch.cat((self._cls_tokens(is_token), tokens), dim=1)
        if entities.shape[1] == 0:
            return None, None
        return entities, align_entities(tokens, num_tokens, self.dtype)

    def _cls_tokens(self, is_token: Tensor) -> Tensor:
        """Return the positions ``[B, 1, S]`` of the pseudo-entity: the first token, or none."""
        batch, _, width = is_token.shape
        place = torch.arange(0, -width, -1, device=is_token.device).expand(batch, 1, width)  # 0, and what is none
        if self.config.cls_entity == "always":
            return place
        return place.masked_fill(~is_token.flatten(1).any(-1)[:, None, None], -1)

    def _given(
        self, entities: Tensor | None, alignment: EntityAlignment | None, embeds: Tensor | None
    ) -> Tensor | None:
        """Return the entities that the caller gave, without the pseudo-entity."""
        if entities is None or alignment is None or embeds is None:
            return None
        num_given = embeds.shape[1]
        shown = entities.masked_fill(~alignment.present.unsqueeze(-1), 0)
        return shown[:, shown.shape[1] - num_given :]


def _build_fusion(config: FusionEncoderConfig, kind: str) -> EntityFusion | None:
    if kind == "plain":
        return None
    backbone = config.backbone_config
    return EntityFusion(
        entity_dim=config.fused_dim,
        intermediate_dim=backbone.intermediate_size,
        num_heads=config.num_entity_heads if kind == "fuse" else None,
        bias=config.entity_bias,
        zero_init=config.zero_init,
        dropout=backbone.hidden_dropout_prob,
        attention_dropout=backbone.attention_probs_dropout_prob,
        norm_eps=backbone.layer_norm_eps,
    )
