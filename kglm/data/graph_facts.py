"""Facts as text: the triples between a question and a choice that are most worth reading.

Dimensions: G question-choice pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.schema_graph import ConceptSets, SchemaGraphs, SchemaOptions, extract_schema_graphs
from kglm.kg.verbalization import verbalize_triple

VERSION = 1
CLAUSES_KEPT = 1_000_000


@dataclass(frozen=True, kw_only=True)
class FactOptions:
    """Which facts are read with a choice.

    Attributes:
        max_hops: 1 for direct triples only; 2 for chains of two triples as well.
        max_facts: at most so many for each choice.
        max_tokens: at most so many tokens for each choice; a fact is read whole or not at all.
        dropout: in training, the share of choices that are read without their facts, so that the model does not
            learn to prefer whatever choice has one.
        paths_considered: chains ranked for each choice; they are found by the weights of their links.
    """

    max_hops: int = 1
    max_facts: int = 2
    max_tokens: int = 32
    dropout: float = 0.0
    paths_considered: int = 16

    def __post_init__(self) -> None:
        if self.max_hops not in (1, 2):
            raise ConfigError(f"facts max_hops is {self.max_hops}; allowed: 1, 2")
        for field in ("max_facts", "max_tokens", "paths_considered"):
            if getattr(self, field) < 1:
                raise ConfigError(f"facts {field} is {getattr(self, field)}, expected at least 1")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"facts dropout is {self.dropout}; allowed: 0 to below 1")

    def cache_key(self) -> dict[str, Any]:
        """Return all that the facts depend on, beside the graph, the linker and the text."""
        return {"version": VERSION, **asdict(self)}


class Fact(NamedTuple):
    """A triple, or a chain of them, as text.

    Attributes:
        text: clauses, one a triple.
        hops: number of triples.
        score: how much it is worth reading among those of as many hops.
    """

    text: str
    hops: int
    score: float


class GraphFacts:
    r"""Ranks and verbalises what joins the concepts of a question and of a choice.

    Between two concepts the triple with the highest :math:`w \cdot N / N_r` is told, with w its weight and
    :math:`N / N_r` the rarity of its relation: "related to" says little (Lin et al. 2021, KCR, and Xu et al. 2021,
    DEKCOR, choose so). A chain is worth the geometric mean of its triples; direct triples come before chains.

    Args:
        graph: where the triples are.
        options: see :class:`FactOptions`.
    """

    def __init__(self, graph: KnowledgeGraph, options: FactOptions) -> None:
        self.graph = graph
        self.options = options
        counts = np.bincount(graph.outgoing.relations, minlength=graph.num_relations)
        self.rarity = graph.num_triples / np.maximum(counts, 1)
        self._clause = lru_cache(CLAUSES_KEPT)(self._best_clause)

    def find(self, pairs: Sequence[ConceptSets], workers: int = 1) -> list[list[Fact]]:
        """Return the facts of each pair, best first; equal texts stand once.

        Args:
            pairs: G of them, see :func:`kglm.data.grounding.ground`.
            workers: threads.
        """
        options = SchemaOptions(max_hops=self.options.max_hops, max_paths=self.options.paths_considered)
        graphs = extract_schema_graphs(self.graph, list(pairs), options, workers)
        return [self._facts(graphs, index) for index in range(len(pairs))]

    def _facts(self, graphs: SchemaGraphs, index: int) -> list[Fact]:
        entities = graphs.nodes[graphs.node_offsets[index] : graphs.node_offsets[index + 1]].tolist()
        found: dict[str, Fact] = {}
        for nodes, _ in graphs.paths(index):
            chain = [entities[node] for node in nodes]
            clauses = [self._clause(*hop) for hop in pairwise(chain)]
            score = float(np.exp(np.mean([np.log(score) for _, score in clauses])))
            fact = Fact("; ".join(text for text, _ in clauses), len(clauses), score)
            known = found.get(fact.text)
            if known is None or fact.score > known.score:
                found[fact.text] = fact
        return sorted(found.values(), key=lambda fact: (fact.hops, -fact.score, fact.text))

    def _best_clause(self, source: int, target: int) -> tuple[str, float]:
        """Return the triple between two linked entities that says most, and its worth."""
        best, text = -1.0, ""
        for head, tail in ((source, target), (target, source)):
            # Not a whole row: a hub's would be decoded for one edge.
            out = self.graph.outgoing
            start, end = int(out.indptr[head]), int(out.indptr[head + 1])
            first, last = np.searchsorted(out.neighbors[start:end], [tail, tail + 1]).tolist()
            at = slice(start + first, start + last)
            worth = out.weight_values[out.weight_codes[at]] * self.rarity[out.relations[at]]
            if len(worth) and worth.max() > best:
                relation = self.graph.relations[int(out.relations[at][worth.argmax()])]
                best = float(worth.max())
                text = verbalize_triple(self.graph.labels[head], relation, self.graph.labels[tail])
        return text, best
