"""Whether the evidence that a model shows carries its answer: deleted, it should be missed more than other evidence.

The deletion test of DeYoung et al. (ACL 2020, ERASER, "comprehensiveness"), against a random deletion of the same
kind from the same question-choice pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from scipy.stats import binomtest
from tqdm.auto import tqdm

from kglm.data.multiple_choice import MAX_CHOICES, MultipleChoiceExample
from kglm.data.pipeline import PreparedQuestions
from kglm.errors import ConfigError, DataError
from kglm.inference.bundle import Bundle
from kglm.inference.evidence_scores import EvidenceScores, score_evidence
from kglm.kg.schema_deletion import one_graph, without_node, without_path
from kglm.kg.schema_graph import SchemaGraphs
from kglm.models import KnowledgeQAForMultipleChoice
from kglm.training import new_accelerator

PATHS, NODES, FACTS = "paths", "nodes", "facts"
MAX_DRAWS = MAX_CHOICES - 2
EQUAL = 1e-6
"""Two drops that differ by no more are a tie: rounding, not evidence."""


@dataclass(frozen=True)
class Deletion:
    """What became of the chosen answer's score when evidence was deleted.

    Attributes:
        id: of the question.
        choice: label of the chosen answer.
        count: pieces of evidence that its question-choice pair has.
        weight: of the one with the highest weight, in the model's own measure; None for facts, which have an order.
        score: the answer's logit with all evidence.
        top: by how much the logit falls without that piece.
        random: by how much without each of the others that were drawn.
    """

    id: str
    choice: str
    count: int
    weight: float | None
    score: float
    top: float
    random: tuple[float, ...]

    @property
    def difference(self) -> float:
        """By how much more it falls for the top piece than, on average, for one drawn; 0 for rounding."""
        difference = self.top - float(np.mean(self.random))
        return 0.0 if abs(difference) <= EQUAL else difference


@dataclass(frozen=True)
class Faithfulness:
    """Deletions of one kind of evidence over a set of questions.

    Attributes:
        kind: ``paths``, ``nodes`` or ``facts``.
        deletions: of the questions whose chosen answer has two pieces of it or more.
        skipped: questions whose chosen answer has fewer.
    """

    kind: str
    deletions: tuple[Deletion, ...]
    skipped: int

    @property
    def metrics(self) -> dict[str, float]:
        """The figures; without a question there are only the two counts.

        ``more`` is the share of the questions whose score falls more for the top piece than on average for one drawn,
        ``less`` that of the opposite, ``p_value`` of the two-sided sign test on them (ties left out).
        """
        counts = {"questions": float(len(self.deletions)), "skipped": float(self.skipped)}
        if not self.deletions:
            return counts
        differences = np.array([deletion.difference for deletion in self.deletions])
        more, less = int(np.sum(differences > 0)), int(np.sum(differences < 0))
        return {
            **counts,
            "more": more / len(differences),
            "less": less / len(differences),
            "p_value": float(binomtest(more, more + less).pvalue) if more + less else 1.0,
            "mean_top": float(np.mean([deletion.top for deletion in self.deletions])),
            "mean_random": float(np.mean([np.mean(deletion.random) for deletion in self.deletions])),
        }

    def describe(self) -> str:
        """Return the figures as a line."""
        found = self.metrics
        if not self.deletions:
            return f"{self.kind}: no chosen answer has two of them ({self.skipped} questions)"
        top = {PATHS: "top path", NODES: "top node", FACTS: "first fact"}[self.kind]
        return (
            f"{self.kind}: the score falls more without the {top} in {100 * found['more']:.1f} % of "
            f"{len(self.deletions)} questions, less in {100 * found['less']:.1f} % (sign test p = "
            f"{found['p_value']:.2g}); mean fall {found['mean_top']:.3f}, without a random one "
            f"{found['mean_random']:.3f}; {self.skipped} questions have fewer than two"
        )


@dataclass(frozen=True)
class _Case:
    """A question of which evidence is deleted.

    Attributes:
        index: of the question among the prepared ones.
        choice: index of the chosen answer.
        deleted: the pieces deleted one at a time, the top one first; local to the question-choice pair.
        count: how many there are.
        weight: of the top one.
    """

    index: int
    choice: int
    deleted: tuple[int, ...]
    count: int
    weight: float | None


def _require_evidence(bundle: Bundle) -> None:
    """Raise where a model takes in no graph.

    Raises:
        ConfigError: says what would be right.
    """
    knowledge = bundle.pipeline.knowledge
    if bundle.model.config.reasoner is None and (knowledge is None or knowledge.facts is None):
        raise ConfigError(
            "this model answers from the text alone: it has no evidence to delete. Name a run with a reasoner "
            "(reasoner=kagnet) or with facts (facts=graph)"
        )


def _kinds(prepared: PreparedQuestions, scores: EvidenceScores) -> list[str]:
    """Return the kinds of evidence that a model weighs."""
    weighed = {
        PATHS: scores.path_shares is not None,
        NODES: scores.node_shares is not None,
        FACTS: prepared.dataset[0].facts is not None,
    }
    return [kind for kind, present in weighed.items() if present]


def measure_faithfulness(
    bundle: Bundle,
    examples: Sequence[MultipleChoiceExample],
    *,
    draws: int = 5,
    seed: int = 0,
    batch_size: int = 32,
    cache_dir: Path | str | None = None,
    accelerator: Accelerator | None = None,
) -> list[Faithfulness]:
    """Delete the top evidence of each chosen answer, and other pieces at random, and score the answer again.

    Args:
        bundle: the model.
        examples: the questions; labels are not used.
        draws: other pieces deleted, one at a time, at most so many: all of them where there are no more; 1 to 8.
        seed: of the draws.
        batch_size: questions read at once.
        cache_dir: where schema graphs are kept and found again.
        accelerator: gives the device.

    Returns:
        One result for each kind of evidence that the model weighs.

    Raises:
        ConfigError: the model has no evidence, or ``draws`` is not allowed.
        DataError: there is no question.
    """
    if not 1 <= draws <= MAX_DRAWS:
        raise ConfigError(f"draws is {draws}; allowed: 1 to {MAX_DRAWS}")
    if not examples:
        raise DataError("there is no question to evaluate on")
    _require_evidence(bundle)
    device = (accelerator or new_accelerator()).device
    model = bundle.model.to(device).eval()
    prepared = bundle.pipeline.prepare(examples, cache_dir)
    rows: dict[str, list[Deletion]] = {}
    for start in tqdm(range(0, len(examples), batch_size), desc="deleting", unit="batch", disable=None):
        indices = range(start, min(start + batch_size, len(examples)))
        scores = score_evidence(model, prepared, indices, device)
        for kind in _kinds(prepared, scores[0]):
            found = (_case(kind, prepared, *pair, draws, seed) for pair in zip(indices, scores, strict=True))
            cases = [case for case in found if case is not None]
            rows.setdefault(kind, []).extend(_delete(kind, model, prepared, bundle, cases, device))
    return [Faithfulness(kind, tuple(found), len(examples) - len(found)) for kind, found in rows.items()]


def _case(
    kind: str, prepared: PreparedQuestions, index: int, scores: EvidenceScores, draws: int, seed: int
) -> _Case | None:
    """Return what is deleted of a question's chosen answer; None where it has fewer than two pieces of evidence."""
    choice = int(scores.logits.argmax())
    weights = _weights(kind, prepared, index, choice, scores)
    if len(weights) < 2:
        return None
    top = int(weights.argmax())
    others = np.delete(np.arange(len(weights)), top)
    generator = np.random.default_rng([seed, index])
    drawn = generator.choice(others, size=min(draws, len(others)), replace=False).tolist()
    weight = None if kind == FACTS else float(weights[top])
    return _Case(index, choice, (top, *drawn), len(weights), weight)


