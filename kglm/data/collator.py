"""From examples to batches: tokens padded to the longest in the batch, schema graphs joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from kglm.data.entity_vectors import EntityVectors
from kglm.data.facts.fact import Fact
from kglm.data.facts.selection import joined
from kglm.data.graph_batching import batch_graphs
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.data.question_entities import (
    InformedTokens,
    Linker,
    QuestionEntities,
    find_entities,
    pack,
)
from kglm.embeddings.entity_table import EntityTable
from kglm.errors import BadQuestionError, ConfigError
from kglm.kg.schema_graph import SchemaGraphs

if TYPE_CHECKING:
    from kglm.data.text_vectors import TextVectorTable

UNKNOWN = -1
T = TypeVar("T")


@dataclass(frozen=True)
class EncodedQuestion:
    """A question as token ids, and where its schema graphs stand.

    Attributes:
        example: the question.
        statements: ids of ``question [SEP] choice``, one list a choice; with facts in the statements,
            ``question [SEP] choice. facts``.
        segments: token types of the statements.
        facts: what is read behind each choice, in order; None with the facts off.
        bare: the statements and segments without their facts, as they are read when facts are dropped; None
            without facts.
        informed: ids of each choice with its facts, without the question; None without facts.
        question: ids of the question alone.
        choices: ids of each choice alone.
        first_graph: index of the first choice's schema graph in the data set's.
        truncated: whether the question was cut to fit.
        entities: of all these sequences; None without a linker.
    """

    example: MultipleChoiceExample
    statements: list[list[int]]
    segments: list[list[int]]
    facts: tuple[tuple[Fact, ...], ...] | None
    bare: tuple[list[list[int]], list[list[int]]] | None
    informed: list[list[int]] | None
    question: list[int]
    choices: list[list[int]]
    first_graph: int
    truncated: bool
    entities: QuestionEntities | None = None

    @property
    def length(self) -> int:
        """Tokens of the longest of its sequences."""
        return max(map(len, [*self.statements, *(self.informed or ())]))


class MultipleChoiceDataset(Sequence[EncodedQuestion]):
    """Questions encoded once, at construction.

    Args:
        examples: the questions.
        tokenizer: a fast tokenizer that takes text pairs.
        max_length: tokens of the longest sequence; a longer question loses its end, a choice never does.
        facts: what is read behind each choice, question by question and choice by choice. Those that would leave
            their question less than half of the room are left out, the last first.
        linker: finds the entities of questions and choices, for a fusion encoder; those of the facts get no vector.
        facts_in_statements: False reads the facts with the choice alone.

    Raises:
        BadQuestionError: a choice leaves no room for its question.
    """

    def __init__(
        self,
        examples: Sequence[MultipleChoiceExample],
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        facts: Sequence[Sequence[Fact]] | None = None,
        linker: Linker | None = None,
        *,
        facts_in_statements: bool = True,
    ) -> None:
        questions = [example.question for example in examples]
        choices = [choice for example in examples for choice in example.choices]
        repeated = [example.question for example in examples for _ in example.choices]
        cut = {"max_length": max_length, "return_attention_mask": False}
        _refuse_long_choices(examples, tokenizer, max_length)
        single = {"truncation": True, "return_token_type_ids": False, **cut}
        alone, answers = tokenizer(questions, **single), tokenizer(choices, **single)
        bare = tokenizer(repeated, choices, truncation="only_first", return_token_type_ids=True, **cut)
        pairs, read, told = bare, None, None
        if facts is not None:
            room = max_length // 2 - tokenizer.num_special_tokens_to_add(pair=True)
            read = _fitting(choices, facts, tokenizer, room)
            informed = [_informed(choice, behind) for choice, behind in zip(choices, read, strict=True)]
            if facts_in_statements:
                pairs = tokenizer(repeated, informed, truncation="only_first", return_token_type_ids=True, **cut)
            told = InformedTokens(informed, tokenizer(informed, **single), pairs)
        entities: list[QuestionEntities] | None = None
        if linker is not None:
            entities = find_entities(examples, linker, alone, answers, bare, told)
        self._questions: list[EncodedQuestion] = []
        start = 0
        for index, example in enumerate(examples):
            stop = start + len(example.choices)
            self._questions.append(
                EncodedQuestion(
                    example=example,
                    statements=pairs["input_ids"][start:stop],
                    segments=pairs["token_type_ids"][start:stop],
                    facts=None if read is None else tuple(read[start:stop]),
                    bare=None
                    if read is None
                    else (bare["input_ids"][start:stop], bare["token_type_ids"][start:stop]),
                    informed=None if told is None else told.alone["input_ids"][start:stop],
                    question=alone["input_ids"][index],
                    choices=answers["input_ids"][start:stop],
                    first_graph=start,
                    truncated=any(pairs.encodings[i].overflowing for i in range(start, stop)),
                    entities=None if entities is None else entities[index],
                )
            )
            start = stop

    def __len__(self) -> int:
        return len(self._questions)

    def __getitem__(self, index: int) -> EncodedQuestion:  # type: ignore[override]
        return self._questions[index]

    @property
    def lengths(self) -> list[int]:
        """Longest sequence of each question, in tokens."""
        return [question.length for question in self._questions]


@dataclass(frozen=True)
class _ReadQuestion:
    """What a model reads of a question: its own facts, or for dropped ones none."""

    statements: list[list[int]]
    segments: list[list[int]]
    informed: list[list[int]]
    entities: QuestionEntities | None


@dataclass
class MultipleChoiceCollator:
    """Makes a batch of B questions, G question-choice pairs in all, T tokens the longest statement.

    The batch holds ``input_ids`` and ``attention_mask`` ``[G, T]`` (``token_type_ids`` too where the encoder
    takes them), the same of the texts alone as ``question_*`` ``[B, T_q]`` and ``choice_*`` ``[G, T_c]``,
    ``num_choices`` ``[B]``, ``labels`` ``[B]`` (-1 where unknown), ``ids``, and with the reasoner on ``graph``. With
    entities of U mentions there are ``entity_embeds [G, U, D_v]`` and ``entity_tokens [G, U, S]``, and those of the
    texts alone. With facts there are the choices that have some, with theirs, ``informed_*`` ``[F, T_f]``, and
    ``informed_rows`` ``[F]``, which of the G choices they are; at least one, so that there is a text to read. With
    the vectors of a frozen encoder there are ``vectors`` in place of ids, masks and types.

    Attributes:
        tokenizer: gives the padding token and the names of the encoder's inputs.
        graphs: schema graphs of the data set, or None with the reasoner off.
        table: entity vectors, or None with the reasoner off.
        entity_vectors: those that are fused into the encoder, or None where none are.
        fact_dropout: share of the choices that are read without their facts; above 0 for training only.
        seed: of the choice which, together with the epoch and the question.
        vectors: what a frozen encoder says of the data set's texts; None where the model reads tokens.
    """

    tokenizer: PreTrainedTokenizerBase
    graphs: SchemaGraphs | None = None
    table: EntityTable | None = None
    entity_vectors: EntityVectors | None = None
    fact_dropout: float = 0.0
    seed: int = 0
    epoch: int = 0
    vectors: TextVectorTable | None = None

    def set_epoch(self, epoch: int) -> None:
        """Drop other facts from now on."""
        self.epoch = epoch

    def __call__(self, questions: Sequence[EncodedQuestion]) -> dict[str, Any]:
        """Return the batch of ``questions``."""
        pairs = [q.first_graph + i for q in questions for i in range(len(q.choices))]
        batch: dict[str, Any] = {
            "ids": [question.example.id for question in questions],
            "num_choices": torch.tensor([len(question.choices) for question in questions]),
            "labels": torch.tensor([UNKNOWN if q.example.label is None else q.example.label for q in questions]),
        }
        if self.vectors is None:
            batch |= self._texts(questions)
        else:
            bare = np.concatenate([self._dropped(question) for question in questions])
            batch["vectors"] = self.vectors.batch([question.first_graph for question in questions], pairs, bare)
        if self.graphs is not None and self.table is not None:
            batch["graph"] = batch_graphs(self.graphs, pairs, self.table)
        return batch

    def _texts(self, questions: Sequence[EncodedQuestion]) -> dict[str, torch.Tensor]:
        read = [self._read(question) for question in questions]
        texts = {
            **self._tokens("", [ids for one in read for ids in one.statements]),
            **self._tokens("question_", [question.question for question in questions]),
            **self._tokens("choice_", [ids for question in questions for ids in question.choices]),
        }
        told = _told(questions, read) if all(question.informed is not None for question in questions) else None
        if told is not None:
            informed = [ids for one in read for ids in one.informed]
            texts |= self._tokens("informed_", [informed[row] for row in told])
            texts["informed_rows"] = torch.tensor(told)
        if "token_type_ids" in self.tokenizer.model_input_names:
            texts["token_type_ids"] = _pad([types for one in read for types in one.segments], 0)
        if self.entity_vectors is not None:
            texts |= self._entities(read, told, self.entity_vectors)
        return texts

    def _dropped(self, question: EncodedQuestion) -> np.ndarray:
        """Tell which of a question's choices are read without their facts, ``bool [C]``."""
        if question.bare is None or self.fact_dropout == 0:
            return np.zeros(len(question.choices), dtype=bool)
        # By question, not by batch: a resumed run, or another number of processes, drops the same ones.
        generator = np.random.default_rng([self.seed, self.epoch, question.first_graph])
        return generator.random(len(question.choices)) < self.fact_dropout

    def _read(self, question: EncodedQuestion) -> _ReadQuestion:
        """Return what is read of a question, with the facts or, in training now and then, without."""
        if question.bare is None or question.informed is None:
            return _ReadQuestion(question.statements, question.segments, question.choices, question.entities)
        dropped = self._dropped(question).tolist()
        entities = question.entities
        if entities is not None and entities.bare is not None and entities.informed is not None:
            entities = replace(
                entities,
                statements=_choose(dropped, entities.bare, entities.statements),
                informed=_choose(dropped, entities.choices, entities.informed),
            )
        statements, segments = question.bare
        return _ReadQuestion(
            _choose(dropped, statements, question.statements),
            _choose(dropped, segments, question.segments),
            _choose(dropped, question.choices, question.informed),
            entities,
        )

    def _entities(
        self, read: Sequence[_ReadQuestion], told: Sequence[int] | None, vectors: EntityVectors
    ) -> dict[str, torch.Tensor]:
        found = [one.entities for one in read if one.entities is not None]
        if len(found) != len(read):
            raise ConfigError("entity vectors need questions that were encoded with a linker")
        packed = {
            **pack("", [row for entities in found for row in entities.statements], vectors),
            **pack("question_", [entities.question for entities in found], vectors),
            **pack("choice_", [row for entities in found for row in entities.choices], vectors),
        }
        if told is not None:
            informed = [row for entities in found for row in entities.informed or entities.choices]
            packed |= pack("informed_", [informed[row] for row in told], vectors)
        return packed

    def _tokens(self, prefix: str, rows: list[list[int]]) -> dict[str, torch.Tensor]:
        pad = self.tokenizer.pad_token_id
        return {
            f"{prefix}input_ids": _pad(rows, pad if isinstance(pad, int) else 0),
            f"{prefix}attention_mask": _pad([[1] * len(row) for row in rows], 0),
        }


