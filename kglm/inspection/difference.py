"""What changed from one graph to another: entities, labels, relations and triples, by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numba
import numpy as np
import pyarrow.compute as pc

from kglm.inspection.strings import chunks, column
from kglm.kg import KnowledgeGraph, Triple
from kglm.kg.search.inputs import outgoing_rows, weight_values

ADDED, REMOVED, REWEIGHTED = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class NameChanges:
    """Names that stand in one of two graphs only; the first of them as examples."""

    added: int
    removed: int
    added_examples: tuple[str, ...]
    removed_examples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TripleChanges:
    """Triples that stand in one of two graphs only, or in both with different weights.

    Attributes:
        added: how many.
        removed: how many.
        reweighted: how many.
        unchanged: how many.
        added_examples: the first by head, tail and relation.
        removed_examples: the same.
        reweighted_examples: the first as (old, new).
        by_relation: for each relation with a change ``(added, removed, reweighted)``, the most changed first.
    """

    added: int
    removed: int
    reweighted: int
    unchanged: int
    added_examples: tuple[Triple, ...]
    removed_examples: tuple[Triple, ...]
    reweighted_examples: tuple[tuple[Triple, Triple], ...]
    by_relation: dict[str, tuple[int, int, int]]


@dataclass(frozen=True, kw_only=True)
class GraphDifference:
    """What changed from ``old`` to ``new``.

    Attributes:
        old: name and fingerprint of the old graph.
        new: name and fingerprint of the new graph.
        identical: the fingerprints are equal.
        entities: names added and removed.
        relabelled: entities in both with another label.
        relabelled_examples: the first as (name, old label, new label).
        relations: names added and removed.
        triples: see :class:`TripleChanges`.
    """

    old: tuple[str, str]
    new: tuple[str, str]
    identical: bool
    entities: NameChanges
    relabelled: int
    relabelled_examples: tuple[tuple[str, str, str], ...]
    relations: NameChanges
    triples: TripleChanges

    @property
    def changed(self) -> bool:
        """Whether names, labels, relations, triples or weights differ."""
        counts = (self.entities, self.relations, self.triples)
        moved = sum(part.added + part.removed for part in counts)
        return bool(moved + self.relabelled + self.triples.reweighted)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values; a triple is a list of head, relation, tail and weight."""
        document = asdict(self)
        for side in ("old", "new"):
            document[side] = dict(zip(("name", "fingerprint"), getattr(self, side), strict=True))
        for key in ("added_examples", "removed_examples"):
            document["triples"][key] = [list(triple[:4]) for triple in getattr(self.triples, key)]
        document["triples"]["reweighted_examples"] = [
            {"triple": list(old[:3]), "old": old.weight, "new": new.weight}
            for old, new in self.triples.reweighted_examples
        ]
        document["triples"]["by_relation"] = {
            relation: dict(zip(("added", "removed", "reweighted"), counts, strict=True))
            for relation, counts in self.triples.by_relation.items()
        }
        return {**document, "changed": self.changed}


def compare_graphs(old: KnowledgeGraph, new: KnowledgeGraph, max_examples: int = 10) -> GraphDifference:
    """Return what changed from one graph to another.

    Names are matched through a hash table of Arrow strings; the triples of both stand sorted and are merged in one
    pass, so that beside it memory holds a few numbers for each entity, whatever the number of triples.

    Args:
        old: the graph as it was.
        new: the graph as it is.
        max_examples: how many of each change are shown.
    """
    matches = _match(old, new)
    entity_keys = _common_order(matches, new.num_entities)
    names = sorted({*old.relations, *new.relations})
    key_of = {name: key for key, name in enumerate(names)}
    counts, examples = _merge(
        _rows(old), entity_keys[0], np.asarray([key_of[name] for name in old.relations], dtype=np.int64),
        _rows(new), entity_keys[1], np.asarray([key_of[name] for name in new.relations], dtype=np.int64),
        len(names), max_examples,
    )  # fmt: skip
    relabelled, relabelled_examples = _relabelled(old, new, matches, max_examples)
    return GraphDifference(
        old=(old.name, old.fingerprint),
        new=(new.name, new.fingerprint),
        identical=old.fingerprint == new.fingerprint,
        entities=_entity_changes(old, new, matches, max_examples),
        relabelled=relabelled,
        relabelled_examples=relabelled_examples,
        relations=_relation_changes(old, new, max_examples),
        triples=_triple_changes(old, new, names, counts, examples),
    )


