"""Multiple-choice question answering by an encoder, with or without a reasoner over schema graphs.

Dimensions: B questions, G question-choice pairs (the sum of the questions' choices), F of them with facts, T tokens,
D hidden, D_g
dimension of the graph vector, M concept pairs, P paths, N nodes; of the entities fused into a text, U mentions,
S tokens of each, D_v their vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, PreTrainedModel, initialization
from transformers.utils import ModelOutput

from kglm.encoders.pretrained import without_pooler
from kglm.errors import ConfigError
from kglm.models.configuration_knowledge_qa import KnowledgeQAConfig
from kglm.models.interaction import encode_with_reasoner
from kglm.models.length_groups import read_in_groups
from kglm.models.modeling_fusion_encoder import FusionEncoderModel, FusionEncoderPreTrainedModel
from kglm.models.reasoners import build_reasoner
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.interaction import InteractiveReasoner
from kglm.nn.pooling import masked_mean
from kglm.nn.ragged import segment_index, segment_log_softmax
from kglm.nn.reasoner import ReasonerOutput
from kglm.nn.score_head import ScoreHead
from kglm.nn.text_vectors import TextVectors

_BY_TOKEN = frozenset({"input_ids", "attention_mask", "token_type_ids"})  # [texts, T]; those of entities are not


@dataclass
class KnowledgeQAOutput(ModelOutput):
    """What the model says of a batch.

    Attributes:
        loss: mean cross entropy over the questions, where labels were given.
        logits: ``[G]`` scores, question after question.
        path_attention: ``[P]``, the reasoner's; see :class:`kglm.nn.reasoner.ReasonerOutput` for all four, each None
            where the reasoner does not give it, or there is none.
        pair_attention: ``[M]``.
        node_attention: ``[N]``.
        node_relevance: ``[N]``.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    path_attention: Tensor | None = None
    pair_attention: Tensor | None = None
    node_attention: Tensor | None = None
    node_relevance: Tensor | None = None


