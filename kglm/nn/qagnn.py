"""QA-GNN: the text as a node of the graph, and nodes told how relevant they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from kglm.nn.attentive_pooling import AttentivePooling
from kglm.nn.context_graph import NUM_TYPES, ContextGraph
from kglm.nn.graph_attention import GraphAttention, TripleKinds
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.reasoner import Reasoner, ReasonerOutput
from kglm.nn.relevance import RelevanceEmbedding, concept_relevance, statement_relevance

RELEVANCES = ("statement", "concepts")


class QAGNN(Reasoner):
    r"""QA-GNN (Yasunaga et al., NAACL 2021, arXiv:2104.06378, section 3), for ragged batches.

    A context node z, whose vector comes from the statement, joins the concepts of question and choice; all nodes know
    their type and their relevance; after rounds of attention (:class:`GraphAttention`) the graph vector is
    ``[pooled; z]``, pooled over the concepts by the statement's attention (eq. 9; the head adds the statement).

    **Relevance** (eq. 1) is in the paper the score that the frozen language model gives to the statement with the
    node's name behind it, one pass of the model per node. Here it is a cosine of vectors that are there: with
    "statement" of the statement's vector and the entity's, which needs entity vectors of the same encoder; with
    "concepts" of the mean of the graph's concepts and the entity's, for any vectors. The context node's is 1.

    Evidence: the attention over nodes, and their relevance.

    Args:
        entity_dim: dimension of the entity vectors in the batch.
        statement_dim: dimension of the statement vector.
        num_relations: R, without the inverses.
        node_dim: D, of all node vectors; must be even.
        num_layers: rounds of attention, 5 in the paper.
        num_heads: heads of the attention along triples; must divide ``node_dim``.
        num_pooling_heads: heads of the attention over nodes; must divide ``node_dim``.
        relevance: "statement" or "concepts", see above.
        dropout: on the node vectors at the beginning and on what each round adds.
        normalize: see :class:`GraphAttention`.

    Raises:
        ValueError: ``relevance`` is unknown or does not fit the dimensions, or a number of heads does not divide.

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
        num_layers: int = 5,
        num_heads: int = 2,
        num_pooling_heads: int = 2,
        relevance: str = "statement",
        dropout: float = 0.0,
        normalize: bool = True,
    ) -> None:
        super().__init__()
        if relevance not in RELEVANCES:
            raise ValueError(f"relevance is {relevance!r}; allowed: {', '.join(RELEVANCES)}")
        if relevance == "statement" and entity_dim != statement_dim:
            raise ValueError(
                f"relevance 'statement' compares entity vectors with the statement, but they have {entity_dim} and "
                f"{statement_dim} dimensions; use 'concepts', or vectors of the same encoder"
            )
        if node_dim % 2:
            raise ValueError(f"node_dim is {node_dim}; allowed: an even number")
        self.num_relations = num_relations
        self.relevance = relevance
        self.concept_projection = nn.Linear(entity_dim, node_dim)
        self.context_projection = nn.Linear(statement_dim, node_dim)
        self.node_type = nn.Embedding(NUM_TYPES, node_dim // 2)
        self.relevance_embedding = RelevanceEmbedding(node_dim // 2)
        self.kinds = TripleKinds(num_relations, node_dim)
        self.layers = nn.ModuleList(
            GraphAttention(
                dim=node_dim, feature_dim=node_dim, num_heads=num_heads, dropout=dropout, normalize=normalize
            )
            for _ in range(num_layers)
        )
        self.pooling = AttentivePooling(
            in_dim=node_dim, statement_dim=statement_dim, out_dim=node_dim, num_heads=num_pooling_heads
        )
        self.dropout = nn.Dropout(dropout)
        self.output_dim = 2 * node_dim

    def forward(self, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
        """Return the graph vectors, the attention over nodes and their relevance."""
        dtype = self.concept_projection.weight.dtype
        statement = statement.to(dtype)
        context = ContextGraph.of(graph, self.num_relations)
        concepts = self.concept_projection(graph.entity_embeds.to(dtype))
        contexts = functional.gelu(self.context_projection(statement))
        nodes = self.dropout(torch.cat((concepts, contexts)))  # [N + G, D]
        relevance = self._relevance(graph, statement)  # [N]
        features = torch.cat(
            (
                functional.gelu(self.node_type(context.node_types)),
                self.relevance_embedding(torch.cat((relevance, relevance.new_ones(graph.num_graphs)))),
            ),
            dim=-1,
        )
        kinds = self.kinds()
        for layer in self.layers:
            nodes = layer(nodes, features, kinds, context)
        concepts, contexts = nodes.split((graph.num_nodes, graph.num_graphs))
        pooled, weights = self.pooling(concepts, graph.node_graph, statement)
        return ReasonerOutput(
            torch.cat((pooled, contexts.to(pooled.dtype)), dim=-1),
            node_attention=weights.mean(-1),
            node_relevance=relevance,
        )

    def _relevance(self, graph: GraphBatch, statement: Tensor) -> Tensor:
        if self.relevance == "statement":
            return statement_relevance(graph, statement)
        return concept_relevance(graph, statement.dtype)
