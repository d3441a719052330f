"""Where the entities of questions and choices stand in the token sequences that a fusion encoder reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from tokenizers import Encoding
from torch import Tensor
from transformers import BatchEncoding

from kglm.data.entity_inputs import find_mentions, pack_entities
from kglm.data.entity_vectors import EntityVectors
from kglm.data.linked_text import LinkedText
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import ConfigError
from kglm.linking.mention import Candidate, Mention

Linker = Callable[[Sequence[str]], list[list[Mention]]]


@dataclass(frozen=True)
class SequenceEntities:
    """The mentions of a token sequence that have tokens in it.

    Attributes:
        spans: ``int64 [M, 2]``, first token of each mention and the one behind its last.
        candidates: what each mention may mean, with probabilities.
    """

    spans: np.ndarray
    candidates: tuple[tuple[Candidate, ...], ...]


@dataclass(frozen=True)
class QuestionEntities:
    """Entities of all sequences of a question.

    Attributes:
        question: of the question alone.
        choices: of each choice alone.
        statements: of the question with each choice and its facts.
        bare: of the statements without their facts; None without facts.
        informed: of each choice with its facts; None without facts.
    """

    question: SequenceEntities
    choices: list[SequenceEntities]
    statements: list[SequenceEntities]
    bare: list[SequenceEntities] | None = None
    informed: list[SequenceEntities] | None = None


@dataclass(frozen=True)
class InformedTokens:
    """Choices with their facts, and how they are read.

    Attributes:
        texts: of each choice and its facts.
        alone: their tokens.
        statements: tokens of the question with them.
    """

    texts: Sequence[str]
    alone: BatchEncoding
    statements: BatchEncoding


def find_entities(
    examples: Sequence[MultipleChoiceExample],
    linker: Linker,
    alone: BatchEncoding,
    answers: BatchEncoding,
    bare: BatchEncoding,
    informed: InformedTokens | None,
) -> list[QuestionEntities]:
    """Link questions and choices, and return where their entities stand in the sequences of tokens.

    Args:
        examples: the questions.
        linker: finds the entities.
        alone: tokens of the questions.
        answers: tokens of the choices.
        bare: tokens of the statements without facts.
        informed: the choices with their facts; None without facts.

    Raises:
        ConfigError: the tokenizer is no fast one.
    """
    questions = link_texts([example.question for example in examples], linker)
    choices = link_texts([choice for example in examples for choice in example.choices], linker)
    repeated = [text for text, example in zip(questions, examples, strict=True) for _ in example.choices]
    in_question = locate(questions, _encodings(alone))
    in_choice = locate(choices, _encodings(answers))
    in_bare = locate(repeated, _encodings(bare), choices)
    in_statement, in_informed = in_bare, in_choice
    if informed is not None:
        told = [LinkedText(text, choice.mentions) for text, choice in zip(informed.texts, choices, strict=True)]
        in_statement = locate(repeated, _encodings(informed.statements), told)
        in_informed = locate(told, _encodings(informed.alone))
    ends = np.cumsum([0] + [len(example.choices) for example in examples]).tolist()
    return [
        QuestionEntities(
            question=in_question[index],
            choices=in_choice[start:stop],
            statements=in_statement[start:stop],
            bare=None if informed is None else in_bare[start:stop],
            informed=None if informed is None else in_informed[start:stop],
        )
        for index, (start, stop) in enumerate(pairwise(ends))
    ]


def _encodings(tokens: BatchEncoding) -> list[Encoding]:
    if tokens.encodings is None:
        raise ConfigError("the tokenizer is no fast one, which keeps the places of tokens in the text")
    return tokens.encodings


def link_texts(texts: Sequence[str], linker: Linker) -> list[LinkedText]:
    """Return texts with their mentions; each different text is linked once."""
    different = list(dict.fromkeys(texts))
    linked = {text: LinkedText(text, tuple(found)) for text, found in zip(different, linker(different), strict=True)}
    return [linked[text] for text in texts]


def locate(
    texts: Sequence[LinkedText], encodings: Sequence[Encoding], pairs: Sequence[LinkedText] | None = None
) -> list[SequenceEntities]:
    """Return where the mentions of texts stand in their tokens; what was cut off has none.

    Args:
        texts: N of them.
        encodings: the tokens of each, or of each and its second text.
        pairs: the second texts; their mentions come behind those of the first.
    """
    found = []
    for row, (text, encoding) in enumerate(zip(texts, encodings, strict=True)):
        parts = [text] if pairs is None else [text, pairs[row]]
        places, which = encoding.offsets, encoding.sequence_ids
        spans = np.concatenate([find_mentions(part, places, which, i) for i, part in enumerate(parts)])
        mentions = [mention for part in parts for mention in part.mentions]
        kept = [i for i in np.flatnonzero(spans[:, 0] < spans[:, 1]).tolist() if mentions[i].candidates]
        found.append(SequenceEntities(spans[kept], tuple(mentions[i].candidates for i in kept)))
    return found


def pack(prefix: str, rows: Sequence[SequenceEntities], vectors: EntityVectors) -> dict[str, Tensor]:
    """Return ``{prefix}entity_embeds [N, M, D_v]`` and ``{prefix}entity_tokens [N, M, S]`` of N sequences."""
    packed = pack_entities([row.spans for row in rows], [row.candidates for row in rows], vectors)
    return {f"{prefix}{name}": value for name, value in packed.items()}