class KnowledgeQAForMultipleChoice(PreTrainedModel):
    r"""Scores each choice of a question, from its text and, with a reasoner, from its schema graph.

    .. math:: score = \lambda \cos(q, c) + \mu \cos(q, f) + w \cdot [g; s] + b

    One encoder reads the question ``q``, the choice ``c``, the choice with its facts ``f``, and question, choice and
    facts together, ``s``; each vector is the mean over the text's tokens. ``g`` is the graph vector of the reasoner.
    Without facts the second cosine is absent, without a reasoner ``g`` is. ``w`` and ``b`` start at zero: untrained,
    the model is the encoder's own cosine of two texts, and the head learns a correction.

    With a :class:`~kglm.models.FusionEncoderModel` as its encoder, entity vectors enter each of the texts.
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
        self.encoder = AutoModel.from_config(config.encoder_config, **without_pooler(config.encoder_config))
        _drop_unread(self.encoder)
        self.reasoner = build_reasoner(config.reasoner, config.hidden_size) if config.reasoner else None
        graph_dim = self.reasoner.output_dim if self.reasoner else 0
        self.score_head = ScoreHead(graph_dim + config.hidden_size, dropout=config.head_dropout)
        self.scale = nn.Parameter(torch.tensor(float(config.cosine_scale)))
        self.fact_scale = nn.Parameter(torch.tensor(float(config.cosine_scale))) if config.reads_facts else None
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
    def from_encoder(cls, encoder: PreTrainedModel, **config_fields: Any) -> KnowledgeQAForMultipleChoice:
        """Return a model on a pretrained encoder, with all else freshly initialised.

        Args:
            encoder: see :func:`kglm.encoders.pretrained.load_encoder`; it becomes part of the model.
            config_fields: fields of :class:`KnowledgeQAConfig` other than ``encoder_config``.
        """
        model = cls(KnowledgeQAConfig(encoder_config=encoder.config, **config_fields))
        # Replaced only now: post_init would initialise the pretrained weights anew.
        _drop_unread(encoder)
        model.encoder = encoder
        model._freeze()
        return model

    @property
    def fresh_parameters(self) -> tuple[str, ...]:
        """What no pretraining has seen within the encoder, and learns at the rate of new parameters."""
        fused = isinstance(self.encoder, FusionEncoderModel)
        return FusionEncoderPreTrainedModel.fresh_parameters if fused else ()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        question_input_ids: Tensor | None = None,
        question_attention_mask: Tensor | None = None,
        choice_input_ids: Tensor | None = None,
        choice_attention_mask: Tensor | None = None,
        informed_input_ids: Tensor | None = None,
        informed_attention_mask: Tensor | None = None,
        informed_rows: Tensor | None = None,
        num_choices: Tensor | None = None,
        graph: GraphBatch | None = None,
        labels: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        entity_embeds: Tensor | None = None,
        entity_tokens: Tensor | None = None,
        question_entity_embeds: Tensor | None = None,
        question_entity_tokens: Tensor | None = None,
        choice_entity_embeds: Tensor | None = None,
        choice_entity_tokens: Tensor | None = None,
        informed_entity_embeds: Tensor | None = None,
        informed_entity_tokens: Tensor | None = None,
        vectors: TextVectors | None = None,
        return_dict: bool | None = None,
    ) -> KnowledgeQAOutput | tuple[Tensor, ...]:
        """Score the choices of a batch of questions, from their tokens or from what the encoder said of them before.

        Args:
            input_ids: ``[G, T]``, question and choice in one sequence, question after question.
            attention_mask: ``[G, T]``, 1 on real tokens.
            question_input_ids: ``[B, T_q]``, the questions alone.
            question_attention_mask: ``[B, T_q]``.
            choice_input_ids: ``[G, T_c]``, the choices alone.
            choice_attention_mask: ``[G, T_c]``.
            informed_input_ids: ``[F, T_f]``, the choices that have facts, with them; needed by a model that reads
                facts, ignored by another.
            informed_attention_mask: ``[F, T_f]``.
            informed_rows: ``[F]``, which of the G choices these are; None for all. Another has no facts: its vector
                with them is its vector alone.
            num_choices: ``[B]`` choices of each question; they sum to G. Always needed.
            graph: the G schema graphs; needed with a reasoner, ignored without one.
            labels: ``[B]`` right choice of each question, counted within the question; negative where unknown.
            token_type_ids: ``[G, T]``, for encoders that take it.
            entity_embeds: ``[G, U, D_v]``, for a fusion encoder; see :meth:`FusionEncoderModel.forward`.
            entity_tokens: ``[G, U, S]``.
            question_entity_embeds: ``[B, U_q, D_v]``, of the questions alone; so the others.
            question_entity_tokens: ``[B, U_q, S_q]``.
            choice_entity_embeds: ``[G, U_c, D_v]``.
            choice_entity_tokens: ``[G, U_c, S_c]``.
            informed_entity_embeds: ``[F, U_f, D_v]``.
            informed_entity_tokens: ``[F, U_f, S_f]``.
            vectors: of the texts, in place of all tokens and masks; the encoder is not run. No gradient reaches it,
                and a reasoner that speaks with its layers cannot work.
            return_dict: False gives a tuple.

        Raises:
            ValueError: the inputs do not fit each other, or one is missing.
        """
        statements = input_ids if vectors is None else vectors.statement
        if num_choices is None or statements is None:
            raise ValueError(
                "num_choices, and input_ids or vectors, are needed to score choices; one of them is None"
            )
        if int(num_choices.sum()) != statements.shape[0]:
            name = "input_ids" if vectors is None else "vectors"
            raise ValueError(
                f"num_choices sum to {int(num_choices.sum())}, but {name} hold {statements.shape[0]} choices"
            )
        if vectors is None:
            types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            types |= self._entities(entity_embeds, entity_tokens)
            statement, reasoned = self._read(graph, input_ids, attention_mask, **types)  # [G, D]
            entities = self._entities(question_entity_embeds, question_entity_tokens)
            question = self.encode(question_input_ids, question_attention_mask, **entities)  # [B, D]
            entities = self._entities(choice_entity_embeds, choice_entity_tokens)
            choice = self.encode(choice_input_ids, choice_attention_mask, **entities)  # [G, D]
            informed = None
            if self.fact_scale is not None:
                entities = self._entities(informed_entity_embeds, informed_entity_tokens)
                told = self.encode(informed_input_ids, informed_attention_mask, **entities)  # [F, D]
                informed = (
                    told if informed_rows is None else choice.index_copy(0, informed_rows, told.to(choice.dtype))
                )
        else:
            question, choice, statement, informed = vectors
            reasoned = self._reason(graph, statement)
        features = statement
        if reasoned is not None:
            features = torch.cat((reasoned.graph_vector.to(statement.dtype), statement), dim=-1)  # [G, D_g + D]
        asked = question.repeat_interleave(num_choices, dim=0)  # [G, D]
        logits = self.scale * functional.cosine_similarity(asked, choice) + self.score_head(features)  # [G]
        if self.fact_scale is not None and informed is not None:
            logits = logits + self.fact_scale * functional.cosine_similarity(asked, informed)
        output = KnowledgeQAOutput(
            loss=None if labels is None or bool((labels < 0).all()) else choice_loss(logits, num_choices, labels),
            logits=logits,
            path_attention=reasoned.path_attention if reasoned else None,
            pair_attention=reasoned.pair_attention if reasoned else None,
            node_attention=reasoned.node_attention if reasoned else None,
            node_relevance=reasoned.node_relevance if reasoned else None,
        )
        return output.to_tuple() if return_dict is False else output

    def _entities(self, embeds: Tensor | None, tokens: Tensor | None) -> dict[str, Tensor]:
        """Return the entities of texts as the encoder takes them; without any a fusion encoder is the plain one."""
        if embeds is None or tokens is None:
            if embeds is not tokens:
                raise ValueError("the embeds and the tokens of the entities of a text must be given together")
            return {}
        if not isinstance(self.encoder, FusionEncoderModel):
            raise ValueError(f"{type(self.encoder).__name__} takes in no entities; expected a FusionEncoderModel")
        return {"entity_embeds": embeds, "entity_tokens": tokens}

    @property
    def reads_vectors(self) -> bool:
        """Whether ``vectors`` may be given in place of tokens, epoch after epoch: the encoder is frozen and apart."""
        apart = not isinstance(self.reasoner, InteractiveReasoner) and self.config.entity_dim is None
        return self.config.freeze_encoder and apart

    def encode(self, input_ids: Tensor | None, attention_mask: Tensor | None, **types: Tensor) -> Tensor:
        """Return the mean of the last hidden states over the real tokens of each text.

        Shapes:
            input_ids, attention_mask: ``[texts, T]``; out: ``[texts, D]``
        """
        if input_ids is None or attention_mask is None:
            raise ValueError(
                "input_ids and attention_mask are needed of statements, questions and choices alike, and of choices "
                "with their facts if the model reads facts"
            )
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask, **types}
        return read_in_groups(self._mean_of_tokens, inputs, _BY_TOKEN)

    def _mean_of_tokens(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return masked_mean(self.encoder(**inputs, return_dict=True)[0], inputs["attention_mask"])

    def _read(
        self, graph: GraphBatch | None, input_ids: Tensor | None, attention_mask: Tensor | None, **types: Tensor
    ) -> tuple[Tensor, ReasonerOutput | None]:
        """Return the statement vectors ``[G, D]``, and what the reasoner found."""
        if not isinstance(self.reasoner, InteractiveReasoner):
            statement = self.encode(input_ids, attention_mask, **types)
            return statement, self._reason(graph, statement)
        if input_ids is None or attention_mask is None:
            raise ValueError("input_ids and attention_mask are needed of statements, questions and choices alike")
        graph = self._check_graph(graph, input_ids.shape[0])
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask, **types}
        tokens, state = encode_with_reasoner(self.encoder, self.reasoner, graph, **inputs)
        statement = masked_mean(tokens, attention_mask)
        return statement, self.reasoner.finish(state, statement.to(self.dtype))

    def _reason(self, graph: GraphBatch | None, statement: Tensor) -> ReasonerOutput | None:
        """Return what the reasoner finds in the light of the statement vectors ``[G, D]``."""
        if self.reasoner is None:
            return None
        if isinstance(self.reasoner, InteractiveReasoner):
            raise ValueError(
                f"{type(self.reasoner).__name__} speaks with the encoder's layers: it needs tokens, not vectors"
            )
        return self.reasoner(self._check_graph(graph, statement.shape[0]), statement)

    def _check_graph(self, graph: GraphBatch | None, num_choices: int) -> GraphBatch:
        if graph is None:
            raise ValueError(
                f"{type(self.reasoner).__name__} needs a GraphBatch as graph=, but it is None; "
                "collate with schema graphs, or set reasoner to None for the plain encoder"
            )
        if graph.num_graphs != num_choices:
            raise ValueError(f"graph holds {graph.num_graphs} graphs, but there are {num_choices} choices")
        return graph

    def get_input_embeddings(self) -> nn.Module:
        """Return the encoder's word embeddings."""
        return self.encoder.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Set the encoder's word embeddings."""
        self.encoder.set_input_embeddings(value)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        # from_pretrained builds on the meta device and comes here for whatever the checkpoint lacks. The encoder is
        # initialised by its own method; the rest by each layer's reset_parameters (zero for the ScoreHead), in which
        # transformers guards the tensors that were loaded.
        if module is self:
            initialization.constant_(self.scale, self.config.cosine_scale)
            if self.fact_scale is not None:
                initialization.constant_(self.fact_scale, self.config.cosine_scale)
        elif callable(reset := getattr(module, "reset_parameters", None)):
            reset()

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile the encoder, which takes nearly all the time of a step, as ``nn.Module.compile`` does.

        The rest works on ragged segments whose number is only known when they are there: each would break the
        compiled graph in many pieces. Give ``dynamic=True``, or every new length of a batch compiles anew.

        Raises:
            ConfigError: the encoder is not called as a whole in training, or not at all.
        """
        if isinstance(self.reasoner, InteractiveReasoner):
            raise ConfigError(
                f"the model cannot be compiled: {type(self.reasoner).__name__} speaks with the encoder's layers, "
                "which are run one by one; set trainer.compile=false"
            )
        if self.reads_vectors:
            raise ConfigError(
                "there is nothing to compile: the encoder is frozen, and each text is read once before training; set "
                "trainer.compile=false"
            )
        self.encoder.compile(*args, **kwargs)

    def train(self, mode: bool = True) -> Self:
        """Enter training; a frozen encoder stays in evaluation, without dropout."""
        super().train(mode)
        if self.config.freeze_encoder:
            self.encoder.eval()
        return self

    def _freeze(self) -> None:
        if self.config.freeze_word_embeddings:
            self.get_input_embeddings().requires_grad_(False)
        if self.config.freeze_encoder:
            self.encoder.requires_grad_(False)


def _drop_unread(encoder: nn.Module) -> None:
    if isinstance(encoder, FusionEncoderModel):
        encoder.drop_entity_output()


def choice_loss(logits: Tensor, num_choices: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy over the questions whose label is known, each over its own choices.

    Shapes:
        logits: ``[G]``; num_choices: ``[B]``; labels: ``[B]``, counted within the question, negative where unknown;
        out: scalar

    Raises:
        ValueError: a label is not below its question's number of choices.
    """
    if bool((labels >= num_choices).any()):
        raise ValueError(f"labels {labels.tolist()} are not all less than num_choices {num_choices.tolist()}")
    ends = num_choices.cumsum(0)  # [B]
    question = segment_index(functional.pad(ends, (1, 0)), logits.numel())  # [G]
    log_probabilities = segment_log_softmax(logits, question, num_choices.numel())
    known = labels >= 0
    return -log_probabilities[(ends - num_choices + labels)[known]].mean()
