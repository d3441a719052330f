"""Schema graphs with a piece taken out, to see what hangs on it.

Dimensions: N nodes, E directed edges, P paths of one graph.
"""

from __future__ import annotations

import numpy as np

from kglm.kg.schema_graph import SchemaGraphs


def one_graph(graphs: SchemaGraphs, index: int) -> SchemaGraphs:
    """Return one of the graphs alone."""
    nodes, edges, paths = _sizes(graphs, index)
    return _restrict(graphs, index, np.ones(nodes, bool), np.ones(edges, bool), np.ones(paths, bool))


def without_path(graphs: SchemaGraphs, index: int, path: int) -> SchemaGraphs:
    """Return one of the graphs as it would be had a path of it not been found.

    Its hops go too, and the nodes on it, where no other path has them; concepts stay, and the links among those of
    the question and among those of the choice.

    Args:
        graphs: of many question-choice pairs.
        index: which of them.
        path: local to the graph.
    """
    nodes, _edges, paths = _sizes(graphs, index)
    kept = np.arange(paths) != path
    question = int(graphs.question_counts[index])
    concepts = question + int(graphs.choice_counts[index])
    steps = _step_mask(graphs, index, kept)
    walked, hops = (array[_steps(graphs, index)][steps] for array in (graphs.path_nodes, graphs.path_edges))
    ends = graphs.edges[:, graphs.edge_offsets[index] : graphs.edge_offsets[index + 1]]
    kept_edges = np.all(ends < question, axis=0) | np.all((ends >= question) & (ends < concepts), axis=0)
    hops = hops[hops >= 0]
    kept_edges[hops] = kept_edges[hops ^ 1] = True  # a hop, and its reverse
    kept_nodes = np.arange(nodes) < concepts
    kept_nodes[walked] = True
    return _restrict(graphs, index, kept_nodes, kept_edges, kept)


def without_node(graphs: SchemaGraphs, index: int, node: int) -> SchemaGraphs:
    """Return one of the graphs without a node, its edges, and the paths through it.

    Args:
        graphs: of many question-choice pairs.
        index: which of them.
        node: local to the graph.
    """
    nodes, _, paths = _sizes(graphs, index)
    steps = _steps(graphs, index)
    through = _step_owners(graphs, index)[graphs.path_nodes[steps] == node]
    ends = graphs.edges[:, graphs.edge_offsets[index] : graphs.edge_offsets[index + 1]]
    return _restrict(
        graphs, index, np.arange(nodes) != node, np.all(ends != node, axis=0), ~np.isin(np.arange(paths), through)
    )


def _restrict(
    graphs: SchemaGraphs, index: int, nodes: np.ndarray, edges: np.ndarray, paths: np.ndarray
) -> SchemaGraphs:
    """Return the part of one graph that the masks keep: ``nodes [N]``, ``edges [E]``, ``paths [P]``."""
    first_edge = int(graphs.edge_offsets[index])
    node_span = slice(int(graphs.node_offsets[index]), int(graphs.node_offsets[index + 1]))
    edge_span = slice(first_edge, int(graphs.edge_offsets[index + 1]))
    path_span = slice(int(graphs.path_offsets[index]), int(graphs.path_offsets[index + 1]))
    question, choice = int(graphs.question_counts[index]), int(graphs.choice_counts[index])
    questions, choices = int(nodes[:question].sum()), int(nodes[question : question + choice].sum())
    new_node = np.cumsum(nodes) - 1
    new_edge = np.where(edges, np.cumsum(edges) - 1, -1)

    relation_offsets = graphs.edge_relation_offsets[edge_span.start : edge_span.stop + 1]
    counts = np.diff(relation_offsets)
    relations = graphs.edge_relations[relation_offsets[0] : relation_offsets[-1]][np.repeat(edges, counts)]
    step_counts = np.diff(graphs.step_offsets[path_span.start : path_span.stop + 1])[paths]
    steps = _step_mask(graphs, index, paths)
    path_edges = graphs.path_edges[_steps(graphs, index)][steps]
    from_question, to_choice = np.divmod(graphs.path_pair[path_span][paths], max(choice, 1))
    pairs = new_node[from_question] * choices + new_node[question + to_choice] - questions
    return SchemaGraphs(
        node_offsets=np.array([0, nodes.sum()], dtype=np.int64),
        nodes=graphs.nodes[node_span][nodes],
        question_counts=np.array([questions], dtype=np.int32),
        choice_counts=np.array([choices], dtype=np.int32),
        edge_offsets=np.array([0, edges.sum()], dtype=np.int64),
        edges=new_node[graphs.edges[:, edge_span][:, edges]].astype(np.int32),
        edge_relation_offsets=_offsets(counts[edges]),
        edge_relations=relations,
        path_offsets=np.array([0, paths.sum()], dtype=np.int64),
        path_pair=pairs.astype(np.int32),
        path_scores=graphs.path_scores[path_span][paths],
        step_offsets=_offsets(step_counts),
        path_nodes=new_node[graphs.path_nodes[_steps(graphs, index)][steps]].astype(np.int32),
        path_edges=np.where(path_edges < 0, -1, new_edge[path_edges]).astype(np.int32),
    )


def _sizes(graphs: SchemaGraphs, index: int) -> tuple[int, int, int]:
    """Return N, E and P of one graph."""
    offsets = (graphs.node_offsets, graphs.edge_offsets, graphs.path_offsets)
    nodes, edges, paths = (int(array[index + 1] - array[index]) for array in offsets)
    return nodes, edges, paths


def _steps(graphs: SchemaGraphs, index: int) -> slice:
    first, last = graphs.step_offsets[graphs.path_offsets[[index, index + 1]]].tolist()
    return slice(first, last)


def _step_owners(graphs: SchemaGraphs, index: int) -> np.ndarray:
    """Return the path, local to the graph, of each of its steps."""
    start, end = graphs.path_offsets[[index, index + 1]].tolist()
    return np.repeat(np.arange(end - start), np.diff(graphs.step_offsets[start : end + 1]))


def _step_mask(graphs: SchemaGraphs, index: int, paths: np.ndarray) -> np.ndarray:
    mask: np.ndarray = paths[_step_owners(graphs, index)]
    return mask


def _offsets(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
