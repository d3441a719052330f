"""A control: random triples in the place of facts, as many and as long."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedTokenizerBase

from kglm.data.facts.fact import RANDOM, Fact
from kglm.data.facts.selection import sentence_lengths
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.verbalization import verbalize_triple

POOL = 20_000  # triples drawn from the graph, from which the control chooses


class RandomTriples:
    """Exchanges facts for random triples of a graph; the same ones for the same seed, question and choice.

    A fact of L tokens becomes triples of L tokens in all, or of as many as can be had: what a model gains from facts
    must vanish under this control, while the number of facts and their length, by which it could tell choices apart
    without reading, stay.

    Args:
        graph: whose triples they are.
        tokenizer: counts the tokens.
        seed: of the choice.
    """

    def __init__(self, graph: KnowledgeGraph, tokenizer: PreTrainedTokenizerBase, seed: int) -> None:
        self.seed = seed
        self.tokenizer = tokenizer
        self._by_length: dict[int, list[str]] = defaultdict(list)
        drawn = _draw(graph, min(POOL, graph.num_triples), seed)
        lengths = sentence_lengths([Fact(text, 0.0) for text in drawn], tokenizer)
        for text in drawn:
            self._by_length[lengths[text]].append(text)
        self._sums: list[tuple[int, ...]] = [()]  # by their sum

    def exchange(self, rows: Sequence[tuple[str, str, Sequence[Fact]]]) -> list[tuple[Fact, ...]]:
        """Return other facts for each question, choice and facts.

        A fact that is shorter than the shortest triple becomes that one.
        """
        lengths = sentence_lengths([fact for _, _, facts in rows for fact in facts], self.tokenizer)
        exchanged = []
        for question, choice, facts in rows:
            digest = hashlib.sha256(json.dumps([question, choice]).encode()).digest()
            generator = np.random.default_rng([self.seed, int.from_bytes(digest[:8])])
            exchanged.append(tuple(Fact(self._text(lengths[f.text], generator), 0.0, RANDOM) for f in facts))
        return exchanged

    def _text(self, length: int, generator: np.random.Generator) -> str:
        """Return triples, joined by semicolons, each of which counts one token as the full stop does."""
        clauses = []
        for size in self._sizes(length):
            texts = self._by_length[size]
            clauses.append(texts[int(generator.integers(len(texts)))])
        return "; ".join(clauses)

    def _sizes(self, length: int) -> tuple[int, ...]:
        """Return the fewest lengths of triples that add up to ``length``, or to what comes next below it."""
        while len(self._sums) <= length:
            whole = len(self._sums)
            parts = [(*self._sums[whole - size], size) for size in self._by_length if self._is_sum(whole - size)]
            self._sums.append(min(parts, key=len, default=()))
        below = next((sizes for sizes in self._sums[length::-1] if sizes), None)
        return below or (min(self._by_length),)

    def _is_sum(self, length: int) -> bool:
        return length == 0 or (length > 0 and bool(self._sums[length]))


def _draw(graph: KnowledgeGraph, count: int, seed: int) -> list[str]:
    """Return distinct triples as clauses."""
    out = graph.outgoing
    at = np.random.default_rng(seed).choice(graph.num_triples, count, replace=False)
    heads = np.searchsorted(out.indptr, at, side="right") - 1
    labels = zip(graph.labels.take(heads), graph.labels.take(out.neighbors[at]), strict=True)
    return list(
        dict.fromkeys(
            verbalize_triple(head, graph.relations[relation], tail)
            for relation, (head, tail) in zip(out.relations[at].tolist(), labels, strict=True)
        )
    )
