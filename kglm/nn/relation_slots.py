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
        sources: ``[K]`` source node of each triple.
        relations: ``[K]`` relation in ``[0, 2R)``.
        slots: ``[K]`` the slot that each triple ends in.
        slot_nodes: ``[Q]`` node of each slot, ascending.
        slot_relations: ``[Q]``.
    """

    sources: Tensor
    relations: Tensor
    slots: Tensor
    slot_nodes: Tensor
    slot_relations: Tensor

    @classmethod
    def of(cls, graph: GraphBatch, num_relations: int) -> RelationSlots:
        """Return the slots of a batch; edges carry sets of relations, and each member is a triple.

        Args:
            graph: the batch.
            num_relations: R, without the inverses.
        """
        edges = segment_index(graph.edge_relation_offsets, graph.edge_relations.numel())  # [K]
        sources, targets = graph.edge_index.index_select(1, edges)
        keys = targets * (2 * num_relations) + graph.edge_relations
        distinct, slots = torch.unique(keys, return_inverse=True)
        return cls(
            sources=sources,
            relations=graph.edge_relations,
            slots=slots,
            slot_nodes=torch.div(distinct, 2 * num_relations, rounding_mode="floor"),
            slot_relations=distinct % (2 * num_relations),
        )

    @property
    def num_slots(self) -> int:
        """Q, over all graphs."""
        return self.slot_nodes.numel()
