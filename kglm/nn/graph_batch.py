"""A ragged batch of schema graphs as tensors.

Dimensions: G graphs (question-choice pairs, question-major: G = B * C), N nodes, E directed edges, K relation
labels of edges, M concept pairs, P paths, S path steps, D_e entity dimension. All indices are batch-global.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from kglm.nn.ragged import segment_index

QUESTION, CHOICE, OTHER = 0, 1, 2
"""Types of nodes: concepts of the question, of the choice, and what lies between or beside them."""


@dataclass(frozen=True)
class GraphBatch:
    """Schema graphs of a batch with explicit offsets; nothing is padded.

    Edges stand in both directions: edge ``2k + 1`` is the reverse of edge ``2k``. An edge carries the *set* of
    its relations (ragged); relation ``r + R`` is the inverse of relation ``r``. A concept pair joins a question
    concept to a choice concept; a path belongs to one concept pair and walks along edges.

    Attributes:
        entity_embeds: ``[N, D_e]`` vectors of the nodes' entities.
        node_offsets: ``[G + 1]``; the nodes of graph g are ``node_offsets[g]:node_offsets[g + 1]``.
        node_types: ``[N]`` :data:`QUESTION`, :data:`CHOICE` or :data:`OTHER`.
        edge_index: ``[2, E]`` source and target node of each directed edge.
        edge_relations: ``[K]`` relation ids in ``[0, 2R)``.
        edge_relation_offsets: ``[E + 1]`` into ``edge_relations``.
        pair_nodes: ``[2, M]`` question node and choice node.
        pair_graph: ``[M]`` graph of each concept pair, ascending.
        path_pair: ``[P]`` concept pair of each path.
        path_nodes: ``[S]`` nodes of all paths, one after another.
        path_edges: ``[S]`` edge that leaves each step's node along the path; -1 at a path's last node.
        path_offsets: ``[P + 1]`` into ``path_nodes`` and ``path_edges``.
    """

    entity_embeds: Tensor
    node_offsets: Tensor
    node_types: Tensor
    edge_index: Tensor
    edge_relations: Tensor
    edge_relation_offsets: Tensor
    pair_nodes: Tensor
    pair_graph: Tensor
    path_pair: Tensor
    path_nodes: Tensor
    path_edges: Tensor
    path_offsets: Tensor

    @property
    def num_graphs(self) -> int:
        """G, the number of question-choice pairs."""
        return self.node_offsets.numel() - 1

    @property
    def num_nodes(self) -> int:
        """N, over all graphs."""
        return self.entity_embeds.shape[0]

    @property
    def node_graph(self) -> Tensor:
        """Graph of each node, ``[N]``, ascending."""
        return segment_index(self.node_offsets, self.num_nodes)

    @property
    def num_pairs(self) -> int:
        """M, over all graphs."""
        return self.pair_graph.numel()

    @property
    def num_paths(self) -> int:
        """P, over all graphs."""
        return self.path_pair.numel()

    @property
    def device(self) -> torch.device:
        """Device of all tensors."""
        return self.entity_embeds.device

    def to(self, device: torch.device | str, non_blocking: bool = False) -> GraphBatch:
        """Return the batch on ``device``."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> GraphBatch:
        """Return the batch in pinned memory, for asynchronous copies to a GPU."""
        return self._map(lambda tensor: tensor.pin_memory())

    def _map(self, function: Callable[[Tensor], Tensor]) -> GraphBatch:
        return GraphBatch(**{field.name: function(getattr(self, field.name)) for field in fields(self)})
