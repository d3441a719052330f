"""A linker made of what was trained: its encoder, its sense vectors, and weights fitted on text it has not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kglm.embeddings.entity_table import EntityTable
from kglm.encoders import TextEncoder
from kglm.kg.graph import KnowledgeGraph
from kglm.linking.entity_linker import EntityLinker, LinkingProblem
from kglm.linking.options import EntityLinkerOptions
from kglm.linking.scorer import LogLinearScorer, fit_scorer
from kglm.linking.training.examples import SenseExample
from kglm.linking.training.modeling import START_WEIGHTS
from kglm.linking.weights import LinkerWeights

FEATURES = tuple(START_WEIGHTS)


def assemble(
    graph: KnowledgeGraph, encoder: TextEncoder, vectors: np.ndarray, examples: Sequence[SenseExample]
) -> EntityLinker:
    """Return a linker of word senses whose weights are fitted on examples.

    Args:
        graph: the examples' WordNet.
        encoder: reads contexts.
        vectors: ``[N, D]``, of all entities of the graph.
        examples: that neither encoder nor vectors were trained on.

    Raises:
        DataError: no example has a right candidate.
    """
    source = {"kind": "description", "encoder": encoder.name, "pooling": "mean", "normalized": True}
    table = EntityTable(vectors.astype(np.float16), graph.fingerprint, source)
    options = EntityLinkerOptions(kind="senses", beside=0)
    start = LinkerWeights(LogLinearScorer(START_WEIGHTS, None))
    linker = EntityLinker(graph, encoder=encoder, options=options, weights=start, table=table)
    linker.weights = fit_sense_weights(linker, examples)
    return linker


def fit_sense_weights(linker: EntityLinker, examples: Sequence[SenseExample]) -> LinkerWeights:
    """Return the weights of :data:`FEATURES` that fit examples best; of several right senses the first counts.

    Raises:
        DataError: no example has a right candidate.
    """
    problem, gold = sense_problem(linker, examples)
    scorer = fit_scorer(FEATURES, problem.features.values, problem.features.offsets, gold, nil=False)
    return LinkerWeights(scorer)


def sense_problem(linker: EntityLinker, examples: Sequence[SenseExample]) -> tuple[LinkingProblem, np.ndarray]:
    """Return the features of the candidates of all mentions, and the right one's place, -1 where none is."""
    problem = linker.problem(
        [example.text for example in examples],
        [[(one.start, one.end) for one in example.mentions] for example in examples],
        [[one.candidates for one in example.mentions] for example in examples],
        [[one.counts for one in example.mentions] for example in examples],
        features=FEATURES,
    )
    mentions = [one for example in examples for one in example.mentions]
    gold = [one.right.index(True) if any(one.right) else -1 for one in mentions]
    return problem, np.array(gold, dtype=np.int64)
