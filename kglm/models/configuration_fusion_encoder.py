"""Configuration of the fusion encoder."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from transformers import AutoConfig, PreTrainedConfig

from kglm.errors import ConfigError
from kglm.models.backbones import check_backbone
from kglm.models.config_fields import as_config, check_choice, check_flag, check_positive, refuse_unknown
from kglm.models.reasoners import check_dropout

LAYER_TYPES = ("plain", "mix", "fuse")
ALIGNMENTS = ("first", "span")
ENTITY_BIASES = ("aligned", "all")
CLS_ENTITIES = ("none", "with_entities", "always")

_OWN_FIELDS = (
    "backbone_config",
    "entity_dim",
    "entity_scale",
    "fusion_dim",
    "num_entity_heads",
    "fusion_layers",
    "alignment",
    "entity_bias",
    "cls_entity",
    "zero_init",
    "pooler",
    "head_dropout",
    "graph_fingerprint",
    "sentence_head",
    "objective_weights",
)


class FusionEncoderConfig(PreTrainedConfig):
    """What :class:`~kglm.models.modeling_fusion_encoder.FusionEncoderModel` is made of.

    By default a text without entities is encoded exactly as by the backbone, whatever the weights. The reference
    (THU-ERNIE's code, and so its released weights) differs: it needs ``entity_bias="all"`` and
    ``cls_entity="always"``.

    Args:
        backbone_config: configuration of a BERT, RoBERTa, XLM-RoBERTa, ELECTRA or MPNet, or its dict with
            ``model_type``.
        entity_dim: D_v, dimension of the entity vectors in the batch; must be given.
        entity_scale: what the entity vectors are multiplied by as they enter. Components of about 1 hold their own
            against the layers' norms and against what a layer adds to an entity; vectors of length 1 do not.
        fusion_dim: D_e, dimension of the entities inside the layers; None takes them as they are, another number
            projects them first, without a bias.
        num_entity_heads: heads of the entities' self-attention; must divide the entities' dimension.
        fusion_layers: for each layer of the backbone "plain" (no entities), "mix" (entities without self-attention)
            or "fuse" (with it). None gives the reference's schedule: of 12 layers 5 plain, 1 mix, 6 fuse.
        alignment: "first" puts an entity at the first of its tokens given, "span" at all of them.
        entity_bias: which tokens get the bias of the entities' projection: "aligned" those with an entity (the
            paper), "all" every token (the reference). See :class:`kglm.nn.entity_fusion.EntityFusion`.
        cls_entity: whether the first token bears a pseudo-entity, which starts as a zero vector and looks at the
            text's entities: "none", "with_entities" in texts that have an entity, "always" (the reference).
        zero_init: start the projections of the entities at zero, so that the untrained model is the backbone.
        pooler: keep the backbone's pooler.
        head_dropout: dropout before a task's head.
        graph_fingerprint: fingerprint of the knowledge graph whose entity vectors the model was trained on.
        sentence_head: judge pairs of sentences in pretraining without the backbone's pooler, by a layer of its own.
        objective_weights: in pretraining, the weights of the losses of tokens, entities and sentences; 0 leaves an
            objective out.

    Raises:
        ConfigError: a field is unknown or its value is not allowed.
    """

    model_type = "kglm_fusion_encoder"
    sub_configs: ClassVar[dict[str, Any]] = {"backbone_config": AutoConfig}
    has_no_defaults_at_init: ClassVar[bool] = True  # there is no default backbone
    keys_to_ignore_at_inference: ClassVar[list[str]] = ["entity_states"]

    backbone_config: Any = None  # after construction a PreTrainedConfig
    entity_dim: int = 0  # to be given
    entity_scale: float = 1.0
    fusion_dim: int | None = None
    num_entity_heads: int = 4
    fusion_layers: list[str] | None = None  # after construction a list
    alignment: str = "first"
    entity_bias: str = "aligned"
    cls_entity: str = "with_entities"
    zero_init: bool = True
    pooler: bool = False
    head_dropout: float = 0.1
    graph_fingerprint: str | None = None
    sentence_head: bool = False
    objective_weights: list[float] | tuple[float, ...] = (1.0, 1.0, 1.0)

    def __post_init__(self, **kwargs: Any) -> None:
        refuse_unknown(type(self).__name__, kwargs, _OWN_FIELDS)
        self.backbone_config = as_config("backbone_config", self.backbone_config)
        check_flag("pooler", self.pooler)
        check_backbone(self.backbone_config, pooler=self.pooler)
        if self.fusion_layers is None:
            self.fusion_layers = default_fusion_layers(self.backbone_config.num_hidden_layers)
        super().__post_init__(**kwargs)
        self.check()

    def check(self) -> None:
        """Raise ConfigError if a value is not allowed; attributes may have been set since construction."""
        check_flag("pooler", self.pooler)
        check_backbone(self.backbone_config, pooler=self.pooler)
        check_positive("entity_dim", self.entity_dim)
        if not (_is_weight(self.entity_scale) and self.entity_scale > 0):
            raise ConfigError(f"entity_scale is {self.entity_scale!r}; allowed: a number above 0")
        if self.fusion_dim is not None:
            check_positive("fusion_dim", self.fusion_dim)
        check_positive("num_entity_heads", self.num_entity_heads)
        self._check_fusion_layers()
        if "fuse" in self.schedule and self.fused_dim % self.num_entity_heads:
            raise ConfigError(
                f"num_entity_heads is {self.num_entity_heads}; allowed: divisors of the entities' dimension, "
                f"{self.fused_dim}"
            )
        check_choice("alignment", self.alignment, ALIGNMENTS)
        check_choice("entity_bias", self.entity_bias, ENTITY_BIASES)
        check_choice("cls_entity", self.cls_entity, CLS_ENTITIES)
        check_flag("zero_init", self.zero_init)
        check_dropout("head_dropout", self.head_dropout)
        check_flag("sentence_head", self.sentence_head)
        self._check_objective_weights()
        if not (self.graph_fingerprint is None or isinstance(self.graph_fingerprint, str)):
            raise ConfigError(f"graph_fingerprint is {self.graph_fingerprint!r}; allowed: None or a string")

    def _check_fusion_layers(self) -> None:
        if not isinstance(self.fusion_layers, list | tuple):
            raise ConfigError(f"fusion_layers is {self.fusion_layers!r}; allowed: a list of {', '.join(LAYER_TYPES)}")
        for i, layer_type in enumerate(self.fusion_layers):
            check_choice(f"fusion_layers[{i}]", layer_type, LAYER_TYPES)
        layers = self.backbone_config.num_hidden_layers
        if len(self.fusion_layers) != layers:
            raise ConfigError(
                f"fusion_layers has {len(self.fusion_layers)} entries; the backbone has {layers} layers"
            )

    def _check_objective_weights(self) -> None:
        weights = self.objective_weights
        if not isinstance(weights, list | tuple) or len(weights) != 3 or not all(_is_weight(w) for w in weights):
            raise ConfigError(
                f"objective_weights is {weights!r}; allowed: three numbers of at least 0, for tokens, entities and "
                "sentences"
            )
        self.objective_weights = [float(weight) for weight in weights]

    @property
    def schedule(self) -> tuple[str, ...]:
        """The type of each layer."""
        return tuple(self.fusion_layers or ())

    @property
    def fused_dim(self) -> int:
        """D_e, dimension of the entities inside the layers."""
        return self.fusion_dim or self.entity_dim

    @property
    def num_hidden_layers(self) -> int:
        """The backbone's number of layers."""
        return self.backbone_config.num_hidden_layers

    @property
    def hidden_size(self) -> int:
        """The backbone's hidden size, D."""
        return self.backbone_config.hidden_size


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def default_fusion_layers(num_layers: int) -> list[str]:
    """Return the reference's schedule for any depth: just under half plain, one mix, the rest fuse."""
    plain = (num_layers - 1) // 2
    return ["plain"] * plain + ["mix"] + ["fuse"] * (num_layers - plain - 1)
