"""From flat arrays on disk to a batch of tensors: the only place where schema graphs become torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from kglm.embeddings.entity_table import EntityTable
from kglm.kg.schema_graph import SchemaGraphs
from kglm.nn.graph_batch import CHOICE, OTHER, QUESTION, GraphBatch


def batch_graphs(graphs: SchemaGraphs, indices: Sequence[int], table: EntityTable) -> GraphBatch:
    """Return the schema graphs at ``indices`` as one batch, node vectors gathered from the entity table.

    Args:
        graphs: the schema graphs of a data set.
        indices: G of them, in the order of the batch.
        table: ``[entities, D_e]`` vectors.
    """
    nodes = _spans(graphs.node_offsets, indices)
    edges = _spans(graphs.edge_offsets, indices)
    paths = _spans(graphs.path_offsets, indices)
    relations = [slice(*graphs.edge_relation_offsets[[e.start, e.stop]]) for e in edges]
    steps = [slice(*graphs.step_offsets[[p.start, p.stop]]) for p in paths]

    first_node, first_edge = _starts(nodes), _starts(edges)
    question, choice = graphs.question_counts[indices], graphs.choice_counts[indices]
    pairs = question.astype(np.int64) * choice
    first_pair = np.cumsum([0, *pairs])
    entities = _gather(graphs.nodes, nodes)
    path_edges = _gather(graphs.path_edges, steps)
    step_counts = [s.stop - s.start for s in steps]
    tensors = {
        "node_offsets": first_node,
        "node_types": _node_types(question, choice, np.diff(first_node)),
        "edge_index": _gather(graphs.edges, edges) + np.repeat(first_node[:-1], np.diff(first_edge)),
        "edge_relations": _gather(graphs.edge_relations, relations),
        "edge_relation_offsets": _offsets(graphs.edge_relation_offsets, edges),
        "pair_nodes": _pair_nodes(question, choice) + np.repeat(first_node[:-1], pairs),
        "pair_graph": np.repeat(np.arange(len(indices)), pairs),
        "path_pair": _gather(graphs.path_pair, paths) + np.repeat(first_pair[:-1], np.diff(_starts(paths))),
        "path_nodes": _gather(graphs.path_nodes, steps) + np.repeat(first_node[:-1], step_counts),
        "path_edges": np.where(path_edges < 0, -1, path_edges + np.repeat(first_edge[:-1], step_counts)),
        "path_offsets": _offsets(graphs.step_offsets, paths),
    }
    return GraphBatch(
        entity_embeds=torch.from_numpy(table.rows(entities)),
        **{name: torch.from_numpy(array.astype(np.int64)) for name, array in tensors.items()},
    )


def _spans(offsets: np.ndarray, indices: Sequence[int]) -> list[slice]:
    return [slice(int(offsets[i]), int(offsets[i + 1])) for i in indices]


def _starts(spans: list[slice]) -> np.ndarray:
    """Return the offsets of the spans once they stand one after another, ``[len + 1]``."""
    return np.cumsum([0, *(span.stop - span.start for span in spans)])


def _gather(array: np.ndarray, spans: list[slice]) -> np.ndarray:
    return np.concatenate([array[..., :0], *(array[..., span] for span in spans)], axis=-1)


def _offsets(offsets: np.ndarray, spans: list[slice]) -> np.ndarray:
    """Return the offsets of the spans' items once they stand one after another, ``[items + 1]``."""
    counts = [np.diff(offsets[span.start : span.stop + 1]) for span in spans]
    return np.cumsum(np.concatenate([np.zeros(1, dtype=np.int64), *counts]))


def _node_types(question: np.ndarray, choice: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Return the type of each node: a graph has its question's concepts first, then its choice's, then all else."""
    counts = np.stack([question, choice, nodes - question - choice], axis=1)  # [G, 3]
    return np.repeat(np.tile([QUESTION, CHOICE, OTHER], len(counts)), counts.ravel())


def _pair_nodes(question: np.ndarray, choice: np.ndarray) -> np.ndarray:
    """Return ``[2, M]`` local nodes of all concept pairs: question-major, choice concepts after the question's."""
    grids = [np.indices((q, c)).reshape(2, -1) + np.array([[0], [q]]) for q, c in zip(question, choice, strict=True)]
    return np.concatenate([np.zeros((2, 0), dtype=np.int64), *grids], axis=1)
