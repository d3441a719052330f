"""Triples as ids: of a graph, of a file that is held against it, and a part that is held out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kglm.errors import ConfigError, DataError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.readers import one_by_one, read_records
from kglm.kg.records import Triple
from kglm.kg.tally import Tally


@dataclass(frozen=True)
class HeldTriples:
    """Triples of a file, as far as the graph knows their names.

    Attributes:
        ids: ``int64 [n, 3]``: head, relation, tail.
        unknown: how many more there are, with an entity or a relation that the graph does not have. No model trained
            on the graph can rank those.
    """

    ids: np.ndarray
    unknown: int = 0

    def __len__(self) -> int:
        return len(self.ids) + self.unknown


def graph_triples(graph: KnowledgeGraph) -> np.ndarray:
    """Return all triples of a graph as ``int64 [n, 3]``: head, relation, tail."""
    heads, relations, tails, _ = graph.triple_arrays()
    return np.stack([heads, relations, tails], axis=1).astype(np.int64)


def read_triples(path: Path | str, graph: KnowledgeGraph, *, format: str | None = None) -> HeldTriples:
    """Read triples in any format that kglm reads, and look up their names in a graph.

    Raises:
        DataError: the file is missing or malformed, or none of its triples is made of names of the graph.
    """
    triples = [record for record in one_by_one(read_records(path, Tally(), format)) if isinstance(record, Triple)]
    columns = [
        _find_all([triple.head for triple in triples], graph.entities.find),
        _find_all([triple.relation for triple in triples], _relation_finder(graph)),
        _find_all([triple.tail for triple in triples], graph.entities.find),
    ]
    ids = np.stack(columns, axis=1)
    known = (ids >= 0).all(axis=1)
    if not known.any():
        shown = f"; the first is {triples[0][:3]}" if triples else ""
        raise DataError(f"none of the {len(triples)} triples of '{path}' is in the words of {graph!r}{shown}")
    return HeldTriples(ids[known], int((~known).sum()))


def _find_all(names: list[str], find: Callable[[str], int]) -> np.ndarray:
    found = {name: find(name) for name in set(names)}
    return np.array([found[name] for name in names], dtype=np.int64)


def _relation_finder(graph: KnowledgeGraph) -> Callable[[str], int]:
    ids = {name: number for number, name in enumerate(graph.relations)}
    return lambda name: ids.get(name, -1)


def hold_out(triples: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split triples into a part to train on and a part to validate on.

    A triple is held out only where its head, its tail and its relation stay in the other part, so that all of them
    are trained.

    Args:
        triples: ``int64 [n, 3]``.
        share: of them to hold out, in (0, 1); fewer where the graph is too thin.
        seed: chooses them.

    Returns:
        The triples to train on, and those held out, each ``int64 [n, 3]``.

    Raises:
        ConfigError: the share is not between 0 and 1.
        DataError: no triple can be held out.
    """
    if not 0 < share < 1:
        raise ConfigError(f"held_out is {share}; allowed: a share of the triples between 0 and 1")
    wanted = max(1, round(share * len(triples)))
    held = np.zeros(len(triples), dtype=bool)
    for row in _spare_rows(triples, np.random.default_rng(seed).permutation(len(triples))):
        held[row] = True
        wanted -= 1
        if not wanted:
            break
    if not held.any():
        raise DataError("no triple can be held out: each has an entity or a relation that no other triple has")
    return triples[~held], triples[held]


def _spare_rows(triples: np.ndarray, order: np.ndarray) -> Iterator[int]:
    """Yield rows, each of which leaves both entities and the relation in some row that was not yielded."""
    uses = np.bincount(triples[:, [0, 2]].ravel())
    relation_uses = np.bincount(triples[:, 1])
    for row in order.tolist():
        head, relation, tail = triples[row].tolist()
        if uses[head] > 1 + (head == tail) and uses[tail] > 1 + (head == tail) and relation_uses[relation] > 1:
            uses[head] -= 1
            uses[tail] -= 1
            relation_uses[relation] -= 1
            yield row
