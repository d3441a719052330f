"""Concept subgraphs: the concepts of a question and a choice, what lies next to two of them, and all among these.

Source: QA-GNN (Yasunaga et al., NAACL 2021), section 3.1 and its released preprocessing: nodes are the grounded
concepts and every entity linked to two or more of them, whichever way the triples point; edges are all triples among
the nodes. Dimensions: G question-choice pairs, N nodes, E triples.

Where a language model scores the nodes of each question, go in steps: :func:`gather_nodes`, score,
:meth:`NodeSets.keep_best`, :func:`connect_nodes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from kglm.errors import ConfigError
from kglm.kg import concept_subgraph_kernels as kernels
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.paths import check_concepts
from kglm.kg.schema_graph import ConceptSets, flatten
from kglm.kg.search.bulk import join, run_chunks
from kglm.kg.search.inputs import incoming_rows, link_rows, outgoing_rows

MAX_NODES = 200


@dataclass(frozen=True)
class NodeSets:
    """The nodes of many graphs.

    Attributes:
        node_offsets: ``int64 [G + 1]``.
        nodes: ``int32 [N]`` entity ids: question concepts, choice concepts, then the others, the most relevant first.
        question_counts: ``int32 [G]``, how many of a graph's nodes are question concepts.
        choice_counts: ``int32 [G]``, how many are choice concepts.
    """

    node_offsets: np.ndarray
    nodes: np.ndarray
    question_counts: np.ndarray
    choice_counts: np.ndarray

    def __len__(self) -> int:
        return len(self.question_counts)

    def keep_best(self, relevance: np.ndarray, max_nodes: int) -> NodeSets:
        """Return the same graphs with their most relevant nodes only, those in order of relevance.

        Args:
            relevance: ``[N]``, larger is kept first; ties keep their order. That of concepts does not matter: they
                are kept, in their order, whatever ``max_nodes`` is.
            max_nodes: cap on the nodes of a graph.

        Raises:
            ValueError: there are more or fewer numbers than nodes.
            ConfigError: ``max_nodes`` is below 1.
        """
        _check_max_nodes(max_nodes)
        relevance = np.asarray(relevance, dtype=np.float64)
        if relevance.shape != self.nodes.shape:
            raise ValueError(f"relevance has shape {relevance.shape}, expected {self.nodes.shape}, one number a node")
        owners = np.repeat(np.arange(len(self)), np.diff(self.node_offsets))
        places = np.arange(len(self.nodes)) - self.node_offsets[owners]
        is_concept = places < (self.question_counts + self.choice_counts)[owners]
        keys = np.where(is_concept, places, len(self.nodes))
        order = np.lexsort((places, -relevance, keys, owners))
        order = order[(places < max_nodes) | is_concept[order]]
        counts = np.bincount(owners[order], minlength=len(self))
        return NodeSets(
            np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)]),
            self.nodes[order],
            self.question_counts,
            self.choice_counts,
        )


@dataclass(frozen=True)
class ConceptSubgraphs(NodeSets):
    """The nodes of many graphs and the triples among them.

    Attributes:
        edge_offsets: ``int64 [G + 1]``.
        edges: ``int32 [2, E]`` heads and tails, as places among the graph's nodes.
        edge_relations: ``int32 [E]`` relation ids. A triple stands once; inverses are the reader's to add.
        visited: ``int64 [G]``, how many triples were looked at to find the edges: what it cost.
    """

    edge_offsets: np.ndarray
    edges: np.ndarray
    edge_relations: np.ndarray
    visited: np.ndarray


def extract_subgraphs(
    graph: KnowledgeGraph,
    pairs: list[ConceptSets],
    *,
    max_nodes: int = MAX_NODES,
    relevance: np.ndarray | None = None,
    workers: int = 1,
) -> ConceptSubgraphs:
    """Return the concept subgraphs of many question-choice pairs; arguments and errors as of :func:`gather_nodes`."""
    nodes = gather_nodes(graph, pairs, max_nodes=max_nodes, relevance=relevance, workers=workers)
    return connect_nodes(graph, nodes, workers)


def gather_nodes(
    graph: KnowledgeGraph,
    pairs: list[ConceptSets],
    *,
    max_nodes: int = MAX_NODES,
    relevance: np.ndarray | None = None,
    workers: int = 1,
) -> NodeSets:
    """Return the nodes of many question-choice pairs.

    Args:
        graph: the compiled graph.
        pairs: concept sets of each pair.
        max_nodes: cap on the nodes of a graph; the concepts are kept whatever it is.
        relevance: ``[entities]``, larger is kept first, ties by entity id. By default, what is linked to more of the
            concepts comes first, then what has fewer links in all (counted up to 65,535): the more specific.
        workers: threads; the result is the same for any.

    Raises:
        ValueError: an entity id is outside the graph or stands twice in a pair; there are more or fewer relevances
            than entities, or one is not a number.
        ConfigError: ``max_nodes`` or ``workers`` is below 1.
    """
    _check_max_nodes(max_nodes)
    scores = _checked_relevance(graph, relevance)
    rows = link_rows(graph)

    def gather(start: int, stop: int) -> NodeSets:
        concepts, offsets = flatten([part for pair in pairs[start:stop] for part in pair])
        of_graphs, counts = offsets[::2].copy(), np.diff(offsets).astype(np.int32)
        check_concepts(graph.num_entities, concepts, of_graphs, concepts[:0], np.zeros_like(of_graphs))
        found = kernels.gather_nodes(rows.indptr, rows.neighbors, scores, concepts, of_graphs, max_nodes)
        return NodeSets(*found, counts[::2].copy(), counts[1::2].copy())

    return join(NodeSets, run_chunks(len(pairs), workers, gather))


def connect_nodes(graph: KnowledgeGraph, nodes: NodeSets, workers: int = 1) -> ConceptSubgraphs:
    """Return all triples among the nodes of each graph, self-loops left out.

    The first call for a graph puts its triples in an order that spares hubs; it is kept in memory, 6 to 8 bytes a
    triple, as long as the graph is.

    Raises:
        ConfigError: ``workers`` is below 1.
    """
    oriented = _oriented_triples(graph)

    def connect(start: int, stop: int) -> ConceptSubgraphs:
        offsets = nodes.node_offsets[start : stop + 1]
        mine = nodes.nodes[offsets[0] : offsets[-1]]
        offsets = offsets - offsets[0]
        edges = kernels.connect_nodes(*oriented, mine, offsets)
        return ConceptSubgraphs(
            offsets, mine, nodes.question_counts[start:stop], nodes.choice_counts[start:stop], *edges
        )

    return join(ConceptSubgraphs, run_chunks(len(nodes), workers, connect))


_oriented: WeakKeyDictionary[KnowledgeGraph, tuple[np.ndarray, np.ndarray, np.ndarray]] = WeakKeyDictionary()


def _oriented_triples(graph: KnowledgeGraph) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of the triples that each entity owns, made once for a graph."""
    if graph not in _oriented:
        out, into = outgoing_rows(graph), incoming_rows(graph)
        codes = np.empty(graph.num_triples, dtype=np.min_scalar_type(2 * graph.num_relations))
        indptr, others = kernels.orient_triples(out.indptr, out.neighbors, out.relations, into.indptr, codes)
        _oriented[graph] = (indptr, others, codes)
    return _oriented[graph]


def _check_max_nodes(max_nodes: int) -> None:
    if max_nodes < 1:
        raise ConfigError(f"max_nodes is {max_nodes}, expected at least 1")


def _checked_relevance(graph: KnowledgeGraph, relevance: np.ndarray | None) -> np.ndarray:
    if relevance is None:
        return np.zeros(0, dtype=np.float32)
    scores = np.ascontiguousarray(relevance, dtype=np.float32)
    if scores.shape != (graph.num_entities,):
        raise ValueError(
            f"relevance has shape {scores.shape}, expected ({graph.num_entities},), one number an entity"
        )
    if np.isnan(scores).any():
        raise ValueError(f"relevance[{np.flatnonzero(np.isnan(scores))[0]}] is not a number")
    # Both zeros are one: their bits differ.
    return scores + np.float32(0)
