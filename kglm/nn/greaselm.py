"""GreaseLM: text and graph speak with each other in the encoder's last layers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from kglm.nn.attentive_pooling import AttentivePooling
from kglm.nn.context_graph import NUM_TYPES, ContextGraph
from kglm.nn.entity_fusion import ZeroLinear
from kglm.nn.graph_attention import GraphAttention, TripleKinds
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.interaction import InteractiveReasoner
from kglm.nn.reasoner import ReasonerOutput


@dataclass(frozen=True)
class _State:
    """The graph between two steps: its nodes ``[N + G, D]``, the interaction nodes last, and what stays the same."""

    graph: GraphBatch
    context: ContextGraph
    features: Tensor
    kinds: Tensor
    nodes: Tensor


class GreaseLM(InteractiveReasoner):
    r"""GreaseLM (Zhang et al., ICLR 2022, arXiv:2201.08860, section 3), for ragged batches.

    After each of the encoder's last M layers the graph does a round of attention (:class:`GraphAttention`); then the
    interaction token, the text's first, and the interaction node, which joins all concepts of question and choice,
    exchange what they know:

    .. math:: [h_{int}; e_{int}] = [\tilde h_{int}; \tilde e_{int}] + W_2\, GELU(W_1 [\tilde h_{int}; \tilde e_{int}]
        + b_1) + b_2

    one such exchange (MInt) for all layers. The graph vector is ``[pooled; e_int]``, pooled over the concepts by the
    statement's attention; the head adds the statement.

    Differences from the reference code: the exchange is added to what was there, and :math:`W_2, b_2` start at zero,
    so that training begins at the pretrained encoder; the query of the pooling is the mean of the tokens, as for the
    other reasoners, not the pooled first one; the last nodes are pooled as they are. As there, the interaction
    node begins at zero, and nodes know their type but no relevance.

    Evidence: the attention over nodes.

    Args:
        entity_dim: dimension of the entity vectors in the batch.
        statement_dim: dimension of the statement vector and the encoder's tokens.
        num_relations: R, without the inverses.
        node_dim: D, of all node vectors.
        num_layers: M, at most the encoder's.
        num_heads: heads of the attention along triples; must divide ``node_dim``.
        num_pooling_heads: heads of the attention over nodes; must divide ``node_dim``.
        interaction_dim: hidden dimension of the exchange.
        dropout: on the concepts at the beginning, on what each round adds, and in the exchange.

    Raises:
        ValueError: a number of heads does not divide ``node_dim``.

    Shapes:
        statement: ``[G, statement_dim]``; graph_vector: ``[G, 2 * node_dim]``
    """

    def __init__(
        self,
        *,
        entity_dim: int,
        statement_dim: int,
        num_relations: int,
        node_dim: int = 100,
        num_layers: int = 3,
        num_heads: int = 2,
        num_pooling_heads: int = 2,
        interaction_dim: int = 200,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_relations = num_relations
        self.num_layers = num_layers
        self.concept_projection = nn.Linear(entity_dim, node_dim)
        self.node_type = nn.Embedding(NUM_TYPES, node_dim)
        self.kinds = TripleKinds(num_relations, node_dim)
        self.layers = nn.ModuleList(
            GraphAttention(dim=node_dim, feature_dim=node_dim, num_heads=num_heads, dropout=dropout)
            for _ in range(num_layers)
        )
        joint_dim = statement_dim + node_dim
        self.exchange_in = nn.Linear(joint_dim, interaction_dim)  # W_1, b_1
        self.exchange_out = ZeroLinear(interaction_dim, joint_dim)  # W_2, b_2
        self.pooling = AttentivePooling(
            in_dim=node_dim, statement_dim=statement_dim, out_dim=node_dim, num_heads=num_pooling_heads
        )
        self.dropout = nn.Dropout(dropout)
        self.output_dim = 2 * node_dim

    def begin(self, graph: GraphBatch) -> _State:
        """Return the projected concepts, and interaction nodes of zeros."""
        context = ContextGraph.of(graph, self.num_relations)
        concepts = self.concept_projection(graph.entity_embeds.to(self.concept_projection.weight.dtype))
        nodes = torch.cat((self.dropout(concepts), concepts.new_zeros(graph.num_graphs, concepts.shape[1])))
        features = functional.gelu(self.node_type(context.node_types))
        return _State(graph, context, features, self.kinds(), nodes)

    def exchange(self, layer: int, token: Tensor, state: _State) -> tuple[Tensor, _State]:
        """Let the graph do a round of attention, then token and interaction node exchange what they know."""
        nodes = self.layers[layer](state.nodes, state.features, state.kinds, state.context)
        concepts, interaction = nodes.split((state.graph.num_nodes, state.graph.num_graphs))
        joint = torch.cat((token, interaction), dim=-1)
        joint = joint + self.exchange_out(self.dropout(functional.gelu(self.exchange_in(joint))))
        token, interaction = joint.split((token.shape[-1], interaction.shape[-1]), dim=-1)
        return token, replace(state, nodes=torch.cat((concepts, interaction)))

    def finish(self, state: _State, statement: Tensor) -> ReasonerOutput:
        """Return the graph vectors and the attention over nodes."""
        graph = state.graph
        concepts, interaction = state.nodes.split((graph.num_nodes, graph.num_graphs))
        pooled, weights = self.pooling(concepts, graph.node_graph, statement)
        vector = torch.cat((pooled, interaction.to(pooled.dtype)), dim=-1)
        return ReasonerOutput(vector, node_attention=weights.mean(-1))