def _match(old: KnowledgeGraph, new: KnowledgeGraph) -> np.ndarray:
    """Return the new id of each old entity, -1 where its name is gone."""
    names = column(new.entities)
    found = [pc.index_in(strings, value_set=names).fill_null(-1).to_numpy() for _, strings in chunks(old.entities)]
    return np.concatenate(found).astype(np.int64)


def _common_order(matches: np.ndarray, num_new: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a key for each old and each new entity: equal for the same name, and ascending with both ids.

    Between two shared names the old ones come before the new ones. That is not the order of the alphabet, but
    triples are only compared for being the same, and each graph's own order is kept.
    """
    num_old = len(matches)
    shared = matches >= 0
    only_new = np.ones(num_new, dtype=bool)
    only_new[matches[shared]] = False
    new_before = np.concatenate([[0], np.cumsum(only_new)])
    old_before = np.concatenate([[0], np.cumsum(~shared)])
    # A shared entity's key counts the shared ones, the lost ones and the new ones before it.
    anchors_old, anchors_new = np.flatnonzero(shared), matches[shared]
    rank_old = np.searchsorted(anchors_old, np.arange(num_old))
    rank_new = np.searchsorted(anchors_new, np.arange(num_new))
    passed_new = np.concatenate([new_before[anchors_new], [new_before[-1]]])
    passed_old = np.concatenate([old_before[anchors_old], [old_before[-1]]])
    # What is only old stands before all that is only new of the same gap, whose new ones are counted up to its start.
    gap_start_new = np.concatenate([[0], passed_new[:-1]])
    old_keys = rank_old + old_before[:-1] + np.where(shared, passed_new[rank_old], gap_start_new[rank_old])
    new_keys = rank_new + passed_old[rank_new] + new_before[:-1]
    return old_keys, new_keys


def _rows(graph: KnowledgeGraph) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return (*outgoing_rows(graph), weight_values(graph))


@numba.njit(cache=True, nogil=True)
def _merge(
    old: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    old_keys: np.ndarray,
    old_relations: np.ndarray,
    new: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    new_keys: np.ndarray,
    new_relations: np.ndarray,
    num_relations: int,
    max_examples: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Walk the sorted triples of both graphs.

    Returns:
        Counts ``int64 [relations, 4]`` of added, removed, reweighted and unchanged triples, and the places of the
        first of each change ``int64 [3, max_examples, 4]``: old head and edge, new head and edge; -1 for none.
    """
    counts = np.zeros((num_relations, 4), dtype=np.int64)
    examples = np.full((3, max_examples, 4), -1, dtype=np.int64)
    filled = np.zeros(3, dtype=np.int64)
    a, a_head, b, b_head = 0, 0, 0, 0
    a_end, b_end = len(old[1]), len(new[1])
    while a < a_end or b < b_end:
        while a < a_end and np.int64(old[0][a_head + 1]) <= a:
            a_head += 1
        while b < b_end and np.int64(new[0][b_head + 1]) <= b:
            b_head += 1
        order = 0
        if a == a_end:
            order = 1
        elif b == b_end:
            order = -1
        else:
            order = _compare(old_keys[a_head], new_keys[b_head])
            if order == 0:
                order = _compare(old_keys[old[1][a]], new_keys[new[1][b]])
            if order == 0:
                order = _compare(old_relations[old[2][a]], new_relations[new[2][b]])
        if order == 0:
            kind = REWEIGHTED if old[4][old[3][a]] != new[4][new[3][b]] else 3
        else:
            kind = ADDED if order > 0 else REMOVED
        relation = old_relations[old[2][a]] if order <= 0 else new_relations[new[2][b]]
        counts[relation, kind] += 1
        if kind < 3 and filled[kind] < max_examples:
            place = examples[kind, filled[kind]]
            if order <= 0:
                place[0], place[1] = a_head, a
            if order >= 0:
                place[2], place[3] = b_head, b
            filled[kind] += 1
        if order <= 0:
            a += 1
        if order >= 0:
            b += 1
    return counts, examples


@numba.njit(cache=True, nogil=True)
def _compare(a: int, b: int) -> int:
    return (a > b) - (a < b)


def _entity_changes(old: KnowledgeGraph, new: KnowledgeGraph, matches: np.ndarray, max_examples: int) -> NameChanges:
    gone = np.flatnonzero(matches < 0)
    come = np.ones(new.num_entities, dtype=bool)
    come[matches[matches >= 0]] = False
    come = np.flatnonzero(come)
    return NameChanges(
        added=len(come),
        removed=len(gone),
        added_examples=tuple(new.entities[int(entity)] for entity in come[:max_examples]),
        removed_examples=tuple(old.entities[int(entity)] for entity in gone[:max_examples]),
    )


def _relabelled(
    old: KnowledgeGraph, new: KnowledgeGraph, matches: np.ndarray, max_examples: int
) -> tuple[int, tuple[tuple[str, str, str], ...]]:
    count = 0
    examples: list[int] = []
    for start, labels in chunks(old.labels):
        partners = matches[start : start + len(labels)]
        shared = np.flatnonzero(partners >= 0)
        if not len(shared):
            continue
        # Both tables stand in the order of the names, so the partners of a piece lie within a piece.
        first, last = int(partners[shared[0]]), int(partners[shared[-1]])
        after = new.labels.slice(first, last + 1).take(partners[shared] - first)
        differ = pc.not_equal(labels.take(shared), after).to_numpy(zero_copy_only=False)
        changed = start + shared[differ]
        count += len(changed)
        examples += changed[: max(max_examples - len(examples), 0)].tolist()
    return count, tuple((old.entities[at], old.labels[at], new.labels[int(matches[at])]) for at in examples)


def _relation_changes(old: KnowledgeGraph, new: KnowledgeGraph, max_examples: int) -> NameChanges:
    come, gone = sorted({*new.relations} - {*old.relations}), sorted({*old.relations} - {*new.relations})
    return NameChanges(
        added=len(come),
        removed=len(gone),
        added_examples=tuple(come[:max_examples]),
        removed_examples=tuple(gone[:max_examples]),
    )


def _triple_changes(
    old: KnowledgeGraph, new: KnowledgeGraph, names: list[str], counts: np.ndarray, examples: np.ndarray
) -> TripleChanges:
    totals = counts.sum(axis=0)
    order = sorted(range(len(names)), key=lambda at: (-int(counts[at, :3].sum()), names[at]))
    by_relation = {names[at]: tuple(counts[at, :3].tolist()) for at in order if counts[at, :3].any()}
    return TripleChanges(
        added=int(totals[ADDED]),
        removed=int(totals[REMOVED]),
        reweighted=int(totals[REWEIGHTED]),
        unchanged=int(totals[3]),
        added_examples=tuple(_triple(new, *place[2:]) for place in examples[ADDED] if place[2] >= 0),
        removed_examples=tuple(_triple(old, *place[:2]) for place in examples[REMOVED] if place[0] >= 0),
        reweighted_examples=tuple(
            (_triple(old, *place[:2]), _triple(new, *place[2:])) for place in examples[REWEIGHTED] if place[0] >= 0
        ),
        by_relation=by_relation,
    )


def _triple(graph: KnowledgeGraph, head: int, edge: int) -> Triple:
    out = outgoing_rows(graph)
    return Triple(
        graph.entities[int(head)],
        graph.relations[int(out.relations[edge])],
        graph.entities[int(out.neighbors[edge])],
        float(weight_values(graph)[out.weight_codes[edge]]),
    )
