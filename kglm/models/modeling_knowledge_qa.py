"""Multiple-choice question answering by an encoder, with or without a reasoner over schema graphs.

Dimensions: B questions, G question-choice pairs (the sum of the questions' choices), T tokens, D hidden, D_g
dimension of the graph vector, M concept pairs, P paths.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import MODEL_MAPPING, AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel, initialization
from transformers.utils import ModelOutput

from kglm.models.configuration_knowledge_qa import KnowledgeQAConfig
from kglm.models.reasoners import build_reasoner
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.pooling import masked_mean
from kglm.nn.ragged import segment_index, segment_log_softmax
from kglm.nn.reasoner import ReasonerOutput
from kglm.nn.score_head import ScoreHead


@dataclass
class KnowledgeQAOutput(ModelOutput):
    """What the model says of a batch.

    Attributes:
        loss: mean cross entropy over the questions, where labels were given.
        logits: ``[G]`` scores, question after question.
        path_attention: ``[P]`` weight of each path within its concept pair; None without a reasoner.
        pair_attention: ``[M]`` weight of each concept pair within its graph; None without a reasoner.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    path_attention: Tensor | None = None
    pair_attention: Tensor | None = None


class KnowledgeQAForMultipleChoice(PreTrainedModel):
    r"""Scores each choice of a question, from its text and, with a reasoner, from its schema graph.

    .. math:: score = \lambda \cos(\bar{h}_{question}, \bar{h}_{choice}) + w \cdot [g; s] + b

    The bars are means over tokens, ``s`` is the mean over all real tokens and ``g`` the graph vector of the
    reasoner; without a reasoner ``g`` is absent. ``w`` and ``b`` start at zero: untrained, the model is the
    encoder's own cosine, and the head learns a correction to it.
    """

    config_class = KnowledgeQAConfig
    config: KnowledgeQAConfig
    base_model_prefix = "encoder"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    def __init__(self, config: KnowledgeQAConfig) -> None:
        super().__init__(config)
        config.check()
        self.encoder = AutoModel.from_config(config.encoder_config, **_without_pooler(config.encoder_config))
        self.reasoner = build_reasoner(config.reasoner, config.hidden_size) if config.reasoner else None
        graph_dim = self.reasoner.output_dim if self.reasoner else 0
        self.score_head = ScoreHead(graph_dim + config.hidden_size, dropout=config.head_dropout)
        self.scale = nn.Parameter(torch.tensor(float(config.cosine_scale)))
        self.post_init()
        self._freeze()

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
        """Load as every ``PreTrainedModel`` does, and freeze again: loading makes all parameters trainable."""
        loaded = super().from_pretrained(*args, **kwargs)
        model = loaded[0] if isinstance(loaded, tuple) else loaded  # a tuple with output_loading_info=True
        model._freeze()
        return loaded

    @classmethod
    def from_encoder(
        cls, name_or_path: str, *, encoder_options: Mapping[str, Any] | None = None, **config_fields: Any
    ) -> KnowledgeQAForMultipleChoice:
        """Return a model on a pretrained encoder, with all else freshly initialised.

        Args:
            name_or_path: of any encoder that ``AutoModel.from_pretrained`` can load.
            encoder_options: passed there too, such as ``{"attention_probs_dropout_prob": 0.0}``.
            config_fields: fields of :class:`KnowledgeQAConfig` other than ``encoder_config``.
        """
        # Not the checkpoint's own precision, which may be half: this model is made to be trained.
        options = {"dtype": torch.float32, **(encoder_options or {})}
        no_pooler = _without_pooler(AutoConfig.from_pretrained(name_or_path))
        encoder = AutoModel.from_pretrained(name_or_path, **no_pooler, **options)
        model = cls(KnowledgeQAConfig(encoder_config=encoder.config, **config_fields))
        # Replaced only now: post_init would initialise the pretrained weights anew.
        model.encoder = encoder
        model._freeze()
        return model

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        choice_mask: Tensor,
        num_choices: Tensor,
        graph: GraphBatch | None = None,
        labels: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        return_dict: bool | None = None,
    ) -> KnowledgeQAOutput | tuple[Tensor, ...]:
        """Score the choices of a batch of questions.

        Args:
            input_ids: ``[G, T]``, question and choice in one sequence, question after question.
            attention_mask: ``[G, T]``, 1 on real tokens.
            choice_mask: ``[G, T]``, 1 on the tokens of the choice. All other real tokens count as the question.
            num_choices: ``[B]`` choices of each question; they sum to G.
            graph: the G schema graphs; needed with a reasoner, ignored without one.
            labels: ``[B]`` right choice of each question, counted within the question.
            token_type_ids: ``[G, T]``, for encoders that take it.
            return_dict: False gives a tuple.
        """
        if int(num_choices.sum()) != input_ids.shape[0]:
            raise ValueError(
                f"num_choices sum to {int(num_choices.sum())}, but input_ids hold {input_ids.shape[0]} choices"
            )
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask, return_dict=True, **types)[0]
        statement = masked_mean(tokens, attention_mask)  # [G, D]
        reasoned = self._reason(graph, statement)

        features = statement
        if reasoned is not None:
            features = torch.cat((reasoned.graph_vector.to(statement.dtype), statement), dim=-1)  # [G, D_g + D]
        logits = self.scale * _cosine(tokens, attention_mask, choice_mask) + self.score_head(features)  # [G]
        output = KnowledgeQAOutput(
            loss=None if labels is None else choice_loss(logits, num_choices, labels),
            logits=logits,
            path_attention=reasoned.path_attention if reasoned else None,
            pair_attention=reasoned.pair_attention if reasoned else None,
        )
        return output.to_tuple() if return_dict is False else output

    def _reason(self, graph: GraphBatch | None, statement: Tensor) -> ReasonerOutput | None:
        if self.reasoner is None:
            return None
        if graph is None:
            raise ValueError(
                f"{type(self.reasoner).__name__} needs a GraphBatch as graph=, but it is None; "
                "collate with schema graphs, or set reasoner to None for the plain encoder"
            )
        if graph.num_graphs != statement.shape[0]:
            raise ValueError(f"graph holds {graph.num_graphs} graphs, but there are {statement.shape[0]} choices")
        return self.reasoner(graph, statement)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the trainable parameters of the ``encoder`` and of the ``knowledge`` side (all the rest)."""
        groups: dict[str, list[nn.Parameter]] = {"encoder": [], "knowledge": []}
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                groups["encoder" if name.startswith("encoder.") else "knowledge"].append(parameter)
        return groups

    def get_input_embeddings(self) -> nn.Module:
        """Return the encoder's word embeddings."""
        return self.encoder.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Set the encoder's word embeddings."""
        self.encoder.set_input_embeddings(value)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        # from_pretrained builds on the meta device and comes here for whatever the checkpoint lacks. The encoder is
        # initialised by its own method; the rest is torch's, guarded by transformers for what was loaded.
        if module is self:
            initialization.constant_(self.scale, self.config.cosine_scale)
        elif isinstance(module, ScoreHead):
            initialization.zeros_(module.weight)
            initialization.zeros_(module.bias)
        elif callable(reset := getattr(module, "reset_parameters", None)):
            reset()

    def _freeze(self) -> None:
        if self.config.freeze_word_embeddings:
            self.get_input_embeddings().requires_grad_(False)


