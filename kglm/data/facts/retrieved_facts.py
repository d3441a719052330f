"""Facts from corpora, found for each question with each choice, and ranked by how much they say of both.

Dimensions: G question-choice pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kglm.data.facts.corpus import FactCorpus, Passage
from kglm.data.facts.fact import Fact
from kglm.data.facts.words import content_words, is_near_duplicate
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.schema_graph import ConceptSets


class _Found(NamedTuple):
    """A passage that a search found: which choice it was found for, and with what score."""

    choice: int
    score: float
    passage: Passage


class RetrievedFacts:
    r"""Finds texts by ``question choice`` and ranks them.

    A text's worth is

    .. math:: w \cdot i \cdot (r + o_q + o_c) / 3

    with r its score as a share of the best that the question's choices have found in the same corpus (so that scores
    of different searches compare), :math:`o_q` and :math:`o_c` the shares of the question's and of the choice's
    content words that it holds, each word counted by its rarity in the corpus (:meth:`FactCorpus.rarity`), i what its
    relation tells (1 minus the relation's share of all triples; 1 for other texts), and w the corpus's weight.

    No question is answered by a copy of itself: a text that is a near duplicate of the question
    (:func:`~kglm.data.facts.words.is_near_duplicate`) is passed over, in training and afterwards alike.

    Args:
        corpora: by name.
        graph: the run's graph, whose labels name the concepts of a choice.
        duplicate_overlap: see :func:`~kglm.data.facts.words.is_near_duplicate`.
    """

    def __init__(self, corpora: Mapping[str, FactCorpus], graph: KnowledgeGraph, duplicate_overlap: float) -> None:
        self.corpora = corpora
        self.graph = graph
        self.duplicate_overlap = duplicate_overlap

    def find(
        self,
        examples: Sequence[MultipleChoiceExample],
        pairs: Sequence[ConceptSets],
        cache_dir: Path | None = None,
    ) -> list[list[Fact]]:
        """Return the facts of each pair, best first.

        Args:
            examples: the questions.
            pairs: G of them, the concepts of each question with each choice.
            cache_dir: where searches are kept; None keeps nothing.
        """
        facts: list[list[Fact]] = [[] for _ in pairs]
        for corpus in self.corpora.values():
            found = self._hits(corpus, examples, pairs, cache_dir)
            first = 0
            for example, hits in zip(examples, found, strict=True):
                for choice, fact in self._ranked(corpus, example, hits):
                    facts[first + choice].append(fact)
                first += len(example.choices)
        return [sorted(found, key=lambda fact: (-fact.score, fact.source, fact.text)) for found in facts]

    def _hits(
        self,
        corpus: FactCorpus,
        examples: Sequence[MultipleChoiceExample],
        pairs: Sequence[ConceptSets],
        cache_dir: Path | None,
    ) -> Iterator[list[_Found]]:
        """Yield what is found for all choices of each question."""
        if corpus.options.mode == "key":
            concepts = iter(pairs)
            for example in examples:
                forms = [self._forms(choice, next(concepts)) for choice in example.choices]
                yield [
                    _Found(at, score, corpus.passage(position))
                    for at, some in enumerate(forms)
                    for score, position in corpus.look_up(some)
                ]
            return
        asked = [(example.question, example.choices) for example in examples]
        scores, positions = corpus.search(asked, cache_dir)
        corpus.load(np.unique(positions[positions >= 0]).tolist())
        row = 0
        for example in examples:
            found = []
            for choice in range(len(example.choices)):
                for score, position in zip(scores[row].tolist(), positions[row].tolist(), strict=True):
                    if position >= 0 and score > 0:
                        found.append(_Found(choice, score, corpus.passage(position)))
                row += 1
            yield found

    def _forms(self, choice: str, concepts: ConceptSets) -> list[str]:
        """Return what a choice may be called: as written, in base forms, and as the concepts that it names."""
        words = " ".join(choice.split())
        bare = " ".join(word for word in words.split() if word.casefold() not in ("a", "an", "the"))
        return [words, bare, *self.graph.labels.take(concepts.choice.tolist())]

    def _ranked(
        self, corpus: FactCorpus, example: MultipleChoiceExample, hits: Sequence[_Found]
    ) -> Iterator[tuple[int, Fact]]:
        kept = [
            hit for hit in hits if not is_near_duplicate(example.question, hit.passage.asked, self.duplicate_overlap)
        ]
        best = max((hit.score for hit in kept), default=1.0)
        asked = content_words(example.question)
        for hit in kept:
            named = content_words(example.choices[hit.choice])
            of_question = content_words(hit.passage.asked) & asked
            of_choice = content_words(hit.passage.answered) & named
            if not _is_read(corpus.options.mention, bool(of_question - named), bool(of_choice)):
                continue
            shares = hit.score / best + _share(of_question, asked, corpus) + _share(of_choice, named, corpus)
            worth = hit.passage.information * shares / 3
            if worth >= corpus.options.min_worth:
                yield hit.choice, Fact(hit.passage.text, corpus.options.weight * worth, corpus.name)


def _share(held: frozenset[str], words: frozenset[str], corpus: FactCorpus) -> float:
    return corpus.rarity(held) / corpus.rarity(words) if held else 0.0


def _is_read(mention: str, of_question: bool, of_choice: bool) -> bool:
    return mention == "any" or (of_choice and (of_question or mention == "choice"))
