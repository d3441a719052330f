"""From examples to what a model reads, the same way in training and in inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from kglm.data.collator import MultipleChoiceCollator, MultipleChoiceDataset
from kglm.data.entity_vectors import EntityVectors, ShuffledVectors
from kglm.data.facts import Fact, FactOptions
from kglm.data.facts.corpus import FactCorpus
from kglm.data.facts.finder import FactFinder
from kglm.data.features import schema_graphs
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.data.text_vectors import text_vectors
from kglm.embeddings.entity_table import EntityTable
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.link_scores import LinkScores
from kglm.kg.schema_graph import SchemaGraphs, SchemaOptions
from kglm.linking import LexicalLinker


@dataclass(frozen=True)
class Reasoning:
    """What the reasoner draws on, beside the graph.

    Attributes:
        schema: what a schema graph holds.
        table: vectors of the graph's entities.
        scores: of the graph's links, by which paths are selected and pruned; None takes the weights.
    """

    schema: SchemaOptions
    table: EntityTable
    scores: LinkScores | None = None


@dataclass(frozen=True)
class FusedEntities:
    """What a fusion encoder takes in at the mentions of entities.

    Attributes:
        table: vectors of the graph's entities.
        shuffle_seed: deal the vectors out to the wrong entities by this seed: the control; None does not.
    """

    table: EntityTable
    shuffle_seed: int | None = None

    @cached_property
    def vectors(self) -> EntityVectors:
        """The vectors, each for its entity or, in the control, for another."""
        if self.shuffle_seed is None:
            return self.table
        return ShuffledVectors(self.table, len(self.table), self.shuffle_seed)


@dataclass(frozen=True)
class Knowledge:
    """A graph, the way to it from text, and the routes by which it enters the model.

    Attributes:
        graph: the graph.
        linker: finds its entities in texts.
        reasoning: None with the reasoner off.
        facts: which facts are read with a choice; None for none.
        corpora: opened ones, by name, from which facts are retrieved; those that ``facts`` names.
        fused: which vectors enter the encoder; None for none.
    """

    graph: KnowledgeGraph
    linker: LexicalLinker
    reasoning: Reasoning | None = None
    facts: FactOptions | None = None
    corpora: Mapping[str, FactCorpus] = field(default_factory=dict)
    fused: FusedEntities | None = None


@dataclass(frozen=True)
class PreparedQuestions:
    """Encoded questions and the collator that batches them."""

    dataset: MultipleChoiceDataset
    collator: MultipleChoiceCollator

    @property
    def graphs(self) -> SchemaGraphs | None:
        """Their schema graphs, question by question; None with the reasoner off."""
        return self.collator.graphs

    def read_by(self, encoder: PreTrainedModel, cache_dir: Path | str, device: torch.device | str = "cpu") -> None:
        """Let batches hold what a frozen encoder says of the texts, in place of their tokens.

        See :func:`kglm.data.text_vectors.text_vectors`.
        """
        self.collator.vectors = text_vectors(self.dataset, encoder, self.collator.tokenizer, cache_dir, device=device)


@dataclass(frozen=True)
class QuestionPipeline:
    """Prepares questions for a model.

    Attributes:
        tokenizer: the encoder's.
        max_length: tokens of the longest ``question [SEP] choice``, its facts included.
        knowledge: None where no graph enters.
        workers: threads that extract schema graphs, or the address of a Dask scheduler whose workers do.
    """

    tokenizer: PreTrainedTokenizerBase
    max_length: int
    knowledge: Knowledge | None
    workers: int | str = 1

    def prepare(
        self,
        examples: Sequence[MultipleChoiceExample],
        cache_dir: Path | str | None = None,
        *,
        training: bool = False,
        seed: int = 0,
    ) -> PreparedQuestions:
        """Encode questions, find their facts, and extract their schema graphs.

        Args:
            examples: the questions.
            cache_dir: where facts and schema graphs are kept and found again; None keeps nothing.
            training: drop facts now and then, as :class:`~kglm.data.facts.FactOptions` says.
            seed: of what is dropped.
        """
        known = self.knowledge
        fused = None if known is None else known.fused
        dataset = self.encode(examples, self.facts(examples, cache_dir))
        vectors = None if fused is None else fused.vectors
        collator = MultipleChoiceCollator(self.tokenizer, entity_vectors=vectors, seed=seed)
        if known is not None and known.facts is not None and training:
            collator.fact_dropout = known.facts.dropout
        if known is not None and known.reasoning is not None:
            collator.table = known.reasoning.table
            collator.graphs = schema_graphs(
                examples,
                known.graph,
                known.linker,
                known.reasoning.schema,
                scores=known.reasoning.scores,
                cache_dir=cache_dir,
                workers=self.workers,
            )
        return PreparedQuestions(dataset, collator)

    def encode(
        self, examples: Sequence[MultipleChoiceExample], facts: Sequence[Sequence[Fact]] | None
    ) -> MultipleChoiceDataset:
        """Return encoded questions that are read with the facts given; see :class:`MultipleChoiceDataset`."""
        known = self.knowledge
        linker = None if known is None or known.fused is None else known.linker
        in_statements = known is None or known.facts is None or known.facts.in_statement
        return MultipleChoiceDataset(
            examples, self.tokenizer, self.max_length, facts, linker, facts_in_statements=in_statements
        )

    def facts(
        self, examples: Sequence[MultipleChoiceExample], cache_dir: Path | str | None = None
    ) -> list[tuple[Fact, ...]] | None:
        """Return what is read behind each choice, question by question; None with the facts off."""
        known = self.knowledge
        if known is None or known.facts is None:
            return None
        finder = FactFinder(known.facts, known.graph, known.linker, known.corpora, self.tokenizer)
        return finder.find(examples, cache_dir, self.workers)
