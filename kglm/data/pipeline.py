"""From examples to what a model reads, the same way in training and in inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from kglm.data.collator import MultipleChoiceCollator, MultipleChoiceDataset
from kglm.data.features import schema_graphs
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.embeddings.entity_table import EntityTable
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.schema_graph import SchemaGraphs, SchemaOptions
from kglm.linking import LexicalLinker


@dataclass(frozen=True)
class Knowledge:
    """What the reasoner draws on: a graph, the way to it from text, and vectors of its entities."""

    graph: KnowledgeGraph
    linker: LexicalLinker
    schema: SchemaOptions
    table: EntityTable


@dataclass(frozen=True)
class PreparedQuestions:
    """Encoded questions and the collator that batches them."""

    dataset: MultipleChoiceDataset
    collator: MultipleChoiceCollator

    @property
    def graphs(self) -> SchemaGraphs | None:
        """Their schema graphs, question by question; None with the reasoner off."""
        return self.collator.graphs


@dataclass(frozen=True)
class QuestionPipeline:
    """Prepares questions for a model.

    Attributes:
        tokenizer: the encoder's.
        max_length: tokens of the longest ``question [SEP] choice``.
        knowledge: None with the reasoner off.
        workers: threads that extract schema graphs.
    """

    tokenizer: PreTrainedTokenizerBase
    max_length: int
    knowledge: Knowledge | None
    workers: int = 1

    def prepare(
        self, examples: Sequence[MultipleChoiceExample], cache_dir: Path | str | None = None
    ) -> PreparedQuestions:
        """Encode questions and extract their schema graphs, kept under ``cache_dir`` where it is given."""
        dataset = MultipleChoiceDataset(examples, self.tokenizer, self.max_length)
        if self.knowledge is None:
            return PreparedQuestions(dataset, MultipleChoiceCollator(self.tokenizer))
        known = self.knowledge
        graphs = schema_graphs(
            examples, known.graph, known.linker, known.schema, cache_dir=cache_dir, workers=self.workers
        )
        return PreparedQuestions(dataset, MultipleChoiceCollator(self.tokenizer, graphs, known.table))
