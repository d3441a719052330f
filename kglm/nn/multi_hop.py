"""Messages that travel along all walks of up to K hops, weighed by their relations."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kglm.nn.graph_batch import GraphBatch
from kglm.nn.ragged import bag_attend, select_segments
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
        follows = _Continuations.of(slots, self.num_relations)
        every_slot = torch.arange(slots.slot_nodes.numel(), device=nodes.device)
        # What triples carry in the first hop: their sources, and how likely a walk begins there.
        carried, rows, weights = nodes, slots.sources, scores.start
        reached, totals = [], []
        for hop, matrices in enumerate(self.matrices):
            states, logs = bag_attend(weights.index_select(0, rows), carried, rows, slots.triple_offsets)
            states, logs = matrices(states, slots.slot_relations), logs + emitted
            mean, total = bag_attend(logs, states, every_slot, slots.slot_offsets)
            reached.append(self._pad(mean, hop))
            totals.append(total)
            if hop + 1 < len(self.matrices):
                carried, weights = follows.carry(states, logs, scores.transition)
                rows = follows.ways
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
        arrivals: ``[C]`` the slots of the ways' nodes, way after way.
        arrival_offsets: ``[O + 1]`` into ``arrivals``.
        before: ``[C]`` relation of the slot that a walk comes from.
        after: ``[C]`` relation of the way that it takes.
    """

    ways: Tensor
    arrivals: Tensor
    arrival_offsets: Tensor
    before: Tensor
    after: Tensor

    @classmethod
    def of(cls, slots: RelationSlots, num_relations: int) -> _Continuations:
        keys = slots.sources * (2 * num_relations) + slots.relations
        distinct, ways = torch.unique(keys, return_inverse=True)
        way_nodes = torch.div(distinct, 2 * num_relations, rounding_mode="floor")
        every = torch.arange(slots.slot_nodes.numel(), device=keys.device)
        arrivals, offsets = select_segments(every, slots.slot_offsets, way_nodes)
        way_relations = distinct % (2 * num_relations)
        return cls(
            ways=ways,
            arrivals=arrivals,
            arrival_offsets=offsets,
            before=slots.slot_relations.index_select(0, arrivals),
            after=torch.repeat_interleave(way_relations, offsets.diff(), output_size=arrivals.numel()),
        )

    def carry(self, states: Tensor, logs: Tensor, transition: Tensor) -> tuple[Tensor, Tensor]:
        """Return what walks carry on along each way, ``[O, D]``, and with what weight, ``[O]``.

        Every source was reached before: edges stand in both directions.
        """
        logits = logs.index_select(0, self.arrivals) + transition[self.before, self.after]
        return bag_attend(logits, states, self.arrivals, self.arrival_offsets)
