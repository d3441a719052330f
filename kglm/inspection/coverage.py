"""How much of a question-answering data set a graph can ground and connect.

A wrong choice that is as well connected as the right one shows what the mere presence of a path is worth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from kglm.data.grounding import ground
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import DataError
from kglm.inspection.reachability import FAR, MAX_DISTANCE, distances_between
from kglm.kg import KnowledgeGraph
from kglm.kg.schema_graph import ConceptSets
from kglm.linking import LexicalLinker


@dataclass(frozen=True, kw_only=True)
class ChoiceCoverage:
    """How many choices of one kind (right or wrong ones) a graph grounds and connects.

    Attributes:
        choices: how many there are.
        question_grounded: a concept of the question is in the graph, one that the choice does not name too.
        choice_grounded: a concept of the choice is in the graph.
        both_grounded: both.
        within: for 1, 2 and 3 hops, how many have a concept so near to one of the question's, or nearer.
    """

    choices: int
    question_grounded: int
    choice_grounded: int
    both_grounded: int
    within: dict[int, int]

    def shares(self) -> dict[str, float | None]:
        """Return every count as a share of all choices; None where there are none."""
        counts = {
            "question_grounded": self.question_grounded,
            "choice_grounded": self.choice_grounded,
            "both_grounded": self.both_grounded,
            "direct_edge": self.within[1],
            **{f"within_{hops}_hops": self.within[hops] for hops in range(2, MAX_DISTANCE + 1)},
        }
        return {name: count / self.choices if self.choices else None for name, count in counts.items()}


@dataclass(frozen=True, kw_only=True)
class Unconnected:
    """A right answer that no path of up to three hops joins to its question."""

    id: str
    question: str
    answer: str
    question_concepts: tuple[str, ...]
    answer_concepts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What a graph can do for a data set.

    Attributes:
        graph: its name.
        question_source: ``text`` where the question was linked, ``question_concept`` where that field was.
        questions: how many there are.
        unlabelled: how many of these do not tell their answer; they are in none of the figures below.
        concepts_per_question: mean number of distinct concepts.
        concepts_per_choice: the same for the choices.
        right: the answers.
        wrong: all other choices.
        direct_edge_accuracy: how often one is right who picks a choice with a direct edge, at random among several;
            any choice where none has one. None without labelled questions.
        chance: the same for picking any choice.
        unconnected: the first answers that are not connected.
        unconnected_total: how many there are.
    """

    graph: str
    question_source: str
    questions: int
    unlabelled: int
    concepts_per_question: float
    concepts_per_choice: float
    right: ChoiceCoverage
    wrong: ChoiceCoverage
    direct_edge_accuracy: float | None
    chance: float | None
    unconnected: tuple[Unconnected, ...]
    unconnected_total: int

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values: the attributes, and ``shares`` beside the counts of each kind."""
        document = asdict(self)
        for kind in ("right", "wrong"):
            counts: ChoiceCoverage = getattr(self, kind)
            within = {str(hops): count for hops, count in counts.within.items()}
            document[kind] = {**document[kind], "within": within, "shares": counts.shares()}
        return document


def measure_coverage(
    examples: Sequence[MultipleChoiceExample],
    graph: KnowledgeGraph,
    linker: LexicalLinker | None = None,
    *,
    question_concept: bool = False,
    max_examples: int = 10,
) -> Coverage:
    """Ground questions and choices as the models do, and measure how far apart their concepts are.

    A concept that question and choice share counts only for the choice, as in :func:`kglm.data.grounding.ground`.

    Args:
        examples: the questions; those without an answer are only counted.
        graph: the graph.
        linker: finds the concepts; a lexical one on the graph by default.
        question_concept: take each question's concepts from the data set's own field instead of from its text. It
            shows the upper bound that the makers of the data set had in view: they built choices from it.
        max_examples: how many unconnected answers are kept.

    Raises:
        DataError: ``question_concept`` is wanted and a question has none.
        ValueError: there are no questions.
    """
    if not examples:
        raise ValueError("there are no questions")
    linker = linker or LexicalLinker(graph)
    labelled = [example for example in examples if example.label is not None]
    pairs = ground(map(_asked_by_concept, labelled) if question_concept else labelled, linker)
    owners = np.repeat(np.arange(len(labelled)), [len(example.choices) for example in labelled])
    distances = distances_between(
        graph, [pair.question for pair in pairs], [pair.choice for pair in pairs], range(len(pairs))
    )
    right = np.zeros(len(pairs), dtype=bool)
    starts = np.searchsorted(owners, np.arange(len(labelled)))
    right[starts + np.asarray([example.label for example in labelled], dtype=np.int64)] = True
    lost = np.flatnonzero(right & (distances > MAX_DISTANCE))
    return Coverage(
        graph=graph.name,
        question_source="question_concept" if question_concept else "text",
        questions=len(examples),
        unlabelled=len(examples) - len(labelled),
        concepts_per_question=_mean([len(pair.question) for pair in pairs]),
        concepts_per_choice=_mean([len(pair.choice) for pair in pairs]),
        right=_count(pairs, distances, right),
        wrong=_count(pairs, distances, ~right),
        direct_edge_accuracy=_guessing(distances <= 1, right, owners, len(labelled)),
        chance=_guessing(np.zeros(len(pairs), dtype=bool), right, owners, len(labelled)),
        unconnected=tuple(_unconnected(graph, labelled[owners[at]], pairs[at]) for at in lost[:max_examples]),
        unconnected_total=len(lost),
    )


def _asked_by_concept(example: MultipleChoiceExample) -> MultipleChoiceExample:
    """Return the question with its text replaced by the concept that it was made from."""
    if not example.question_concept:
        raise DataError(f"question '{example.id}' has no question_concept; leave out --question-concept")
    return replace(example, question=example.question_concept)


def _count(pairs: Sequence[ConceptSets], distances: np.ndarray, chosen: np.ndarray) -> ChoiceCoverage:
    question = np.asarray([len(pair.question) > 0 for pair in pairs], dtype=bool)[chosen]
    choice = np.asarray([len(pair.choice) > 0 for pair in pairs], dtype=bool)[chosen]
    within = np.cumsum(np.bincount(distances[chosen], minlength=FAR + 1))
    return ChoiceCoverage(
        choices=int(chosen.sum()),
        question_grounded=int(question.sum()),
        choice_grounded=int(choice.sum()),
        both_grounded=int((question & choice).sum()),
        within={hops: int(within[hops]) for hops in range(1, MAX_DISTANCE + 1)},
    )


def _guessing(marked: np.ndarray, right: np.ndarray, owners: np.ndarray, questions: int) -> float | None:
    """Return the expected accuracy of picking a marked choice at random, any choice where none is marked."""
    if not questions:
        return None
    counts = np.bincount(owners, weights=marked, minlength=questions)
    pool = np.where(counts[owners] > 0, marked, True)
    sizes = np.bincount(owners, weights=pool, minlength=questions)
    return math.fsum(1 / sizes[owners[pool & right]]) / questions


def _mean(counts: Sequence[int]) -> float:
    return float(np.mean(counts)) if counts else 0.0


def _unconnected(graph: KnowledgeGraph, example: MultipleChoiceExample, pair: ConceptSets) -> Unconnected:
    return Unconnected(
        id=example.id,
        question=example.question,
        answer=example.choices[example.label or 0],
        question_concepts=tuple(graph.labels[int(entity)] for entity in pair.question),
        answer_concepts=tuple(graph.labels[int(entity)] for entity in pair.choice),
    )
