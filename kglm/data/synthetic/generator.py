"""Questions from triples, as a stream.

After Ma et al. (AAAI 2021, arXiv:2011.03863), "Knowledge-driven data construction for zero-shot evaluation in
commonsense question answering": a question from one end of a triple, the other end as the answer, and distractors
from triples of the same relation that share no keyword with it.

Dimensions: Q questions of a chunk, P entities in a pool, C choices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.data.synthetic.filtering import CosineFilter
from kglm.data.synthetic.kernels import fill_pools
from kglm.data.synthetic.labels import label_facts
from kglm.data.synthetic.options import QuestionOptions
from kglm.data.synthetic.templates import QuestionTemplates
from kglm.data.synthetic.triples import AskedTriples, choose_triples
from kglm.kg.graph import KnowledgeGraph

CHUNK = 1024
CHUNK_ENCODED = 256  # an encoder's time is dear where few questions are wanted
LETTERS = "ABCDEFGHIJ"


@dataclass
class QuestionCounts:
    """What became of the triples.

    Attributes:
        made: questions, by relation.
        too_few: triples for which too few distractors were found.
        first: questions whose answer the encoder's cosine prefers; None without an encoder.
    """

    made: Counter[str] = field(default_factory=Counter)
    too_few: int = 0
    first: int | None = None

    @property
    def total(self) -> int:
        """Number of questions."""
        return sum(self.made.values())

    @property
    def cosine_accuracy(self) -> float | None:
        """Share of the questions that the encoder's cosine answers rightly; None without an encoder."""
        return None if self.first is None or not self.total else self.first / self.total


class QuestionGenerator:
    """Makes multiple-choice questions from a graph.

    A distractor is the corresponding end of another triple of the relation, drawn as often as it occurs there: what
    is often an answer is as often a distractor. It is linked neither to the entity in question nor to the answer, in
    no direction and by no relation, and shares no keyword with them; nor does the triple that it comes from have a
    known end which is linked to the entity in question or shares a keyword with it. So no choice but the answer is
    true in the graph.

    The same graph, options, templates and encoder give the same questions.

    Args:
        graph: the graph.
        options: see :class:`QuestionOptions`.
        templates: how a triple is asked.
        adversary: chooses the distractors from a pool; None takes the first ones drawn.
    """

    def __init__(
        self,
        graph: KnowledgeGraph,
        options: QuestionOptions,
        templates: QuestionTemplates | None = None,
        adversary: CosineFilter | None = None,
    ) -> None:
        self.graph = graph
        self.options = options
        self.templates = templates or QuestionTemplates()
        self.adversary = adversary
        self.facts = label_facts(graph.labels)

    def questions(
        self, split: str | None = None, limit: int | None = None, counts: QuestionCounts | None = None
    ) -> Iterator[MultipleChoiceExample]:
        """Yield the questions of a split, or of the whole graph (None).

        Args:
            split: ``train``, ``dev`` or ``test``.
            limit: at most so many.
            counts: told what becomes of the triples.
        """
        yield from islice(self._stream(split, QuestionCounts() if counts is None else counts), limit)

    def _stream(self, split: str | None, counts: QuestionCounts) -> Iterator[MultipleChoiceExample]:
        if self.adversary is not None and counts.first is None:
            counts.first = 0
        triples = choose_triples(self.graph, self.facts, self.options, split)
        rows = self._rest_of_repeats(triples)
        ranks = np.zeros(self.options.choices, dtype=np.int64)
        size = CHUNK if self.adversary is None else CHUNK_ENCODED
        for start in range(0, len(rows), size):
            # A whole chunk, whatever the limit: the first questions are the same for any.
            yield from self._chunk(triples, rows[start : start + size], ranks, counts)

    def _rest_of_repeats(self, triples: AskedTriples) -> np.ndarray:
        """Return the places of the triples that do not ask once more what has been asked often enough."""
        keys = triples.known.astype(np.int64) * self.graph.num_relations + triples.relations[triples.positions]
        keys = 2 * keys + triples.tail_asked
        order = np.argsort(keys, kind="stable")
        _, starts, lengths = np.unique(keys[order], return_index=True, return_counts=True)
        nth = np.arange(len(keys)) - np.repeat(starts, lengths)
        return np.sort(order[nth < self.options.max_repeats])

    def _chunk(
        self, triples: AskedTriples, rows: np.ndarray, ranks: np.ndarray, counts: QuestionCounts
    ) -> Iterator[MultipleChoiceExample]:
        generator = np.random.default_rng([self.options.seed, 1, int(triples.positions[rows[0]])])
        pools, sizes = self._pools(triples, rows, generator)
        enough = sizes >= self.options.choices - 1
        counts.too_few += int(np.count_nonzero(~enough))
        rows, pools, sizes = rows[enough], pools[enough], sizes[enough]
        if not len(rows):
            return
        known = self.graph.labels.take(triples.known[rows])
        names = [self.graph.relations[r] for r in triples.relations[triples.positions[rows]].tolist()]
        ends = ["tail" if asked else "head" for asked in triples.tail_asked[rows].tolist()]
        draws = generator.integers(1 << 30, size=len(rows)).tolist()
        texts = [self.templates.ask(*parts) for parts in zip(names, ends, known, draws, strict=True)]
        answers, wanted = triples.answers[rows], self.options.choices
        first = None
        if self.adversary is None:
            distractors = pools[:, : wanted - 1]
        else:
            distractors, first = self.adversary.choose(texts, answers, pools, sizes, ranks)
        places = generator.permuted(np.tile(np.arange(wanted), (len(rows), 1)), axis=1)
        entities = np.concatenate([answers[:, None], distractors], axis=1)
        shown = self.graph.labels.take(np.take_along_axis(entities, places, axis=1).ravel())
        labels = places.argmin(axis=1).tolist()  # where the answer, entity 0 of its row, has come to stand
        letters = tuple(LETTERS[:wanted])
        for i, position in enumerate(triples.positions[rows].tolist()):
            counts.made[names[i]] += 1
            if first is not None and counts.first is not None:
                counts.first += int(first[i])
            yield MultipleChoiceExample(
                id=f"{self.graph.name}-{position}-{ends[i]}",
                question=texts[i],
                choices=tuple(shown[i * wanted : (i + 1) * wanted]),
                choice_labels=letters,
                label=labels[i],
                question_concept=known[i],
            )

    def _pools(
        self, triples: AskedTriples, rows: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return ``int32 [Q, P]`` entities that may stand beside each answer, and how many there are."""
        size = self.options.choices - 1 if self.adversary is None else self.options.pool
        relation = triples.relations[triples.positions[rows]]
        low, high = triples.relation_offsets[relation], triples.relation_offsets[relation + 1]
        spans = (low[:, None], high[:, None])
        drawn = triples.by_relation[generator.integers(*spans, size=(len(rows), 2 * size + 16))]
        asked = triples.tail_asked[rows, None]
        pools = np.zeros((len(rows), size), dtype=np.int32)
        out, facts = self.graph.outgoing, self.facts
        counts = fill_pools(
            out.indptr,
            out.neighbors,
            facts.text,
            facts.keyword_offsets,
            facts.keywords,
            triples.known[rows],
            triples.answers[rows],
            np.where(asked, triples.heads[drawn], triples.tails[drawn]),
            np.where(asked, triples.tails[drawn], triples.heads[drawn]),
            pools,
        )
        return pools, counts
