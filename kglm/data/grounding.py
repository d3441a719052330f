"""From questions and choices to the concepts that a schema graph joins."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np

from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import BadQuestionError
from kglm.kg.schema_graph import ConceptSets
from kglm.linking import LexicalLinker


def ground(
    examples: Iterable[MultipleChoiceExample], linker: LexicalLinker, *, question_concept: bool = False
) -> list[ConceptSets]:
    """Return the concepts of every question-choice pair, question by question.

    The question is linked once; a concept that the choice also names is left out of the question's, so that a
    path always leads somewhere.

    Args:
        examples: the questions.
        linker: finds the concepts.
        question_concept: link the data set's ``question_concept`` instead of the question's text, which alone is used
            otherwise.

    Raises:
        BadQuestionError: ``question_concept`` is asked for, and a question has none.
    """
    examples = list(examples)
    asked = [_concept(example) if question_concept else example.question for example in examples]
    texts = [text for example, of in zip(examples, asked, strict=True) for text in (of, *example.choices)]
    found = iter(linker.entities_of(texts))
    pairs = []
    for example in examples:
        question = next(found)
        for choice in islice(found, len(example.choices)):
            rest = [entity for entity in question if entity not in choice]
            pairs.append(ConceptSets(np.asarray(rest, dtype=np.int32), np.asarray(choice, dtype=np.int32)))
    return pairs


def _concept(example: MultipleChoiceExample) -> str:
    if not example.question_concept:
        raise BadQuestionError(
            f"question '{example.id}' has no question_concept, which this model's facts start from; use a data set "
            "that gives it, or train with facts.question_concept=false"
        )
    return example.question_concept
