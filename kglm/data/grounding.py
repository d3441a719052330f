"""From questions and choices to the concepts that a schema graph joins."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np

from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.kg.schema_graph import ConceptSets
from kglm.linking import LexicalLinker


def ground(examples: Iterable[MultipleChoiceExample], linker: LexicalLinker) -> list[ConceptSets]:
    """Return the concepts of every question-choice pair, question by question.

    The question is linked once; a concept that the choice also names is left out of the question's, so that a
    path always leads somewhere. Only the texts are used, never a data set's ``question_concept``.
    """
    examples = list(examples)
    texts = [text for example in examples for text in (example.question, *example.choices)]
    found = iter(linker.entities_of(texts))
    pairs = []
    for example in examples:
        question = next(found)
        for choice in islice(found, len(example.choices)):
            rest = [entity for entity in question if entity not in choice]
            pairs.append(ConceptSets(np.asarray(rest, dtype=np.int32), np.asarray(choice, dtype=np.int32)))
    return pairs
