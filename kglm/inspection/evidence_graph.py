"""The part of an answer's schema graph that is drawn: its paths merged into nodes in columns and edges."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kglm.inference.answer import Answer, EvidencePath

Role = Literal["question", "predicted", "other", "step"]
Direction = Literal["forward", "inverse", "both"]
Place = tuple[str, int]
"""An entity and the column it stands in."""


@dataclass(frozen=True)
class EvidenceNode:
    """A concept in a column.

    Attributes:
        entity: its name in the graph.
        label: what a person reads.
        column: 0 for question concepts, the last for choice concepts, between them the steps by hop.
        role: what the concept is to the question; a step that is also a question concept has that role.
        choices: labels of the choices it belongs to; only in the last column.
        highlighted: a path of the predicted choice runs through it.
        repeated: the same concept stands in a column further left too.
    """

    entity: str
    label: str
    column: int
    role: Role
    choices: tuple[str, ...]
    highlighted: bool
    repeated: bool


@dataclass(frozen=True)
class EvidenceEdge:
    """All that joins two nodes, from left to right.

    Attributes:
        source: index of the left node.
        target: index of the right node.
        relations: names, each with the direction its triple points: ``forward`` is from left to right.
        share: attention of the predicted choice's paths along it, added up.
        highlighted: a path of the predicted choice runs along it.
    """

    source: int
    target: int
    relations: tuple[tuple[str, Direction], ...]
    share: float
    highlighted: bool

    @property
    def points_right(self) -> bool:
        """Whether a triple points from the left node to the right one."""
        return any(direction != "inverse" for _, direction in self.relations)

    @property
    def points_left(self) -> bool:
        """Whether a triple points from the right node to the left one."""
        return any(direction != "forward" for _, direction in self.relations)


@dataclass(frozen=True)
class EvidenceGraph:
    """Nodes and edges, those of the most attended paths first."""

    nodes: tuple[EvidenceNode, ...]
    edges: tuple[EvidenceEdge, ...]


def shown_paths(answer: Answer, max_paths: int, max_other: int) -> tuple[list[EvidencePath], list[EvidencePath]]:
    """Return the most attended paths of the predicted choice, and those of all other choices together."""
    own = _with_hops(answer.evidence())[:max_paths]
    others = [choice.label for index, choice in enumerate(answer.choices) if index != answer.predicted]
    return own, [path for label in others for path in _with_hops(answer.evidence(label))[:max_other]]


def build_evidence_graph(own: Sequence[EvidencePath], other: Sequence[EvidencePath]) -> EvidenceGraph:
    """Merge paths into one graph.

    A concept stands once, except where paths meet it at hops that no single column can serve, as when a question
    concept is also a step between another one and a choice.

    Args:
        own: paths of the predicted choice, which are highlighted.
        other: paths of the other choices.
    """
    paths = [*own, *other]
    places = _place(paths)
    index: dict[Place, int] = {}
    for row in places:
        for place in row:
            index.setdefault(place, len(index))
    return EvidenceGraph(_nodes(paths, places, index, len(own)), _edges(paths, places, index, len(own)))


def short_name(name: str) -> str:
    """Return the last part of an IRI, or the name as it is."""
    if "://" not in name and not name.startswith("urn:"):
        return name
    return re.split(r"[/#:]", name.rstrip("/#:"))[-1]


def _with_hops(paths: list[EvidencePath]) -> list[EvidencePath]:
    return [path for path in paths if path.relations]


def _place(paths: Sequence[EvidencePath]) -> list[list[Place]]:
    """Return each path's places; a short path's steps go where the concept already stands, or where room is."""
    last = max(len(path.relations) for path in paths)
    standing: dict[int, set[str]] = defaultdict(set)
    places: dict[int, list[Place]] = {}
    for number in sorted(range(len(paths)), key=lambda number: -len(paths[number].relations)):
        entities = paths[number].entities
        column, row = 0, [(entities[0], 0)]
        for hop, entity in enumerate(entities[1:-1], start=1):
            allowed = range(max(column + 1, hop), last - (len(entities) - 1) + hop + 1)
            column = min(allowed, key=lambda c: (entity not in standing[c], len(standing[c]), c))
            standing[column].add(entity)
            row.append((entity, column))
        places[number] = [*row, (entities[-1], last)]
    return [places[number] for number in range(len(paths))]


def _nodes(
    paths: Sequence[EvidencePath], places: list[list[Place]], index: dict[Place, int], own: int
) -> tuple[EvidenceNode, ...]:
    questions = {row[0][0] for row in places}
    ends: dict[str, dict[str, None]] = defaultdict(dict)
    for path, row in zip(paths, places, strict=True):
        ends[row[-1][0]][path.choice] = None
    predicted = {row[-1][0] for row in places[:own]}
    highlighted = {place for row in places[:own] for place in row}
    labels = {
        place: label
        for path, row in zip(paths, places, strict=True)
        for place, label in zip(row, path.labels, strict=True)
    }
    last = max(column for _, column in index)
    first: dict[str, int] = {}
    for entity, column in index:
        first[entity] = min(column, first.get(entity, column))

    def role(entity: str, column: int) -> Role:
        if column < last and entity in questions:
            return "question"
        if entity in ends:
            return "predicted" if entity in predicted else "other"
        return "step"

    return tuple(
        EvidenceNode(
            entity=entity,
            label=labels[entity, column],
            column=column,
            role=role(entity, column),
            choices=tuple(ends[entity]) if column == last else (),
            highlighted=(entity, column) in highlighted,
            repeated=first[entity] < column,
        )
        for entity, column in index
    )


def _edges(
    paths: Sequence[EvidencePath], places: list[list[Place]], index: dict[Place, int], own: int
) -> tuple[EvidenceEdge, ...]:
    relations: dict[tuple[int, int], dict[str, None]] = defaultdict(dict)
    share: dict[tuple[int, int], float] = defaultdict(float)
    for number, (path, row) in enumerate(zip(paths, places, strict=True)):
        for source, target, hop in zip(row, row[1:], path.relations, strict=False):
            ends = index[source], index[target]
            relations[ends].update(dict.fromkeys(hop))
            if number < own:
                share[ends] += path.attention
    return tuple(
        EvidenceEdge(*ends, _directed(list(names)), share.get(ends, 0.0), ends in share)
        for ends, names in relations.items()
    )


def _directed(names: list[str]) -> tuple[tuple[str, Direction], ...]:
    """Return plain relation names with directions, those that point forward first."""
    forward = [name for name in names if not name.startswith("^")]
    inverse = [name[1:] for name in names if name.startswith("^")]
    rows: list[tuple[str, Direction]] = [(name, "both" if name in inverse else "forward") for name in forward]
    rows += [(name, "inverse") for name in inverse if name not in forward]
    return tuple((short_name(name), direction) for name, direction in rows)
