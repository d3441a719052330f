"""Messages that travel along all walks of up to K hops, weighed by their relations."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kglm.nn.graph_batch import GraphBatch
from kglm.nn.ragged import segment_attend, select_segments
from kglm.nn.relation_matrices import RelationMatrices
from kglm.nn.relation_slots import RelationSlots


@dataclass(frozen=True)
class WalkScores:
    """Logarithms of the factors of a walk's score; see :class:`kglm.nn.relation_transitions.RelationTransitions`.

    Attributes:
        start: ``[N]`` of walks that begin at each node.
        relation: ``[G, 2R]`` of each relation in each graph.
        transition: ``[2R, 2R]`` of each relation after each other.
    """

    start: Tensor
    relation: Tensor
    transition: Tensor


class MultiHopPassing(nn.Module):
    r"""Multi-hop message passing (Feng et al., EMNLP 2020, arXiv:2005.00646, section 4.1, eqs. 5-6).

    .. math:: z_i^k = \sum_{(j, r_1 \dots r_k, i)} \frac{\alpha(j, r_1 \dots r_k, i)}{d_i^k}
        W_0^K \cdots W_0^{k+1} W_{r_k}^k \cdots W_{r_1}^1 x_j

    over all walks of k hops that end in i, :math:`d_i^k` the sum of their scores. A score depends on neighbouring
    relations alone, so walks are summed hop by hop, with one state per node and last relation (a slot). The
    reference keeps ``[N, 2R, D]`` states padded to 200 nodes and dense adjacencies; here only slots that a triple
    reaches exist. States are averages, and scores logarithms, so that nothing overflows whatever the scores and hops.

    Matrices are mixtures of a few bases, per hop (:class:`RelationMatrices`).

    Args:
        dim: D, of the node vectors and the messages.
        num_relations: R, without the inverses.
        num_hops: K.
        num_bases: matrices that each hop mixes.
    """

    def __init__(self, *, dim: int, num_relations: int, num_hops: int, num_bases: int) -> None:
        super().__init__()
        self.num_relations = num_relations
        self.padding = 2 * num_relations  # W_0 is the matrix of one more relation
        self.matrices = nn.ModuleList(
            RelationMatrices(num_relations=self.padding + 1, num_bases=num_bases, in_dim=dim, out_dim=dim)
            for _ in range(num_hops)
        )

    def forward(self, nodes: Tensor, graph: GraphBatch, scores: WalkScores) -> tuple[Tensor, Tensor]:
        """Return z and the logarithms of d, -inf where no walk of so many hops ends.

        Shapes:
            nodes: ``[N, D]``; out: ``[K, N, D]`` and ``[K, N]``
        """
        slots = RelationSlots.of(graph, self.num_relations)
        slot_graph = graph.node_graph.index_select(0, slots.slot_nodes)
        emitted = scores.relation[slot_graph, slots.slot_relations]  # [Q]
        follows = _Continuations.of(slots, self.num_relations, graph.num_nodes)
        # What each triple carries in the first hop: its source, and how likely a walk begins there.
        carried, weights = nodes.index_select(0, slots.sources), scores.start.index_select(0, slots.sources)
        reached, totals = [], []
        for hop, matrices in enumerate(self.matrices):
            states, logs = segment_attend(weights, carried, slots.slots, slots.num_slots)
            states, logs = matrices(states, slots.slot_relations), logs + emitted
            mean, total = segment_attend(logs, states, slots.slot_nodes, graph.num_nodes)
            reached.append(self._pad(mean, hop))
            totals.append(total)
            if hop + 1 < len(self.matrices):
                carried, weights = follows.carry(states, logs, scores.transition, slots)
        return torch.stack(reached), torch.stack(totals)

    def _pad(self, vectors: Tensor, hop: int) -> Tensor:
        """Multiply with W_0 of the hops that are left, so that all walks pass K matrices."""
        padding = torch.tensor([self.padding], device=vectors.device)
        for matrices in list(self.matrices)[hop + 1 :]:
            vectors = matrices(vectors, padding.expand(vectors.shape[0]))
        return vectors


@dataclass(frozen=True)
class _Continuations:
    """Which slots a walk may come from when it leaves a node by a relation.

    Attributes:
        ways: ``[K]`` the way (node and outgoing relation) that each triple is part of; O ways in all.
        way_relations: ``[O]`` relation of each way.
        arrivals: ``[C]`` the slots of the ways' nodes, way after way.
        arrival_ways: ``[C]`` the way of each.
    """

    ways: Tensor
    way_relations: Tensor
    arrivals: Tensor
    arrival_ways: Tensor

    @classmethod
    def of(cls, slots: RelationSlots, num_relations: int, num_nodes: int) -> _Continuations:
        keys = slots.sources * (2 * num_relations) + slots.relations
        distinct, ways = torch.unique(keys, return_inverse=True)
        way_nodes = torch.div(distinct, 2 * num_relations, rounding_mode="floor")
        # Slots stand in the order of their nodes.
        counts = torch.bincount(slots.slot_nodes, minlength=num_nodes)
        node_offsets = torch.cat((counts.new_zeros(1), counts.cumsum(0)))
        every = torch.arange(slots.num_slots, device=keys.device)
        arrivals, offsets = select_segments(every, node_offsets, way_nodes)
        numbers = torch.arange(way_nodes.numel(), device=keys.device)
        return cls(
            ways=ways,
            way_relations=distinct % (2 * num_relations),
            arrivals=arrivals,
            arrival_ways=torch.repeat_interleave(numbers, offsets.diff(), output_size=arrivals.numel()),
        )

    def carry(self, states: Tensor, logs: Tensor, transition: Tensor, slots: RelationSlots) -> tuple[Tensor, Tensor]:
        """Return what each triple carries on from its source, ``[K, D]``, and with what weight, ``[K]``.

        Every source was reached before: edges stand in both directions.
        """
        before = slots.slot_relations.index_select(0, self.arrivals)
        after = self.way_relations.index_select(0, self.arrival_ways)
        logits = logs.index_select(0, self.arrivals) + transition[before, after]
        mean, total = segment_attend(
            logits, states.index_select(0, self.arrivals), self.arrival_ways, self.way_relations.numel()
        )
        return mean.index_select(0, self.ways), total.index_select(0, self.ways)