def choice_loss(logits: Tensor, num_choices: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy, each question over its own choices.

    Shapes:
        logits: ``[G]``; num_choices: ``[B]``; labels: ``[B]``, counted within the question; out: scalar
    """
    if bool(((labels < 0) | (labels >= num_choices)).any()):
        raise ValueError(f"labels {labels.tolist()} do not all lie in [0, num_choices) with {num_choices.tolist()}")
    ends = num_choices.cumsum(0)  # [B]
    question = segment_index(functional.pad(ends, (1, 0)), logits.numel())  # [G]
    log_probabilities = segment_log_softmax(logits, question, num_choices.numel())
    return -log_probabilities[ends - num_choices + labels].mean()


def _cosine(tokens: Tensor, attention_mask: Tensor, choice_mask: Tensor) -> Tensor:
    real, choice = attention_mask.bool(), choice_mask.bool()
    return functional.cosine_similarity(masked_mean(tokens, real & ~choice), masked_mean(tokens, real & choice))


def _without_pooler(config: PreTrainedConfig) -> dict[str, bool]:
    """Return the argument that leaves the pooler out, where the encoder takes it."""
    model_class: Any = MODEL_MAPPING[type(config)]
    if isinstance(model_class, tuple):
        model_class = model_class[0]
    takes_it = "add_pooling_layer" in inspect.signature(model_class).parameters
    return {"add_pooling_layer": False} if takes_it else {}
