"""What the linker learns from: mentions with the senses that they may mean, and those that they do mean.

The other senses of the same lemma and part of speech are the hard negatives. How often a sense was seen is a feature
of the linker, and WordNet counted in the very text that it is trained on: what a document says of itself is therefore
taken out of the counts of its own mentions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kglm.kg.graph import KnowledgeGraph
from kglm.kg.readers.wordnet import senses
from kglm.linking.evaluation.sense_tagged import TaggedSentence, TaggedWord


class SenseMention(NamedTuple):
    """A tagged word in terms of a graph.

    Attributes:
        start: in characters of the text.
        end: past the last character.
        candidates: ids of the senses of its lemma and part of speech, in WordNet's order.
        counts: how often each was seen elsewhere.
        right: which of the candidates are right.
        word: as the text tags it.
    """

    start: int
    end: int
    candidates: tuple[int, ...]
    counts: tuple[int, ...]
    right: tuple[bool, ...]
    word: TaggedWord


@dataclass(frozen=True)
class SenseExample:
    """A sentence and its mentions.

    Attributes:
        id: of the sentence.
        document: of which it is a part.
        text: of the sentence.
        mentions: those that have candidates.
    """

    id: str
    document: str
    text: str
    mentions: tuple[SenseMention, ...]


def sense_examples(
    graph: KnowledgeGraph, sentences: Iterable[TaggedSentence], *, counted: bool
) -> list[SenseExample]:
    """Return the sentences in terms of a graph; those without a mention are left out.

    Args:
        graph: a compiled WordNet with sense names.
        sentences: tagged.
        counted: whether the graph's counts were made on these documents, whose own share is then taken out.
    """
    sentences = list(sentences)
    own = _own_counts(sentences) if counted else Counter()
    lexicon = _Lexicon(graph)
    found = []
    for sentence in sentences:
        mentions = [
            mention
            for word in sentence.words
            if (mention := lexicon.mention(word, sentence.document, own)) is not None
        ]
        if mentions:
            found.append(SenseExample(sentence.id, sentence.document, sentence.text, tuple(mentions)))
    return found


def held_out(examples: Sequence[SenseExample], every: int) -> tuple[list[SenseExample], list[SenseExample]]:
    """Return the examples to train on, and those of one document in ``every``, in the order of their names."""
    documents = sorted({example.document for example in examples})
    chosen = set(documents[every // 2 :: every])
    kept = [example for example in examples if example.document not in chosen]
    return kept, [example for example in examples if example.document in chosen]


_Own = Counter[tuple[str, str, str]]


def _own_counts(sentences: Iterable[TaggedSentence]) -> _Own:
    """Count lemma and synset in each document."""
    return Counter(
        (sentence.document, word.lemma, synset)
        for sentence in sentences
        for word in sentence.words
        for synset in word.synsets
    )


class _Lexicon:
    """The senses of lemmas, looked up once."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        self._graph = graph
        self._known: dict[tuple[str, str], tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]] = {}

    def senses(self, lemma: str, pos: str) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
        """Return names, ids and counts."""
        if (lemma, pos) not in self._known:
            found = senses(self._graph, lemma, pos)
            names = tuple(sense.entity for sense in found)
            ids = tuple(self._graph.entity_id(name) for name in names)
            self._known[lemma, pos] = names, ids, tuple(sense.count for sense in found)
        return self._known[lemma, pos]

    def mention(self, word: TaggedWord, document: str, own: _Own) -> SenseMention | None:
        names, ids, counts = self.senses(word.lemma, word.pos)
        if not names:
            return None
        elsewhere = tuple(
            max(0, count - own[document, word.lemma, name]) for name, count in zip(names, counts, strict=True)
        )
        right = tuple(name in word.synsets for name in names)
        return SenseMention(word.start, word.end, ids, elsewhere, right, word)
