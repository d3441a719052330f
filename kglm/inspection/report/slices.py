"""Kinds of questions, by how a graph joins the right answer to its question.

The slices depend on graph and linker only, never on a model: all experiments are cut in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kglm.data.grounding import ground
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.inspection.reachability import FAR, distances_between
from kglm.kg import KnowledgeGraph
from kglm.kg.schema_graph import ConceptSets
from kglm.linking import LexicalLinker

COMMON_RELATIONS = 6


@dataclass(frozen=True)
class Slice:
    """Some of the questions.

    Attributes:
        group: what they are told apart by: ``direct edge``, ``hops`` or ``relation``.
        name: which of its kinds.
        ids: of the questions.
    """

    group: str
    name: str
    ids: frozenset[str]


def slice_questions(
    examples: Sequence[MultipleChoiceExample], graph: KnowledgeGraph, linker: LexicalLinker | None = None
) -> list[Slice]:
    """Return slices by direct edge (linked or not), by number of hops, and by the relation of the direct edge.

    A question whose answer shares a concept with it, or joins it by one link, is directly linked. One with several
    relations stands in the slice of each; only the :data:`COMMON_RELATIONS` most frequent ones have one.

    Args:
        examples: the questions; those without an answer are left out.
        graph: joins concepts.
        linker: finds them; a lexical one by default.
    """
    labelled = [example for example in examples if example.label is not None]
    if not labelled:
        return []
    pairs = ground(labelled, linker or LexicalLinker(graph))
    starts = np.cumsum([0, *(len(example.choices) for example in labelled)])
    gold = [pairs[start + (example.label or 0)] for start, example in zip(starts, labelled, strict=False)]
    distances = distances_between(graph, [p.question for p in gold], [p.choice for p in gold], range(len(gold)))
    ids = [example.id for example in labelled]
    direct = dict(zip(ids, (distances <= 1).tolist(), strict=True))
    hops = dict(zip(ids, distances.tolist(), strict=True))
    relations = {name: _relations(graph, pair) for name, pair in zip(ids, gold, strict=True) if direct[name]}
    return [*_by_edge(direct), *_by_hops(hops), *_by_relation(relations)]


def _by_edge(direct: Mapping[str, bool]) -> list[Slice]:
    names = {True: "gold choice linked", False: "gold choice not linked"}
    return _filled([Slice("direct edge", names[kind], _where(direct, kind)) for kind in (True, False)])


def _by_hops(hops: Mapping[str, int]) -> list[Slice]:
    names = {0: "shared concept", 1: "1 hop", **{n: f"{n} hops" for n in range(2, FAR)}, FAR: "none within 3 hops"}
    return _filled([Slice("hops", name, _where(hops, distance)) for distance, name in names.items()])


def _by_relation(relations: Mapping[str, frozenset[str]]) -> list[Slice]:
    counts = Counter(relation for found in relations.values() for relation in found)
    # By number, then by name: the same slices whatever the order of the questions.
    common = sorted(counts, key=lambda relation: (-counts[relation], relation))[:COMMON_RELATIONS]
    return [
        Slice("relation", relation, frozenset(name for name, found in relations.items() if relation in found))
        for relation in common
    ]


def _where(values: Mapping[str, int], wanted: int) -> frozenset[str]:
    return frozenset(name for name, value in values.items() if value == wanted)


def _filled(slices: Sequence[Slice]) -> list[Slice]:
    return [one for one in slices if one.ids]


def _relations(graph: KnowledgeGraph, pair: ConceptSets) -> frozenset[str]:
    """Return the names of all relations, in either direction, between the two sets of concepts."""
    found: set[int] = set()
    for source in pair.question:
        for target in pair.choice:
            found.update(r % graph.num_relations for r in graph.relations_between(int(source), int(target)))
    return frozenset(graph.relations[r] for r in found)
