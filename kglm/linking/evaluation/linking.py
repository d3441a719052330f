"""A linker against a gold set: given mentions, mentions that it finds, recall of candidates, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kglm.linking.entity_linker import EntityLinker, LinkingProblem
from kglm.linking.evaluation.calibration import Reliability, reliability
from kglm.linking.evaluation.gold import GoldDocument
from kglm.linking.evaluation.identifiers import EntityIdentifiers
from kglm.linking.evaluation.metrics import Annotation, MicroMacro, score
from kglm.linking.fitting import right_candidates
from kglm.linking.mention import Mention

RECALL_AT = (1, 5, 10, 30)


@dataclass(frozen=True)
class LinkingReport:
    """How well a linker does on a gold set.

    Attributes:
        documents: how many.
        mentions: gold mentions.
        in_graph: those whose entity the graph has.
        given: mentions given; entities of the graph alone.
        given_with_nil: the same, NIL counting as an entity: its micro precision, recall and F1 are the accuracy.
        found: mentions that the linker finds; entities of the graph alone.
        found_with_nil: the same, with NIL.
        spans: mentions found, whatever they mean.
        recall: share of the mentions in the graph whose entity is among the k likeliest candidates, by k.
        reliability: of the decisions on given mentions that have candidates.
    """

    documents: int
    mentions: int
    in_graph: int
    given: MicroMacro
    given_with_nil: MicroMacro
    found: MicroMacro
    found_with_nil: MicroMacro
    spans: MicroMacro
    recall: dict[int, float]
    reliability: Reliability


def evaluate_linking(
    linker: EntityLinker, documents: Sequence[GoldDocument], identifiers: EntityIdentifiers
) -> LinkingReport:
    """Return how well a linker does; gold entities that the graph does not have are NIL.

    Args:
        linker: the linker.
        documents: of the gold set.
        identifiers: tells which entity of the graph a gold entity is.
    """
    texts = [document.text for document in documents]
    gold = [
        [Annotation(one.start, one.end, identifiers.find(one.entity)) for one in document.mentions]
        for document in documents
    ]
    spans = [[(one.start, one.end) for one in row] for row in gold]
    problem = linker.problem(texts, spans)
    decided = linker.decide(texts, spans, problem)
    given = [_annotations(row) for row in decided]
    found = [_annotations(row) for row in linker(texts)]
    flat = [one.entity for row in gold for one in row]
    return LinkingReport(
        documents=len(documents),
        mentions=len(flat),
        in_graph=sum(entity is not None for entity in flat),
        given=score(gold, given, nil=False),
        given_with_nil=score(gold, given, nil=True),
        found=score(gold, found, nil=False),
        found_with_nil=score(gold, found, nil=True),
        spans=score(_bare(gold), _bare(found), nil=True),
        recall=_recall(linker, problem, flat),
        reliability=_reliability([one for row in decided for one in row], flat),
    )


def _annotations(mentions: Sequence[Mention]) -> list[Annotation]:
    return [Annotation(one.start, one.end, one.entity) for one in mentions]


def _bare(rows: Sequence[Sequence[Annotation]]) -> list[list[Annotation]]:
    return [[one._replace(entity=None) for one in row] for row in rows]


def _recall(linker: EntityLinker, problem: LinkingProblem, gold: Sequence[int | None]) -> dict[int, float]:
    wanted = np.array([entity is not None for entity in gold], dtype=bool)
    right = right_candidates(problem, gold)
    chosen, _ = linker.probabilities(problem)
    ranks = np.full(len(gold), np.iinfo(np.int64).max)
    for mention in np.flatnonzero(right >= 0).tolist():
        ours = chosen[problem.sets.offsets[mention] : problem.sets.offsets[mention + 1]]
        ranks[mention] = (ours > ours[right[mention]]).sum()
    return {k: float((ranks[wanted] < k).mean()) if wanted.any() else 1.0 for k in RECALL_AT}


def _reliability(decided: Sequence[Mention], gold: Sequence[int | None]) -> Reliability:
    kept = [(one, entity) for one, entity in zip(decided, gold, strict=True) if one.candidates]
    confidences = [one.nil if one.entity is None else one.candidates[0].probability for one, _ in kept]
    right = [one.entity == entity for one, entity in kept]
    return reliability(np.array(confidences, dtype=np.float64), np.array(right, dtype=bool))
