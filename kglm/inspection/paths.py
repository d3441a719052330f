"""Paths between entities, as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kglm.errors import ConfigError
from kglm.kg import KnowledgeGraph
from kglm.kg.paths import find_paths
from kglm.kg.search.shortest_path import shortest_paths
from kglm.kg.verbalization import draw_path, verbalize_path


@dataclass(frozen=True, kw_only=True)
class ShownPath:
    """A path, to be read from left to right.

    Attributes:
        names: of its entities, one more than hops.
        labels: what a person reads for them.
        relations: of each hop; ``^`` before one whose triple points backwards.
        score: product of the weights of its links; of the cheapest path the sum of their inverses.
        drawn: the path as a line of arrows.
        words: the path as clauses.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    relations: tuple[tuple[str, ...], ...]
    score: float
    drawn: str
    words: str

    @property
    def hops(self) -> int:
        """Number of links."""
        return len(self.relations)


@dataclass(frozen=True, kw_only=True)
class PathList:
    """The best paths between two sets of entities, and the cheapest of any length where it was asked for.

    Attributes:
        graph: its name.
        sources: names.
        targets: names.
        max_hops: the longest path looked for.
        paths: the best; see :mod:`kglm.kg.paths` for their order.
        cheapest: the path of any length whose inverse weights add up to least; None where none was asked for, or
            there is none.
    """

    graph: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    max_hops: int
    paths: tuple[ShownPath, ...]
    cheapest: ShownPath | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values: the attributes, and the number of hops of each path."""
        document = asdict(self)
        for shown, path in zip(document["paths"], self.paths, strict=True):
            shown["hops"] = path.hops
        if self.cheapest is not None:
            document["cheapest"]["hops"] = self.cheapest.hops
        return document


def list_paths(
    graph: KnowledgeGraph,
    sources: Sequence[int],
    targets: Sequence[int],
    *,
    max_hops: int = 3,
    limit: int = 10,
    cheapest: bool = False,
) -> PathList:
    """Return the best paths that lead from one of some entities to one of others.

    Args:
        graph: where the paths run.
        sources: entity ids.
        targets: entity ids; those that are sources too are left out of the sources.
        max_hops: the longest path, 1 to 4.
        limit: how many paths.
        cheapest: also look for the path of any length whose links weigh most, each costing 1 / weight.

    Raises:
        ConfigError: a bound is not allowed, or one side is empty once what both have is the targets' alone.
    """
    ends = list(dict.fromkeys(targets))
    starts = [entity for entity in dict.fromkeys(sources) if entity not in ends]
    if not starts or not ends:
        raise ConfigError("a path needs two different ends")
    found = find_paths(graph, starts, ends, max_hops, limit)
    return PathList(
        graph=graph.name,
        sources=tuple(graph.entities[entity] for entity in starts),
        targets=tuple(graph.entities[entity] for entity in ends),
        max_hops=max_hops,
        paths=tuple(_shown(graph, path.entities, path.relations, path.score) for path in found),
        cheapest=_cheapest(graph, starts, ends) if cheapest else None,
    )


def _cheapest(graph: KnowledgeGraph, starts: Sequence[int], ends: Sequence[int]) -> ShownPath | None:
    pairs = [(start, end) for start in starts for end in ends]
    found = shortest_paths(graph, [start for start, _ in pairs], [end for _, end in pairs])
    joined = [path for path in found if path is not None]
    if not joined:
        return None
    best = min(joined, key=lambda path: path.cost)
    return _shown(graph, best.entities.tolist(), [(relation,) for relation in best.relations.tolist()], best.cost)


def _shown(
    graph: KnowledgeGraph, entities: Sequence[int], relations: Sequence[Sequence[int]], score: float
) -> ShownPath:
    return ShownPath(
        names=tuple(graph.entities[entity] for entity in entities),
        labels=tuple(graph.labels[entity] for entity in entities),
        relations=tuple(tuple(_relation_name(graph, relation) for relation in hop) for hop in relations),
        score=score,
        drawn=draw_path(graph, entities, relations),
        words=verbalize_path(graph, entities, relations),
    )


def _relation_name(graph: KnowledgeGraph, relation: int) -> str:
    inverse = relation >= graph.num_relations
    return f"^{graph.relations[relation - graph.num_relations]}" if inverse else graph.relations[relation]