def _weights(kind: str, prepared: PreparedQuestions, index: int, choice: int, scores: EvidenceScores) -> np.ndarray:
    """Return the weight of each piece of evidence of one choice."""
    encoded = prepared.dataset[index]
    if kind == FACTS:
        facts = encoded.facts[choice] if encoded.facts is not None else ()
        return -np.arange(len(facts))  # they stand in the order of their worth
    assert prepared.graphs is not None
    offsets = prepared.graphs.path_offsets if kind == PATHS else prepared.graphs.node_offsets
    shares = scores.path_shares if kind == PATHS else scores.node_shares
    assert shares is not None
    first = encoded.first_graph
    start, end = (offsets[[first + choice, first + choice + 1]] - offsets[first]).tolist()
    return shares[start:end]


def _delete(
    kind: str,
    model: KnowledgeQAForMultipleChoice,
    prepared: PreparedQuestions,
    bundle: Bundle,
    cases: Sequence[_Case],
    device: torch.device,
) -> Iterator[Deletion]:
    """Score each chosen answer with all its evidence and without each piece, and yield the differences."""
    if not cases:
        return
    scores = score_evidence(model, _variants(kind, prepared, bundle, cases), range(len(cases)), device)
    for case, found in zip(cases, scores, strict=True):
        whole, *without = found.logits.astype(np.float64).tolist()
        example = prepared.dataset[case.index].example
        falls = [whole - score for score in without]
        yield Deletion(
            example.id, example.choice_labels[case.choice], case.count, case.weight, whole, falls[0], tuple(falls[1:])
        )


def _variants(kind: str, prepared: PreparedQuestions, bundle: Bundle, cases: Sequence[_Case]) -> PreparedQuestions:
    """Return each question with its chosen answer, whole and without each piece, in the place of its choices.

    The model scores a choice by itself, so that the other choices need not be read again.
    """
    examples, graphs, facts = [], [], []
    for case in cases:
        encoded = prepared.dataset[case.index]
        times = 1 + len(case.deleted)
        labels = tuple(map(str, range(times)))
        text = encoded.example.choices[case.choice]
        examples.append(replace(encoded.example, choices=(text,) * times, choice_labels=labels, label=None))
        if prepared.graphs is not None:
            graphs += _graphs(kind, prepared.graphs, encoded.first_graph + case.choice, case)
        if encoded.facts is not None:
            read = tuple(encoded.facts[case.choice])
            shorter = [read[:at] + read[at + 1 :] if kind == FACTS else read for at in case.deleted]
            facts += [read, *shorter]
    dataset = bundle.pipeline.encode(examples, facts or None)
    joined = SchemaGraphs.concatenate(graphs) if graphs else None
    return PreparedQuestions(dataset, replace(prepared.collator, graphs=joined))


def _graphs(kind: str, graphs: SchemaGraphs, index: int, case: _Case) -> list[SchemaGraphs]:
    """Return the schema graph of a question-choice pair, whole and without each piece."""
    whole = one_graph(graphs, index)
    if kind == FACTS:
        return [whole] * (1 + len(case.deleted))
    delete = without_path if kind == PATHS else without_node
    return [whole, *(delete(graphs, index, at) for at in case.deleted)]


def deletion_rows(results: Sequence[Faithfulness]) -> Iterator[dict[str, Any]]:
    """Yield one JSON row for each question and kind of evidence."""
    for result in results:
        for deletion in result.deletions:
            yield {"kind": result.kind, **vars(deletion), "random": list(deletion.random)}
