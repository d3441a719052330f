"""Facts as text: the triples between a question and a choice that are most worth reading.

Dimensions: G question-choice pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from kglm.data.facts.fact import Fact
from kglm.data.facts.options import FactOptions
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.schema_graph import ConceptSets, SchemaGraphs, SchemaOptions, extract_schema_graphs
from kglm.kg.verbalization import verbalize_triple

CLAUSES_KEPT = 1_000_000


class GraphFacts:
    r"""Ranks and verbalises what joins the concepts of a question and of a choice.

    Between two concepts the triple with the highest :math:`w \cdot N / N_r` is told, with w its weight and
    :math:`N / N_r` the rarity of its relation: "related to" says little (Lin et al. 2021, KCR, and Xu et al. 2021,
    DEKCOR, choose so). A chain is worth the geometric mean of its triples; direct triples come before chains.

    Args:
        graph: where the triples are.
        options: see :class:`~kglm.data.facts.options.FactOptions`.
    """

    def __init__(self, graph: KnowledgeGraph, options: FactOptions) -> None:
        self.graph = graph
        self.options = options
        counts = np.bincount(graph.outgoing.relations, minlength=graph.num_relations)
        self.rarity = graph.num_triples / np.maximum(counts, 1)
        self._clause = lru_cache(CLAUSES_KEPT)(self._best_clause)

    def find(self, pairs: Sequence[ConceptSets], workers: int | str = 1) -> list[list[Fact]]:
        """Return the facts of each pair, best first; equal texts stand once.

        Args:
            pairs: G of them, see :func:`kglm.data.grounding.ground`.
            workers: threads, or the address of a Dask scheduler.
        """
        options = SchemaOptions(max_hops=self.options.max_hops, max_paths=self.options.paths_considered)
        graphs = extract_schema_graphs(self.graph, list(pairs), options, workers)
        return [self._facts(graphs, index) for index in range(len(pairs))]

    def _facts(self, graphs: SchemaGraphs, index: int) -> list[Fact]:
        entities = graphs.nodes[graphs.node_offsets[index] : graphs.node_offsets[index + 1]].tolist()
        found: dict[str, tuple[int, Fact]] = {}
        for nodes, _ in graphs.paths(index):
            chain = [entities[node] for node in nodes]
            clauses = [self._clause(*hop) for hop in pairwise(chain)]
            score = float(np.exp(np.mean([np.log(score) for _, score in clauses])))
            fact = Fact("; ".join(text for text, _ in clauses), score)
            known = found.get(fact.text)
            if known is None or fact.score > known[1].score:
                found[fact.text] = (len(clauses), fact)
        ranked = sorted(found.values(), key=lambda entry: (entry[0], -entry[1].score, entry[1].text))
        return [fact for _, fact in ranked]

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
