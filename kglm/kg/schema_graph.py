"""Schema graphs: what lies between the concepts of a question and those of a choice, as flat arrays.

Source: KagNet (Lin et al., EMNLP 2019), section 3. Which paths are kept is stated in :mod:`kglm.kg.paths`.
Dimensions: G question-choice pairs, N nodes, E directed edges, K edge relations, M concept pairs, P paths, S path
steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kglm.errors import ConfigError
from kglm.kg.cluster import map_on_cluster
from kglm.kg.graph import KnowledgeGraph, reopen
from kglm.kg.path_kernels import search_paths
from kglm.kg.paths import ScoredLinks, check_bounds, check_concepts, log_of, scores_of
from kglm.kg.schema_kernels import connect_paths
from kglm.kg.search.inputs import incoming_rows, outgoing_rows

CHUNK = 512
SOURCES = ("paths", "neighbors")


@dataclass(frozen=True, kw_only=True)
class SchemaOptions:
    """What a schema graph holds.

    Attributes:
        source: "paths", KagNet's and MHGRN's: the paths between question and choice and what lies on them; or
            "neighbors", QA-GNN's: the concepts and what is linked to two of them (:mod:`kglm.kg.concept_subgraph`),
            with all triples among these and no paths.
        max_hops: longest path, 1 to 4; of no account with "neighbors", as the two below.
        max_paths: cap on the paths of one question-choice pair; the rule of selection stands in
            :mod:`kglm.kg.paths`.
        min_path_score: of the paths so selected, those with a lower score are left out; see
            :mod:`kglm.kg.plausibility`, where the paper's threshold is 0.15.
        max_nodes: cap on the nodes with "neighbors"; the concepts are kept whatever it is.

    Raises:
        ConfigError: a value is not allowed.
    """

    source: str = "paths"
    max_hops: int = 3
    max_paths: int = 100
    min_path_score: float = 0.0
    max_nodes: int = 200

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise ConfigError(f"source is {self.source!r}; allowed: {', '.join(SOURCES)}")
        check_bounds(self.max_hops, self.max_paths)
        if not 0 <= self.min_path_score < math.inf:
            raise ConfigError(f"min_path_score is {self.min_path_score}, expected a number of at least 0")
        if self.source == "neighbors" and self.min_path_score:
            raise ConfigError(f"min_path_score is {self.min_path_score}; allowed with source 'paths' only")
        if self.max_nodes < 1:
            raise ConfigError(f"max_nodes is {self.max_nodes}, expected at least 1")


class ConceptSets(NamedTuple):
    """The concepts of one question-choice pair, as entity ids; the two sets must not share any."""

    question: np.ndarray
    choice: np.ndarray


@dataclass(frozen=True)
class SchemaGraphs:
    """Schema graphs of many question-choice pairs; all node, edge and pair indices are local to a graph.

    Nodes are the question concepts, then the choice concepts, then the inner nodes of the paths as they
    appear. Edges are the hops of the paths as they appear, then the links within the question and within the
    choice concepts; each stands in both directions (edge ``2k + 1`` reverses edge ``2k``) with the set of its
    relations, in which ``r + R`` is the inverse of relation ``r``. Every question concept forms a pair with every
    choice concept, paths or none.

    Attributes:
        node_offsets: ``int64 [G + 1]``.
        nodes: ``int32 [N]`` entity ids.
        question_counts: ``int32 [G]``, how many of a graph's nodes are question concepts.
        choice_counts: ``int32 [G]``, how many are choice concepts.
        edge_offsets: ``int64 [G + 1]``.
        edges: ``int32 [2, E]`` source and target nodes.
        edge_relation_offsets: ``int64 [E + 1]``.
        edge_relations: ``int16 [K]``, ``int32`` where a graph has more than 16,383 relations.
        path_offsets: ``int64 [G + 1]``.
        path_pair: ``int32 [P]``, ``question node * choice count + choice concept index``.
        path_scores: ``float32 [P]``, the product of the scores of a path's links.
        step_offsets: ``int64 [P + 1]``, the steps of each path.
        path_nodes: ``int32 [S]``.
        path_edges: ``int32 [S]``, the edge that leaves each step; -1 at a path's last node.
    """

    node_offsets: np.ndarray
    nodes: np.ndarray
    question_counts: np.ndarray
    choice_counts: np.ndarray
    edge_offsets: np.ndarray
    edges: np.ndarray
    edge_relation_offsets: np.ndarray
    edge_relations: np.ndarray
    path_offsets: np.ndarray
    path_pair: np.ndarray
    path_scores: np.ndarray
    step_offsets: np.ndarray
    path_nodes: np.ndarray
    path_edges: np.ndarray

    def __len__(self) -> int:
        return len(self.question_counts)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name, to store them."""
        return dict(vars(self))

    def paths(self, index: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield nodes and edges of each path of one graph, local to the graph."""
        for path in range(self.path_offsets[index], self.path_offsets[index + 1]):
            span = slice(self.step_offsets[path], self.step_offsets[path + 1])
            yield self.path_nodes[span], self.path_edges[span]

    @classmethod
    def concatenate(cls, parts: list[SchemaGraphs]) -> SchemaGraphs:
        """Join the graphs of several parts, in order."""
        return cls._join((part.arrays() for part in parts), sum(len(part) for part in parts))

    @classmethod
    def _join(cls, parts: Iterable[dict[str, np.ndarray]], num_graphs: int) -> SchemaGraphs:
        """Join parts given by name, each let go as soon as it is copied."""
        columns = {field.name: _Column(field.name.endswith("_offsets")) for field in fields(cls)}
        done = 0
        for part in parts:
            done += len(part["question_counts"])
            for name, column in columns.items():
                column.append(part.pop(name), done / num_graphs if num_graphs else 1.0)
        return cls(**{name: column.filled() for name, column in columns.items()})


class _Column:
    """An array filled part by part. Its room is guessed from the first, so that hardly anything is held twice.

    Room that stays empty costs no memory: the system gives it when it is first written to.
    """

    def __init__(self, is_offsets: bool) -> None:
        self.is_offsets = is_offsets
        self.array = np.zeros(0)
        self.size = 0

    def append(self, part: np.ndarray, share: float) -> None:
        """Add a part, after which ``share`` of the whole is there; offsets go on where those before end."""
        if self.is_offsets and self.size:
            part = part[1:] + self.array[self.size - 1]
        end = self.size + part.shape[-1]
        if self.size == 0 or end > self.array.shape[-1]:
            room = end if share >= 1 else int(1.1 * end / share)
            larger = np.empty((*part.shape[:-1], room), dtype=part.dtype)
            if self.size:
                larger[..., : self.size] = self.array[..., : self.size]
            self.array = larger
        self.array[..., self.size : end] = part
        self.size = end

    def filled(self) -> np.ndarray:
        """Return the array without the room that is left."""
        return np.ascontiguousarray(self.array[..., : self.size])


def extract_schema_graphs(
    graph: KnowledgeGraph,
    pairs: list[ConceptSets],
    options: SchemaOptions | None = None,
    workers: int | str = 1,
    links: ScoredLinks | None = None,
) -> SchemaGraphs:
    """Return the schema graphs of many question-choice pairs, the same whoever makes them.

    Args:
        graph: the compiled graph.
        pairs: concept sets of each pair.
        options: what they hold, and caps.
        workers: threads, for the compiled code releases the interpreter lock; or the address of a Dask scheduler,
            whose workers find the graph in the same folder. See :func:`kglm.kg.cluster.map_on_cluster`.
        links: the scores by which paths are selected; None takes the weights.

    Raises:
        ValueError: an entity id is outside the graph, or stands twice in a pair.
        KglmError: those of a cluster.
    """
    options = options or SchemaOptions()
    if isinstance(workers, str):
        return SchemaGraphs._join(_on_cluster(workers, graph, pairs, options, links), len(pairs))
    if options.source == "neighbors":
        return _neighbor_graphs(graph, pairs, options, workers)
    links = links or ScoredLinks.by_weight(graph)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        parts = pool.map(lambda chunk: _extract_chunk(graph, links, chunk, options), _chunks(pairs))
        return SchemaGraphs._join(parts, len(pairs))


def _chunks(pairs: list[ConceptSets]) -> list[list[ConceptSets]]:
    return [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)] or [[]]


def _on_cluster(
    address: str, graph: KnowledgeGraph, pairs: list[ConceptSets], options: SchemaOptions, links: ScoredLinks | None
) -> Iterator[dict[str, np.ndarray]]:
    # The graph's name goes out, not the graph: the scheduler, too, would open it.
    apart = partial(_extract_apart, graph.folder.absolute(), graph.fingerprint, options)
    return map_on_cluster(address, apart, _chunks(pairs), links)


def _extract_apart(
    folder: Path, fingerprint: str, options: SchemaOptions, pairs: list[ConceptSets], links: ScoredLinks | None
) -> dict[str, np.ndarray]:
    """Do a piece of the work on a worker, in the one thread that was given to it."""
    return extract_schema_graphs(reopen(folder, fingerprint), pairs, options, 1, links).arrays()


def _extract_chunk(
    graph: KnowledgeGraph, links: ScoredLinks, pairs: list[ConceptSets], options: SchemaOptions
) -> dict[str, np.ndarray]:
    questions, question_offsets = flatten([pair.question for pair in pairs])
    choices, choice_offsets = flatten([pair.choice for pair in pairs])
    check_concepts(graph.num_entities, questions, question_offsets, choices, choice_offsets)
    concepts = (questions, question_offsets, choices, choice_offsets)
    path_offsets, path_pair, step_offsets, path_entities, logs = search_paths(
        links.indptr, links.neighbors, links.codes, links.logs, *concepts, options.max_hops, options.max_paths
    )
    out, into = outgoing_rows(graph), incoming_rows(graph)
    if options.min_path_score > 0:
        path_offsets, path_pair, step_offsets, path_entities, logs = _prune(
            options.min_path_score, path_offsets, path_pair, step_offsets, path_entities, logs
        )
    relation_type = np.int16 if 2 * graph.num_relations <= np.iinfo(np.int16).max else np.int32
    nodes = connect_paths(
        out.indptr, out.neighbors, out.relations, into.indptr, into.neighbors, into.relations,
        graph.num_relations, *concepts, path_offsets, step_offsets, path_entities,
        np.empty(1024, dtype=relation_type),
    )  # fmt: skip
    return {
        "node_offsets": nodes[0],
        "nodes": nodes[1],
        "question_counts": np.diff(question_offsets).astype(np.int32),
        "choice_counts": np.diff(choice_offsets).astype(np.int32),
        "edge_offsets": nodes[2],
        "edges": nodes[3],
        "edge_relation_offsets": nodes[4],
        "edge_relations": nodes[5],
        "path_offsets": path_offsets,
        "path_pair": path_pair,
        "path_scores": scores_of(logs),
        "step_offsets": step_offsets,
        "path_nodes": nodes[6],
        "path_edges": nodes[7],
    }


def _prune(
    least: float,
    path_offsets: np.ndarray,
    path_pair: np.ndarray,
    step_offsets: np.ndarray,
    path_entities: np.ndarray,
    logs: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Leave out the paths whose score is below ``least``."""
    kept = logs >= log_of(least)
    owners = np.repeat(np.arange(len(path_offsets) - 1), np.diff(path_offsets))
    steps = np.diff(step_offsets)
    counts = np.bincount(owners[kept], minlength=len(path_offsets) - 1)
    return (
        np.concatenate([path_offsets[:1], np.cumsum(counts)]).astype(path_offsets.dtype),
        path_pair[kept],
        np.concatenate([step_offsets[:1], np.cumsum(steps[kept])]).astype(step_offsets.dtype),
        path_entities[np.repeat(kept, steps)],
        logs[kept],
    )


def _neighbor_graphs(
    graph: KnowledgeGraph, pairs: list[ConceptSets], options: SchemaOptions, workers: int
) -> SchemaGraphs:
    # Not at the top: concept subgraphs are made of the concept sets of this module.
    from kglm.kg.concept_schema import schema_arrays
    from kglm.kg.concept_subgraph import extract_subgraphs

    subgraphs = extract_subgraphs(graph, pairs, max_nodes=options.max_nodes, workers=workers)
    return SchemaGraphs(**schema_arrays(subgraphs, graph.num_relations))


def flatten(sets: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return sets of entity ids as ``int32`` one after another, and their ``int64`` offsets."""
    offsets = np.zeros(len(sets) + 1, dtype=np.int64)
    np.cumsum([len(items) for items in sets], out=offsets[1:])
    flat = np.concatenate([np.zeros(0, dtype=np.int32), *sets]).astype(np.int32)
    return flat, offsets
