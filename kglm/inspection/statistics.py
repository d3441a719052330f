"""A graph in figures: how large, how dense, how well described, and what it costs on disk."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kglm.inspection.strings import chunks
from kglm.kg import KnowledgeGraph
from kglm.kg.search.components import connected_components
from kglm.kg.search.degrees import Degrees, degree_histogram, degrees, graph_statistics
from kglm.kg.search.inputs import incoming_rows, outgoing_rows

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
SIZES_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Hub:
    """An entity with many triples; ``out`` of them leave it, ``into`` enter it."""

    name: str
    label: str
    out: int
    into: int


@dataclass(frozen=True, kw_only=True)
class Naming:
    """How entities are called.

    Attributes:
        labelled: entities with a label of their own, other than their name with blanks for underscores.
        aliased: entities with another form than their label.
        described: entities with a description.
        surface_forms: distinct labels and aliases.
        ambiguous_forms: those of several entities.
    """

    labelled: int
    aliased: int
    described: int
    surface_forms: int
    ambiguous_forms: int


@dataclass(frozen=True, kw_only=True)
class DiskUse:
    """Bytes of the compiled folder.

    Attributes:
        total: all files.
        per_triple: the total over the number of triples.
        rows_per_edge: row pointer, neighbour, relation and weight of an edge in one direction.
        files: by file, the largest first.
    """

    total: int
    per_triple: float
    rows_per_edge: float
    files: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class GraphReport:
    """A graph in figures.

    Attributes:
        name: of the graph.
        fingerprint: of its content.
        entities: how many.
        triples: how many distinct ones.
        links: pairs of different entities that some triple joins.
        self_loops: triples from an entity to itself.
        multi_edges: ordered pairs of entities joined by more than one relation.
        reciprocity: share of the ordered pairs joined in the other direction too; None without pairs.
        density: ordered pairs joined, over all there could be; None for a single entity.
        relations: triples of each relation, the most frequent first.
        mean_degree: triples at an entity, in and out, on average.
        degree_quantiles: the same, by share: a share of 0.5 of the entities have no more than ``["0.5"]``.
        degree_histogram: entities with 0, 1, 2-3, 4-7, ... triples; the key is the least of a class.
        hubs: the entities with most triples.
        components: connected parts, directions passed over.
        component_sizes: entities of the largest of them.
        isolated_pairs: components of two entities.
        weight_quantiles: weights of triples by share, as above.
        sources: triples by who asserts them, the most frequent first; empty where the graph does not tell.
        naming: see :class:`Naming`.
        disk: see :class:`DiskUse`.
    """

    name: str
    fingerprint: str
    entities: int
    triples: int
    links: int
    self_loops: int
    multi_edges: int
    reciprocity: float | None
    density: float | None
    relations: dict[str, int]
    mean_degree: float
    degree_quantiles: dict[str, int]
    degree_histogram: dict[str, int]
    hubs: tuple[Hub, ...]
    components: int
    component_sizes: tuple[int, ...]
    isolated_pairs: int
    weight_quantiles: dict[str, float]
    sources: dict[str, int]
    naming: Naming
    disk: DiskUse

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values; the keys are the attributes' names."""
        return asdict(self)


def report_graph(graph: KnowledgeGraph, num_hubs: int = 10) -> GraphReport:
    """Return the figures of a graph; each of its arrays is read once or twice.

    Args:
        graph: the graph.
        num_hubs: how many entities with most triples are named.
    """
    counts = graph_statistics(graph, hubs=num_hubs, quantiles=QUANTILES)
    edges = degrees(graph)
    sizes = connected_components(graph).sizes
    return GraphReport(
        name=graph.name,
        fingerprint=graph.fingerprint,
        entities=counts.num_entities,
        triples=counts.num_triples,
        links=counts.num_links,
        self_loops=int(counts.self_loops),
        multi_edges=int(counts.multi_edges),
        reciprocity=_number(counts.reciprocity),
        density=_number(counts.density),
        relations=_ranked(graph.relations, counts.relation_counts),
        mean_degree=counts.mean_degree,
        degree_quantiles=_by_share(counts.degree_quantiles),
        degree_histogram=_doubling(edges.total),
        hubs=tuple(_hub(graph, edges, int(entity)) for entity in counts.hubs),
        components=len(sizes),
        component_sizes=tuple(int(size) for size in sizes[:SIZES_SHOWN]),
        isolated_pairs=int((sizes == 2).sum()),
        weight_quantiles=_by_share(counts.weight_quantiles),
        sources=_sources(graph),
        naming=_naming(graph),
        disk=_disk_use(graph),
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _ranked(names: tuple[str, ...], counts: np.ndarray) -> dict[str, int]:
    """Return counts by name, the largest first, ties by name."""
    order = sorted(range(len(names)), key=lambda at: (-int(counts[at]), names[at]))
    return {names[at]: int(counts[at]) for at in order}


def _by_share(values: np.ndarray) -> dict[str, Any]:
    return {f"{share:g}": value for share, value in zip(QUANTILES, values.tolist(), strict=True)}


def _doubling(values: np.ndarray) -> dict[str, int]:
    """Count values in classes that double: 0, 1, 2-3, 4-7, ..., up to the largest that occurs."""
    present, counts = degree_histogram(values)
    classes = np.bincount([int(value).bit_length() for value in present], weights=counts).astype(int)
    return {str(1 << (at - 1) if at else 0): int(count) for at, count in enumerate(classes) if at or count}


def _hub(graph: KnowledgeGraph, edges: Degrees, entity: int) -> Hub:
    return Hub(
        name=graph.entities[entity],
        label=graph.labels[entity],
        out=int(edges.outgoing[entity]),
        into=int(edges.incoming[entity]),
    )


def _sources(graph: KnowledgeGraph) -> dict[str, int]:
    if graph.triple_sources is None:
        return {}
    counts = np.bincount(graph.triple_sources, minlength=len(graph.sources))
    return {name: count for name, count in _ranked(graph.sources, counts).items() if count}


def _naming(graph: KnowledgeGraph) -> Naming:
    labelled = described = 0
    tables = zip(chunks(graph.entities), chunks(graph.labels), chunks(graph.descriptions), strict=True)
    for (_, names), (_, labels), (_, descriptions) in tables:
        labelled += _count(pc.not_equal(pc.replace_substring(names, "_", " "), labels))
        described += _count(pc.greater(pc.binary_length(descriptions), 0))
    forms = np.bincount(graph.surface_entities, minlength=graph.num_entities)
    return Naming(
        labelled=labelled,
        aliased=int((forms > 1).sum()),
        described=described,
        surface_forms=len(graph.surfaces),
        ambiguous_forms=int((np.diff(graph.surface_indptr) > 1).sum()),
    )


def _count(truths: pa.Array) -> int:
    return int(pc.sum(truths).as_py() or 0)


def _disk_use(graph: KnowledgeGraph) -> DiskUse:
    sizes = {path.name: path.stat().st_size for path in graph.folder.iterdir() if path.is_file()}
    rows = (*outgoing_rows(graph), *incoming_rows(graph))
    return DiskUse(
        total=sum(sizes.values()),
        per_triple=sum(sizes.values()) / graph.num_triples,
        rows_per_edge=sum(array.nbytes for array in rows) / (2 * graph.num_triples),
        files=dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))),
    )
