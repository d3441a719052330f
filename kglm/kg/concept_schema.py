"""Concept subgraphs in the shape of schema graphs, for reasoners that read nodes and edges and no paths."""

from __future__ import annotations

import numpy as np

from kglm.kg.concept_subgraph import ConceptSubgraphs


def schema_arrays(subgraphs: ConceptSubgraphs, num_relations: int) -> dict[str, np.ndarray]:
    """Return the arrays of :class:`kglm.kg.schema_graph.SchemaGraphs`, without paths, by name.

    Two nodes are joined by a pair of edges, one in each direction, in the order of the nodes; each carries the set of
    the relations that lead along it, ``r + R`` where a triple of relation ``r`` points the other way.

    Args:
        subgraphs: G graphs.
        num_relations: R.
    """
    graphs = len(subgraphs)
    owners = np.repeat(np.arange(graphs), np.diff(subgraphs.edge_offsets))
    heads, tails = subgraphs.edges.astype(np.int64)
    first, second = np.minimum(heads, tails), np.maximum(heads, tails)
    order = np.lexsort((second, first, owners))
    triples = np.stack([owners, first, second])[:, order]
    is_new = np.ones(triples.shape[1], dtype=bool)
    is_new[1:] = (triples[:, 1:] != triples[:, :-1]).any(axis=0)
    link = np.cumsum(is_new) - 1  # of each triple
    owner_of, first_of, second_of = triples[:, is_new]

    relations, along = subgraphs.edge_relations[order].astype(np.int64), (heads < tails)[order]
    edges = np.concatenate([2 * link + ~along, 2 * link + along])
    labels = np.concatenate([relations, relations + num_relations])
    by_edge = np.lexsort((labels, edges))
    relation_type = np.int16 if 2 * num_relations <= np.iinfo(np.int16).max else np.int32
    empty = np.zeros(0, dtype=np.int32)
    return {
        "node_offsets": subgraphs.node_offsets,
        "nodes": subgraphs.nodes,
        "question_counts": subgraphs.question_counts,
        "choice_counts": subgraphs.choice_counts,
        "edge_offsets": _offsets(2 * np.bincount(owner_of, minlength=graphs)),
        "edges": np.stack(
            [np.stack([first_of, second_of], axis=1).ravel(), np.stack([second_of, first_of], axis=1).ravel()]
        ).astype(np.int32),
        "edge_relation_offsets": _offsets(np.bincount(edges, minlength=2 * len(owner_of))),
        "edge_relations": labels[by_edge].astype(relation_type),
        "path_offsets": np.zeros(graphs + 1, dtype=np.int64),
        "path_pair": empty,
        "path_scores": np.zeros(0, dtype=np.float32),
        "step_offsets": np.zeros(1, dtype=np.int64),
        "path_nodes": empty,
        "path_edges": empty,
    }


def _offsets(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
