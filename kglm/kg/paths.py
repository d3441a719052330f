"""The best bounded simple paths between two sets of concepts.

The rule of selection, whatever the number of workers. The score of a path is the product of its links' scores:
the weight of a link (the largest of its triples, in either direction), or what the caller says. Between one
question concept and one choice concept, paths of equally many hops are ranked by score, ties by the entity ids
along the path. Over all concept pairs of a question-choice pair, shorter paths come first; among equally long
ones the k-th of every concept pair comes before the (k+1)-th of any; of equal rank, the better score comes first,
then the earlier concept pair. The first ``max_paths`` are kept.

Products are compared as sums of base-2 logarithms in steps of 2^-22, so that the result is the same on every
machine; link scores closer than 2 parts in 10 million count as equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.path_kernels import search_paths
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT
from kglm.kg.search.inputs import link_rows, weight_values

MAX_HOPS = 4
STEPS = 2**22


@dataclass(frozen=True)
class ScoredLinks:
    """The links of a graph, each row best first, ties by entity id; made once, used for many searches.

    Attributes:
        indptr: ``[entities + 1]``.
        neighbors: ``int32 [links in both directions]``.
        codes: positions in ``logs``, parallel to ``neighbors``.
        logs: ``int32``, ascending: base-2 logarithms of scores in steps of 2^-22.
    """

    indptr: np.ndarray
    neighbors: np.ndarray
    codes: np.ndarray
    logs: np.ndarray

    @classmethod
    def by_weight(cls, graph: KnowledgeGraph) -> ScoredLinks:
        """Score links by weight; nothing of the size of the graph is read or made."""
        rows = link_rows(graph)
        return cls(rows.indptr, rows.neighbors, rows.weight_codes, _logs(weight_values(graph)))

    @classmethod
    def by_score(cls, graph: KnowledgeGraph, link_scores: np.ndarray) -> ScoredLinks:
        """Score links by what a model says of them, a knowledge-graph embedding for example.

        Args:
            graph: the graph.
            link_scores: ``[links in both directions]``, parallel to ``graph.links.neighbors``, positive, larger is
                better. Of the two scores that a link has, one in each direction, the larger counts.

        Raises:
            ValueError: there are more or fewer scores than links, or one is not a positive number.
        """
        scores = np.asarray(link_scores, dtype=np.float32)
        neighbors, indptr = np.asarray(graph.links.neighbors), np.asarray(graph.links.indptr).astype(np.int64)
        if scores.shape != neighbors.shape:
            raise ValueError(f"link_scores has shape {scores.shape}, expected {neighbors.shape}, one a link")
        wrong = np.flatnonzero(~((scores >= MIN_WEIGHT) & (scores <= MAX_WEIGHT)))
        if len(wrong):
            raise ValueError(
                f"link_scores[{wrong[0]}] is {scores[wrong[0]]}, expected {MIN_WEIGHT:g} to {MAX_WEIGHT:g}"
            )
        rows = np.repeat(np.arange(graph.num_entities), np.diff(indptr))
        there, back = np.lexsort((neighbors, rows)), np.lexsort((rows, neighbors))
        logs = np.empty(len(scores), dtype=np.int32)
        logs[there] = _logs(np.maximum(scores[there], scores[back]))
        order = np.lexsort((neighbors, -logs, rows))
        values, codes = np.unique(logs[order], return_inverse=True)
        return cls(indptr, neighbors[order], codes.astype(np.min_scalar_type(len(values))), values)


def scores_of(logs: np.ndarray) -> np.ndarray:
    """Return scores as ``float32``, given their logarithms in steps."""
    return np.exp2(logs / STEPS).astype(np.float32)


def log_of(score: float) -> int:
    """Return the logarithm, in steps, of a positive number, rounded as those of scores are."""
    return round(math.log2(score) * STEPS)


def _logs(scores: np.ndarray) -> np.ndarray:
    return np.rint(np.log2(scores.astype(np.float64)) * STEPS).astype(np.int32)


@dataclass(frozen=True)
class GraphPath:
    """A simple path, to be read from left to right.

    Attributes:
        entities: ids, one more than hops.
        relations: the relation ids of each hop; ``r + R`` is the inverse of relation ``r``.
        score: the product of the scores of its links, to six digits.
    """

    entities: tuple[int, ...]
    relations: tuple[tuple[int, ...], ...]
    score: float


def find_paths(
    graph: KnowledgeGraph,
    sources: Sequence[int],
    targets: Sequence[int],
    max_hops: int = 3,
    max_paths: int = 10,
    links: ScoredLinks | None = None,
) -> list[GraphPath]:
    """Return the best simple paths that lead from a source to a target.

    Args:
        graph: the compiled graph.
        sources: entity ids.
        targets: entity ids, none of them a source.
        max_hops: the longest path, 1 to 4.
        max_paths: how many are wanted; the rule of selection heads this module.
        links: the scores; None takes the weights.

    Raises:
        ConfigError: ``max_hops`` or ``max_paths`` is out of bounds.
        ValueError: an entity id is outside the graph, or stands twice.
    """
    check_bounds(max_hops, max_paths)
    question, choice = np.asarray(sources, dtype=np.int32), np.asarray(targets, dtype=np.int32)
    check_concepts(graph.num_entities, question, np.array([0, len(question)]), choice, np.array([0, len(choice)]))
    links = links or ScoredLinks.by_weight(graph)
    _, _, ends, entities, logs = search_paths(
        links.indptr, links.neighbors, links.codes, links.logs, question, np.array([0, len(question)]),
        choice, np.array([0, len(choice)]), max_hops, max_paths,
    )  # fmt: skip
    found = []
    for path, score in enumerate(np.exp2(logs / STEPS).tolist()):
        nodes = entities[ends[path] : ends[path + 1]].tolist()
        relations = (tuple(graph.relations_between(a, b)) for a, b in pairwise(nodes))
        found.append(GraphPath(tuple(nodes), tuple(relations), float(f"{score:.6g}")))
    return found


def check_bounds(max_hops: int, max_paths: int) -> None:
    """Refuse bounds that no search is made for.

    Raises:
        ConfigError: one of them is out of bounds.
    """
    if not 1 <= max_hops <= MAX_HOPS:
        raise ConfigError(f"max_hops is {max_hops}, expected 1 to {MAX_HOPS}")
    if max_paths < 1:
        raise ConfigError(f"max_paths is {max_paths}, expected at least 1")


def check_concepts(
    num_entities: int,
    questions: np.ndarray,
    question_offsets: np.ndarray,
    choices: np.ndarray,
    choice_offsets: np.ndarray,
) -> None:
    """Refuse what the compiled code, which checks no bounds, would read or count wrongly.

    Raises:
        ValueError: an entity id is outside the graph, or stands twice among the concepts of a pair.
    """
    concepts = np.concatenate([questions, choices])
    outside = concepts[(concepts < 0) | (concepts >= num_entities)]
    if len(outside):
        raise ValueError(f"entity id {outside[0]} is outside the graph of {num_entities} entities")
    pairs = np.arange(len(question_offsets) - 1)
    owners = np.concatenate([np.repeat(pairs, np.diff(question_offsets)), np.repeat(pairs, np.diff(choice_offsets))])
    keys = np.sort(owners * num_entities + concepts)
    repeated = keys[1:][keys[1:] == keys[:-1]]
    if len(repeated):
        raise ValueError(
            f"entity id {repeated[0] % num_entities} stands twice among the concepts of one question-choice pair"
        )
