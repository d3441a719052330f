"""Link prediction on a graph: what is trained on, what is held against it, and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kglm.embeddings.queries import TripleQueries
from kglm.embeddings.ranking import Ranks, metrics_by_kind, rank_triples, ranking_metrics, relation_kinds
from kglm.embeddings.scorers import CandidateScorer
from kglm.embeddings.triples import HeldTriples, graph_triples, hold_out, read_triples
from kglm.errors import ConfigError, UnknownNameError
from kglm.kg.graph import KnowledgeGraph

SPLITS = ("valid", "test")
METRICS = ("mrr", "mean_rank", "hits@1", "hits@3", "hits@10")


@dataclass(frozen=True)
class LinkPredictionData:
    """A graph's triples in splits.

    Attributes:
        train: ``int64 [n, 3]``: the graph's triples, or what is left of them where some are held out.
        held: ``valid``, and ``test`` where there is one.
        num_entities: N.
        num_relations: R.
    """

    train: np.ndarray
    held: Mapping[str, HeldTriples]
    num_entities: int
    num_relations: int

    @classmethod
    def load(
        cls,
        graph: KnowledgeGraph,
        *,
        valid: Path | str | None = None,
        test: Path | str | None = None,
        held_out: float = 0.05,
        seed: int = 0,
    ) -> LinkPredictionData:
        """Take the graph's triples to train on, and others to judge by.

        Args:
            graph: the graph.
            valid: file of triples that choose the best model; None holds out a part of the graph's.
            test: file of triples for the report, or None.
            held_out: the share to hold out where ``valid`` is None.
            seed: chooses them.

        Raises:
            ConfigError: the share is not between 0 and 1.
            DataError: a file is missing or malformed, or shares no names with the graph.
        """
        train = graph_triples(graph)
        held = {}
        if valid is None:
            train, out = hold_out(train, held_out, seed)
            held["valid"] = HeldTriples(out)
        else:
            held["valid"] = read_triples(valid, graph)
        if test is not None:
            held["test"] = read_triples(test, graph)
        return cls(train, held, graph.num_entities, graph.num_relations)

    def queries(self) -> TripleQueries:
        """Return the questions to train on."""
        return TripleQueries.of(self.train, self.num_entities, self.num_relations)

    def known(self, split: str) -> TripleQueries:
        """Return all that is known when a split is judged: for ``valid`` the test triples are not."""
        parts = [self.train, self.held["valid"].ids]
        if split == "test":
            parts.append(self._split(split).ids)
        return TripleQueries.of(np.concatenate(parts), self.num_entities, self.num_relations)

    def sample(self, split: str, size: int | None) -> np.ndarray:
        """Return a split's triples, or some of them, always the same: ``int64 [n, 3]``."""
        ids = self._split(split).ids
        if size is None or size >= len(ids):
            return ids
        return ids[np.sort(np.random.default_rng(0).permutation(len(ids))[:size])]

    def report(self, scorer: CandidateScorer, split: str, batch_size: int = 256) -> dict[str, Any]:
        """Rank a split's triples on both sides, filtered.

        Returns:
            The metrics over all triples, those that the graph cannot know counted as guesses; ``triples``,
            ``unknown``; ``known``: the metrics over the others alone; ``head`` and ``tail``: of each side;
            ``by_kind``: of each kind of relation and side.

        Raises:
            UnknownNameError: there is no such split.
        """
        held = self._split(split)
        ranks = rank_triples(scorer, held.ids, self.known(split), batch_size)
        kinds = relation_kinds(self.queries())
        return {
            **ranking_metrics(both_sides(ranks), 2 * held.unknown, self.num_entities),
            "triples": len(held),
            "unknown": held.unknown,
            "known": ranking_metrics(both_sides(ranks)),
            "head": ranking_metrics(ranks.head),
            "tail": ranking_metrics(ranks.tail),
            "by_kind": metrics_by_kind(ranks, kinds),
        }

    def _split(self, name: str) -> HeldTriples:
        if name not in SPLITS:
            raise UnknownNameError("split", name, SPLITS)
        if name not in self.held:
            raise ConfigError(f"there is no split '{name}': no file of triples was named for it (test=FILE)")
        return self.held[name]


def both_sides(ranks: Ranks) -> np.ndarray:
    """Return the ranks of tails and heads together, ``[2 n]``."""
    return np.concatenate([ranks.tail, ranks.head])


def describe(report: Mapping[str, Any], split: str) -> str:
    """Return a report as a few lines of text: the metrics, and a table by kind of relation."""
    lines = [f"{split}: {_figures(report)} over {report['triples']} triples, both sides, filtered"]
    if report["unknown"]:
        lines.append(
            f"  {report['unknown']} of them have an entity or relation that the graph lacks, and count as guesses; "
            f"without them: {_figures(report['known'])}"
        )
    lines.append(f"  {'relations':<10}{'side':<6}{'MRR':>7}{'Hits@1':>8}{'Hits@3':>8}{'Hits@10':>9}{'mean rank':>11}")
    for kind, sides in report["by_kind"].items():
        for side, values in sides.items():
            hits = "".join(f"{100 * values[f'hits@{k}']:>{width}.1f}" for k, width in ((1, 8), (3, 8), (10, 9)))
            lines.append(f"  {kind:<10}{side:<6}{values['mrr']:>7.3f}{hits}{values['mean_rank']:>11.1f}")
    return "\n".join(lines)


def _figures(values: Mapping[str, Any]) -> str:
    hits = ", ".join(f"Hits@{k} {100 * values[f'hits@{k}']:.1f} %" for k in (1, 3, 10))
    return f"MRR {values['mrr']:.4f}, {hits}, mean rank {values['mean_rank']:.1f}"
