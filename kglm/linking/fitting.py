"""Weights of the entity linker from mentions whose entities are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kglm.linking.entity_linker import EntityLinker, LinkingProblem, Spans
from kglm.linking.features import SECOND_PASS, CandidateFeatures
from kglm.linking.scorer import LogLinearScorer, fit_scorer
from kglm.linking.weights import LinkerWeights


def fit_weights(
    linker: EntityLinker,
    texts: Sequence[str],
    spans: Spans,
    gold: Sequence[int | None],
    *,
    features: Sequence[str],
    nil: bool = True,
    l2: float = 3.0,
) -> LinkerWeights:
    """Return weights fitted on given mentions: the first pass without coherence, then all together.

    Args:
        linker: its look-ups propose the candidates; its own weights do not matter.
        texts: N of them.
        spans: of the mentions in each text.
        gold: M entities, mention by mention; None where the graph has none.
        features: columns of the scorer; the first pass takes those among them that need none.
        nil: whether a mention may mean no entity of the graph.
        l2: see :func:`kglm.linking.scorer.fit_scorer`.

    Raises:
        DataError: nothing can be learned from these mentions.
    """
    simple = tuple(name for name in features if name not in SECOND_PASS)
    problem = linker.problem(texts, spans, features=simple)
    right = right_candidates(problem, gold)
    table, offsets = problem.features, problem.sets.offsets
    first = fit_scorer(simple, table.values, offsets, right, nil=nil, l2=l2)
    if len(simple) == len(features):
        return LinkerWeights(first)
    first = LogLinearScorer(first.weights, None)
    chosen, _ = first.probabilities(table.values, offsets)
    zeros = np.zeros((len(table.values), len(features)), dtype=np.float32)
    for column, name in enumerate(features):
        if name in simple:
            zeros[:, column] = table.values[:, simple.index(name)]
    wide = replace(table, names=tuple(features), values=zeros)
    full: CandidateFeatures = linker.sources.second_pass(wide, problem.sets, chosen, problem.text_offsets)
    return LinkerWeights(fit_scorer(tuple(features), full.values, offsets, right, nil=nil, l2=l2), first)


def right_candidates(problem: LinkingProblem, gold: Sequence[int | None]) -> np.ndarray:
    """Return ``int64 [M]``, each mention's right candidate counted within it, or -1: NIL, or not proposed."""
    bounds = problem.sets.offsets.tolist()
    places = np.full(len(gold), -1, dtype=np.int64)
    for mention, entity in enumerate(gold):
        if entity is not None:
            hits = np.flatnonzero(problem.sets.entities[bounds[mention] : bounds[mention + 1]] == entity)
            places[mention] = hits[0] if len(hits) else -1
    return places
