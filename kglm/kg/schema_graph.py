"""Schema graphs: what lies between the concepts of a question and those of a choice, as flat arrays.

Source: KagNet (Lin et al., EMNLP 2019), section 3. Dimensions: G question-choice pairs, N nodes, E directed
edges, K edge relations, M concept pairs, P paths, S path steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.schema_kernels import extract

MAX_HOPS = 3
CHUNK = 512


@dataclass(frozen=True, kw_only=True)
class SchemaOptions:
    """What a schema graph holds.

    Attributes:
        max_hops: longest path, 1 to 3.
        max_paths: cap on the paths of one question-choice pair; the rule of selection stands in
            :mod:`kglm.kg.schema_kernels`.
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
    arrays = extract(
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
