"""Schema graphs: what lies between the concepts of a question and those of a choice, as flat arrays.

Source: KagNet (Lin et al., EMNLP 2019), section 3. Dimensions: G question-choice pairs, N nodes, E directed
edges, K edge relations, M concept pairs, P paths, S path steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import NamedTuple

import numba
import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.path_search import find_paths

MAX_HOPS = 3
CHUNK = 512


@dataclass(frozen=True, kw_only=True)
class SchemaOptions:
    """What a schema graph holds.

    Attributes:
        max_hops: longest path, 1 to 3.
        max_paths: cap on the paths of one question-choice pair; the rule of selection stands in
            :mod:`kglm.kg.path_search`.
    """

    max_hops: int = 3
    max_paths: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.max_hops <= MAX_HOPS:
            raise ConfigError(f"max_hops is {self.max_hops}, expected 1 to {MAX_HOPS}")
        if self.max_paths < 1:
            raise ConfigError(f"max_paths is {self.max_paths}, expected at least 1")


class ConceptSets(NamedTuple):
    """The concepts of one question-choice pair, as entity ids; the two sets must not share any."""

    question: np.ndarray
    choice: np.ndarray


@dataclass(frozen=True)
class SchemaGraphs:
    """Schema graphs of many question-choice pairs; all node, edge and pair indices are local to a graph.

    Nodes are the question concepts, then the choice concepts, then the inner nodes of the paths as they
    appear. Edges are the hops of the paths and the links within the question and within the choice concepts;
    each stands in both directions (edge ``2k + 1`` reverses edge ``2k``) with the set of its relations, in
    which ``r + R`` is the inverse of relation ``r``. Every question concept forms a pair with every choice
    concept, paths or none.

    Attributes:
        node_offsets: ``int64 [G + 1]``.
        nodes: ``int32 [N]`` entity ids.
        question_counts: ``int32 [G]``, how many of a graph's nodes are question concepts.
        choice_counts: ``int32 [G]``, how many are choice concepts.
        edge_offsets: ``int64 [G + 1]``.
        edges: ``int32 [2, E]`` source and target nodes.
        edge_relation_offsets: ``int64 [E + 1]``.
        edge_relations: ``int16 [K]``.
        path_offsets: ``int64 [G + 1]``.
        path_pair: ``int32 [P]``, ``question node * choice count + choice concept index``.
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
        return cls(**{field.name: _join(field.name, parts) for field in fields(cls)})


def _join(name: str, parts: list[SchemaGraphs]) -> np.ndarray:
    arrays = [getattr(part, name) for part in parts]
    if not name.endswith("_offsets"):
        return np.concatenate(arrays, axis=-1)
    starts = np.cumsum([0, *(array[-1] for array in arrays)])
    moved = [array[1:] + start for array, start in zip(arrays, starts, strict=False)]
    return np.concatenate([np.zeros(1, dtype=np.int64), *moved])


def extract_schema_graphs(
    graph: KnowledgeGraph, pairs: list[ConceptSets], options: SchemaOptions | None = None, workers: int = 1
) -> SchemaGraphs:
    """Return the schema graphs of many question-choice pairs.

    Args:
        graph: the compiled graph.
        pairs: concept sets of each pair.
        options: caps.
        workers: threads; the compiled code releases the interpreter lock. The result is the same for any.

    Raises:
        ValueError: an entity id is outside the graph, or stands twice in a pair.
    """
    options = options or SchemaOptions()
    chunks = [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)] or [[]]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        parts = list(pool.map(lambda chunk: _extract_chunk(graph, chunk, options), chunks))
    return SchemaGraphs.concatenate(parts)


def _extract_chunk(graph: KnowledgeGraph, pairs: list[ConceptSets], options: SchemaOptions) -> SchemaGraphs:
    questions, question_offsets = _flatten([pair.question for pair in pairs])
    choices, choice_offsets = _flatten([pair.choice for pair in pairs])
    _check_concepts(graph.num_entities, questions, question_offsets, choices, choice_offsets)
    out, links = graph.outgoing, graph.links
    arrays = _extract(
        links.indptr, links.neighbors, out.indptr, out.neighbors, out.relations, graph.num_relations,
        questions, question_offsets, choices, choice_offsets, options.max_hops, options.max_paths,
    )  # fmt: skip
    return SchemaGraphs(
        node_offsets=arrays[0],
        nodes=arrays[1],
        question_counts=np.diff(question_offsets).astype(np.int32),
        choice_counts=np.diff(choice_offsets).astype(np.int32),
        edge_offsets=arrays[2],
        edges=arrays[3],
        edge_relation_offsets=arrays[4],
        edge_relations=arrays[5],
        path_offsets=arrays[6],
        path_pair=arrays[7],
        step_offsets=arrays[8],
        path_nodes=arrays[9],
        path_edges=arrays[10],
    )


