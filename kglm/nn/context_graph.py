"""Schema graphs with one more node each, which stands for the text."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kglm.nn.graph_batch import OTHER, GraphBatch
from kglm.nn.ragged import segment_index

CONTEXT = 3
NUM_TYPES = 4
NUM_CONTEXT_RELATIONS = 5


@dataclass(frozen=True)
class ContextGraph:
    """The triples of a batch, and those that join a context node to the concepts of question and choice.

    The context node of graph g is node ``N + g``, behind all concepts. Relations 0 to 2R - 1 are those of the batch;
    then context to question concept and back, context to choice concept and back, and each node's loop to itself.

    Attributes:
        sources: ``[K']`` source node of each triple.
        targets: ``[K']``, ascending.
        target_offsets: ``[N + G + 1]``; the triples that end in node n are
            ``target_offsets[n]:target_offsets[n + 1]``.
        kinds: ``[K']`` kind of each: ``(relation * 4 + source type) * 4 + target type``.
        node_types: ``[N + G]``, :data:`CONTEXT` for the context nodes.
        num_kinds: how many kinds there are.
    """

    sources: Tensor
    targets: Tensor
    target_offsets: Tensor
    kinds: Tensor
    node_types: Tensor
    num_kinds: int

    @classmethod
    def of(cls, graph: GraphBatch, num_relations: int) -> ContextGraph:
        """Return a batch with its context nodes.

        Args:
            graph: the batch.
            num_relations: R, without the inverses.
        """
        edges = segment_index(graph.edge_relation_offsets, graph.edge_relations.numel())  # [K]
        sources, targets = graph.edge_index.index_select(1, edges)
        concepts = (graph.node_types != OTHER).nonzero().squeeze(-1)
        contexts = graph.num_nodes + graph.node_graph.index_select(0, concepts)
        loops = torch.arange(graph.num_nodes + graph.num_graphs, device=graph.device)
        types = torch.cat((graph.node_types, graph.node_types.new_full((graph.num_graphs,), CONTEXT)))

        outward = 2 * num_relations + 2 * graph.node_types.index_select(0, concepts)
        loop = torch.full_like(loops, 2 * num_relations + NUM_CONTEXT_RELATIONS - 1)
        relations = torch.cat((graph.edge_relations, outward, outward + 1, loop))
        sources = torch.cat((sources, contexts, concepts, loops))
        targets = torch.cat((targets, concepts, contexts, loops))
        kinds = (relations * NUM_TYPES + types.index_select(0, sources)) * NUM_TYPES + types.index_select(0, targets)
        num_kinds = (2 * num_relations + NUM_CONTEXT_RELATIONS) * NUM_TYPES * NUM_TYPES
        targets, order = targets.sort()
        counts = torch.bincount(targets, minlength=types.numel())
        return cls(
            sources=sources.index_select(0, order),
            targets=targets,
            target_offsets=torch.cat((counts.new_zeros(1), counts.cumsum(0))),
            kinds=kinds.index_select(0, order),
            node_types=types,
            num_kinds=num_kinds,
        )