def _told(questions: Sequence[EncodedQuestion], read: Sequence[_ReadQuestion]) -> list[int]:
    """Return which choices of a batch are read with facts; the first one if none is."""
    choices = [ids for question in questions for ids in question.choices]
    informed = [ids for one in read for ids in one.informed]
    return [row for row, (alone, told) in enumerate(zip(choices, informed, strict=True)) if alone != told] or [0]


def _choose(first: Sequence[bool], one: Sequence[T], other: Sequence[T]) -> list[T]:
    """Return of each two rows the one or the other."""
    return [mine if chosen else theirs for chosen, mine, theirs in zip(first, one, other, strict=True)]


def _informed(choice: str, facts: Sequence[Fact]) -> str:
    """Return a choice with its facts behind it."""
    return f"{choice}. {joined(facts)}" if facts else choice


def _fitting(
    choices: Sequence[str], facts: Sequence[Sequence[Fact]], tokenizer: PreTrainedTokenizerBase, room: int
) -> list[tuple[Fact, ...]]:
    """Return the first facts of each choice that fit, together with it, into ``room`` tokens."""
    fitting = [tuple(behind) for behind in facts]
    too_long = [index for index, behind in enumerate(fitting) if behind]
    while too_long:
        texts = [_informed(choices[index], fitting[index]) for index in too_long]
        rows = tokenizer(texts, add_special_tokens=False, return_attention_mask=False)["input_ids"]
        too_long = [index for index, row in zip(too_long, rows, strict=True) if len(row) > room]
        for index in too_long:
            fitting[index] = fitting[index][:-1]
        too_long = [index for index in too_long if fitting[index]]
    return fitting


def _refuse_long_choices(
    examples: Sequence[MultipleChoiceExample], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> None:
    room = max_length - tokenizer.num_special_tokens_to_add(pair=True) - 1
    for example in examples:
        for label, choice in zip(example.choice_labels, example.choices, strict=True):
            # A token is at least one byte: only a text longer than the room has to be tokenized to be counted.
            if len(choice.encode()) > room and len(tokenizer(choice, add_special_tokens=False)["input_ids"]) > room:
                raise BadQuestionError(
                    f"choice {label} of question '{example.id}' is longer than {room} tokens; shorten it, or train "
                    f"with a larger max_length (now {max_length})"
                )


def _pad(rows: list[list[int]], value: int) -> torch.Tensor:
    """Return the rows as ``int64``, filled up on the right to the longest."""
    padded = np.full((len(rows), max(map(len, rows))), value, dtype=np.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return torch.from_numpy(padded)
