"""Edges taken apart into triples, and triples gathered by node and relation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kglm.nn.graph_batch import GraphBatch
from kglm.nn.ragged import segment_index


@dataclass(frozen=True)
class RelationSlots:
    """A slot is a node together with a relation by which triples reach it; it stands once however many they are.

    What depends on no more than the node and the relation is computed per slot, and there are fewer slots than
    triples.

    Attributes:
        sources: ``[K]`` source node of each triple, slot by slot.
        relations: ``[K]`` relation of each triple, in ``[0, 2R)``.
        triple_offsets: ``[Q + 1]``; the triples of slot q are ``triple_offsets[q]:triple_offsets[q + 1]``.
        slot_nodes: ``[Q]`` node of each slot, ascending.
        slot_relations: ``[Q]``.
        slot_offsets: ``[N + 1]``; the slots of node n are ``slot_offsets[n]:slot_offsets[n + 1]``.
    """

    sources: Tensor
    relations: Tensor
    triple_offsets: Tensor
    slot_nodes: Tensor
    slot_relations: Tensor
    slot_offsets: Tensor

    @classmethod
    def of(cls, graph: GraphBatch, num_relations: int) -> RelationSlots:
        """Return the slots of a batch; edges carry sets of relations, and each member is a triple.

        Args:
            graph: the batch.
            num_relations: R, without the inverses.
        """
        edges = segment_index(graph.edge_relation_offsets, graph.edge_relations.numel())  # [K]
        sources, targets = graph.edge_index.index_select(1, edges)
        keys, order = (targets * (2 * num_relations) + graph.edge_relations).sort()
        distinct, counts = torch.unique_consecutive(keys, return_counts=True)
        slot_nodes = torch.div(distinct, 2 * num_relations, rounding_mode="floor")
        return cls(
            sources=sources.index_select(0, order),
            relations=graph.edge_relations.index_select(0, order),
            triple_offsets=_offsets(counts),
            slot_nodes=slot_nodes,
            slot_relations=distinct % (2 * num_relations),
            slot_offsets=_offsets(torch.bincount(slot_nodes, minlength=graph.num_nodes)),
        )


def _offsets(counts: Tensor) -> Tensor:
    return torch.cat((counts.new_zeros(1), counts.cumsum(0)))