def _flatten(sets: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.zeros(len(sets) + 1, dtype=np.int64)
    np.cumsum([len(items) for items in sets], out=offsets[1:])
    flat = np.concatenate([np.zeros(0, dtype=np.int32), *sets]).astype(np.int32)
    return flat, offsets


def _check_concepts(
    num_entities: int,
    questions: np.ndarray,
    question_offsets: np.ndarray,
    choices: np.ndarray,
    choice_offsets: np.ndarray,
) -> None:
    """Refuse what the compiled code, which checks no bounds, would read or count wrongly."""
    concepts = np.concatenate([questions, choices])
    outside = concepts[(concepts < 0) | (concepts >= num_entities)]
    if len(outside):
        raise ValueError(f"entity id {outside[0]} is outside the graph of {num_entities} entities")
    pairs = np.arange(len(question_offsets) - 1)
    owners = np.concatenate([np.repeat(pairs, np.diff(question_offsets)), np.repeat(pairs, np.diff(choice_offsets))])
    keys, counts = np.unique(owners * num_entities + concepts, return_counts=True)
    if (counts > 1).any():
        repeated = keys[counts > 1][0] % num_entities
        raise ValueError(f"entity id {repeated} stands twice among the concepts of one question-choice pair")


@numba.njit(nogil=True, cache=True)
def _grow(array: np.ndarray, needed: int) -> np.ndarray:
    """Return ``array``, or a larger copy that holds at least ``needed`` elements."""
    if needed <= len(array):
        return array
    larger = np.empty(max(needed, 2 * len(array)), dtype=array.dtype)
    larger[: len(array)] = array
    return larger


@numba.njit(nogil=True, cache=True)
def _extract(
    link_ptr: np.ndarray,
    link_neighbors: np.ndarray,
    out_ptr: np.ndarray,
    out_neighbors: np.ndarray,
    out_relations: np.ndarray,
    num_relations: int,
    questions: np.ndarray,
    question_offsets: np.ndarray,
    choices: np.ndarray,
    choice_offsets: np.ndarray,
    max_hops: int,
    max_paths: int,
) -> tuple[np.ndarray, ...]:
    """Extract the schema graphs of one chunk; see :class:`SchemaGraphs` for the arrays returned."""
    num_graphs = len(question_offsets) - 1
    num_entities = len(link_ptr) - 1
    near = np.zeros(num_entities, dtype=np.int64)
    middle = np.zeros(num_entities, dtype=np.int64)
    local = np.full(num_entities, -1, dtype=np.int32)
    stamp = 0
    found_nodes = np.empty((max_paths, max_hops + 1), dtype=np.int32)
    found_hops = np.empty(max_paths, dtype=np.int32)
    found_pairs = np.empty(max_paths, dtype=np.int32)

    node_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    edge_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    path_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    nodes = np.empty(1024, dtype=np.int32)
    edge_sources = np.empty(1024, dtype=np.int32)
    edge_targets = np.empty(1024, dtype=np.int32)
    relation_ends = np.empty(1024, dtype=np.int64)
    relations = np.empty(1024, dtype=np.int16)
    path_pair = np.empty(1024, dtype=np.int32)
    step_ends = np.empty(1024, dtype=np.int64)
    path_nodes = np.empty(1024, dtype=np.int32)
    path_edges = np.empty(1024, dtype=np.int32)
    n = e = k = p = s = 0

    for g in range(num_graphs):
        question = questions[question_offsets[g] : question_offsets[g + 1]]
        choice = choices[choice_offsets[g] : choice_offsets[g + 1]]
        found, stamp = find_paths(
            link_ptr, link_neighbors, question, choice, max_hops, max_paths,
            near, middle, stamp, found_nodes, found_hops, found_pairs,
        )  # fmt: skip

        # Nodes: question concepts, choice concepts, inner nodes of the paths.
        first_node = n
        nodes = _grow(nodes, n + len(question) + len(choice) + found * (max_hops - 1))
        for entity in question:
            local[entity] = n - first_node
            nodes[n] = entity
            n += 1
        for entity in choice:
            local[entity] = n - first_node
            nodes[n] = entity
            n += 1
        for path in range(found):
            for step in range(1, found_hops[path]):
                entity = found_nodes[path, step]
                if local[entity] < 0:
                    local[entity] = n - first_node
                    nodes[n] = entity
                    n += 1
        num_local = n - first_node

        # Edges: the distinct unordered node pairs of all hops and of the links within each concept set.
        size = found * max_hops + len(question) ** 2 + len(choice) ** 2
        keys = np.empty(size, dtype=np.int64)
        used = 0
        for path in range(found):
            for step in range(found_hops[path]):
                keys[used] = _edge_key(local[found_nodes[path, step]], local[found_nodes[path, step + 1]], num_local)
                used += 1
        used = _links_within(link_ptr, link_neighbors, question, local, num_local, keys, used)
        used = _links_within(link_ptr, link_neighbors, choice, local, num_local, keys, used)
        keys = np.unique(keys[:used])
        edge_sources = _grow(edge_sources, e + 2 * len(keys))
        edge_targets = _grow(edge_targets, e + 2 * len(keys))
        relation_ends = _grow(relation_ends, e + 2 * len(keys))
        for key in keys:
            u, v = key // num_local, key % num_local
            for source, target in ((u, v), (v, u)):
                edge_sources[e], edge_targets[e] = source, target
                a, b = nodes[first_node + source], nodes[first_node + target]
                relations, k = _append_relations(out_ptr, out_neighbors, out_relations, a, b, 0, relations, k)
                relations, k = _append_relations(
                    out_ptr, out_neighbors, out_relations, b, a, num_relations, relations, k
                )
                relation_ends[e] = k
                e += 1

        # Paths.
        path_pair = _grow(path_pair, p + found)
        step_ends = _grow(step_ends, p + found)
        path_nodes = _grow(path_nodes, s + found * (max_hops + 1))
        path_edges = _grow(path_edges, s + found * (max_hops + 1))
        for path in range(found):
            path_pair[p] = found_pairs[path]
            for step in range(found_hops[path] + 1):
                u = local[found_nodes[path, step]]
                path_nodes[s] = u
                path_edges[s] = -1
                if step < found_hops[path]:
                    v = local[found_nodes[path, step + 1]]
                    edge = 2 * np.searchsorted(keys, _edge_key(u, v, num_local))
                    path_edges[s] = edge if u < v else edge + 1
                s += 1
            step_ends[p] = s
            p += 1

        for node in range(first_node, n):
            local[nodes[node]] = -1
        node_offsets[g + 1], edge_offsets[g + 1], path_offsets[g + 1] = n, e, p

    edges = np.empty((2, e), dtype=np.int32)
    edges[0], edges[1] = edge_sources[:e], edge_targets[:e]
    edge_relation_offsets = np.zeros(e + 1, dtype=np.int64)
    edge_relation_offsets[1:] = relation_ends[:e]
    step_offsets = np.zeros(p + 1, dtype=np.int64)
    step_offsets[1:] = step_ends[:p]
    return (
        node_offsets, nodes[:n].copy(), edge_offsets, edges, edge_relation_offsets, relations[:k].copy(),
        path_offsets, path_pair[:p].copy(), step_offsets, path_nodes[:s].copy(), path_edges[:s].copy(),
    )  # fmt: skip


@numba.njit(nogil=True, cache=True)
def _edge_key(u: int, v: int, num_local: int) -> int:
    """Return a number that names the unordered pair of two local nodes."""
    return min(u, v) * num_local + max(u, v)


@numba.njit(nogil=True, cache=True)
def _links_within(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    concepts: np.ndarray,
    local: np.ndarray,
    num_local: int,
    keys: np.ndarray,
    used: int,
) -> int:
    """Append the keys of the links among ``concepts``; return how many keys are used now."""
    for i in range(len(concepts)):
        for j in range(i + 1, len(concepts)):
            a, b = concepts[i], concepts[j]
            if indptr[a + 1] - indptr[a] > indptr[b + 1] - indptr[b]:
                a, b = b, a
            for k in range(indptr[a], indptr[a + 1]):
                if neighbors[k] == b:
                    keys[used] = _edge_key(local[a], local[b], num_local)
                    used += 1
                    break
    return used


@numba.njit(nogil=True, cache=True)
def _append_relations(
    out_ptr: np.ndarray,
    out_neighbors: np.ndarray,
    out_relations: np.ndarray,
    source: int,
    target: int,
    shift: int,
    relations: np.ndarray,
    k: int,
) -> tuple[np.ndarray, int]:
    """Append the relations of the triples from ``source`` to ``target``, each plus ``shift``."""
    end = out_ptr[source + 1]
    at = out_ptr[source] + np.searchsorted(out_neighbors[out_ptr[source] : end], target)
    while at < end and out_neighbors[at] == target:
        relations = _grow(relations, k + 1)
        relations[k] = out_relations[at] + shift
        k += 1
        at += 1
    return relations, k
