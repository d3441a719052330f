"""Small random schema graphs."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from kglm.nn.graph_batch import CHOICE, OTHER, QUESTION, GraphBatch


def random_graph(
    *,
    num_nodes: int = 6,
    num_paths: int = 5,
    num_concepts: int = 3,
    max_path_nodes: int = 4,
    num_extra_edges: int = 3,
    num_relations: int = 3,
    entity_dim: int = 8,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> GraphBatch:
    """Return a batch of one random graph; without nodes or without paths it is partly or wholly empty.

    The first nodes are question concepts, the next ones choice concepts: ``num_concepts`` of each, or a third of
    the nodes. All of their pairs are concept pairs where the graph has paths, also pairs that no path joins. Edges
    carry one to three relations.
    """
    if num_paths and num_nodes < 3:
        raise ValueError(f"a graph with paths needs at least 3 nodes, not {num_nodes}")
    rng = random.Random(seed)
    concepts = min(num_concepts, max(1, num_nodes // 3))
    question, choice = range(concepts), range(concepts, 2 * concepts)
    pairs = [(q, a) for q in question for a in choice] if num_paths else []

    edges: dict[tuple[int, int], int] = {}
    relations: list[list[int]] = []

    def edge(source: int, target: int) -> int:
        if (source, target) not in edges:
            edges[source, target], edges[target, source] = len(edges), len(edges) + 1
            forward = rng.sample(range(2 * num_relations), rng.randint(1, min(3, 2 * num_relations)))
            inverse = [(relation + num_relations) % (2 * num_relations) for relation in forward]
            relations.extend((forward, inverse))
        return edges[source, target]

    path_pair, path_nodes, path_edges = [], [], []
    for _ in range(num_paths):
        pair = rng.randrange(len(pairs))
        start, end = pairs[pair]
        others = [node for node in range(num_nodes) if node not in (start, end)]
        inner = rng.sample(others, min(len(others), rng.randint(0, max_path_nodes - 2)))
        nodes = [start, *inner, end]
        path_pair.append(pair)
        path_nodes.append(nodes)
        path_edges.append([*map(edge, nodes[:-1], nodes[1:]), -1])
    for _ in range(num_extra_edges if num_nodes > 1 else 0):
        edge(*rng.sample(range(num_nodes), 2))

    generator = torch.Generator().manual_seed(seed)
    return GraphBatch(
        entity_embeds=torch.randn(num_nodes, entity_dim, generator=generator, dtype=torch.float64).to(dtype),
        node_offsets=torch.tensor([0, num_nodes]),
        node_types=_types(num_nodes, concepts),
        edge_index=_table(list(edges)),
        edge_relations=_flat(relations),
        edge_relation_offsets=_offsets(relations),
        pair_nodes=_table(pairs),
        pair_graph=torch.zeros(len(pairs), dtype=torch.long),
        path_pair=torch.tensor(path_pair, dtype=torch.long),
        path_nodes=_flat(path_nodes),
        path_edges=_flat(path_edges),
        path_offsets=_offsets(path_nodes),
    )


def random_graph_batch(
    *,
    num_nodes: Sequence[int] = (6, 0, 9, 4, 3),
    num_paths: Sequence[int] = (5, 0, 7, 0, 1),
    num_concepts: int = 3,
    max_path_nodes: int = 4,
    num_extra_edges: int = 3,
    num_relations: int = 3,
    entity_dim: int = 8,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> GraphBatch:
    """Return a batch of random graphs of the given sizes; by default one is empty and one has no pairs."""
    return concatenate_graphs(
        [
            random_graph(
                num_nodes=nodes,
                num_paths=paths,
                num_concepts=num_concepts,
                max_path_nodes=max_path_nodes,
                num_extra_edges=num_extra_edges,
                num_relations=num_relations,
                entity_dim=entity_dim,
                seed=seed * 1000 + position,
                dtype=dtype,
            )
            for position, (nodes, paths) in enumerate(zip(num_nodes, num_paths, strict=True))
        ]
    )


def concatenate_graphs(batches: Sequence[GraphBatch]) -> GraphBatch:
    """Return one batch of all the graphs, in order."""
    nodes = edges = pairs = graphs = 0
    parts: dict[str, list[Tensor]] = {
        name: [] for name in ("edge_index", "pair_nodes", "pair_graph", "path_pair", "path_nodes", "path_edges")
    }
    for batch in batches:
        parts["edge_index"].append(batch.edge_index + nodes)
        parts["pair_nodes"].append(batch.pair_nodes + nodes)
        parts["pair_graph"].append(batch.pair_graph + graphs)
        parts["path_pair"].append(batch.path_pair + pairs)
        parts["path_nodes"].append(batch.path_nodes + nodes)
        parts["path_edges"].append(torch.where(batch.path_edges < 0, -1, batch.path_edges + edges))
        nodes += batch.num_nodes
        edges += batch.edge_index.shape[1]
        pairs += batch.num_pairs
        graphs += batch.num_graphs
    return GraphBatch(
        entity_embeds=torch.cat([batch.entity_embeds for batch in batches]),
        edge_relations=torch.cat([batch.edge_relations for batch in batches]),
        node_types=torch.cat([batch.node_types for batch in batches]),
        node_offsets=_concatenate_offsets([batch.node_offsets for batch in batches]),
        edge_relation_offsets=_concatenate_offsets([batch.edge_relation_offsets for batch in batches]),
        path_offsets=_concatenate_offsets([batch.path_offsets for batch in batches]),
        **{name: torch.cat(tensors, dim=-1) for name, tensors in parts.items()},
    )


def _types(num_nodes: int, concepts: int) -> Tensor:
    types = torch.full((num_nodes,), OTHER)
    types[:concepts] = QUESTION
    types[concepts : 2 * concepts] = CHOICE
    return types


def _flat(rows: list[list[int]]) -> Tensor:
    return torch.tensor([value for row in rows for value in row], dtype=torch.long)


def _table(pairs: list[tuple[int, int]]) -> Tensor:
    return torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).t().contiguous()


def _offsets(rows: list[list[int]]) -> Tensor:
    lengths = torch.tensor([0, *map(len, rows)], dtype=torch.long)
    return lengths.cumsum(0)


def _concatenate_offsets(offsets: list[Tensor]) -> Tensor:
    lengths = torch.cat([offset.diff() for offset in offsets])
    return torch.cat((lengths.new_zeros(1), lengths.cumsum(0)))
