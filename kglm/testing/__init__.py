"""Tiny graphs, models and a tokenizer for tests; nothing is downloaded."""

from kglm.testing.fusion import random_entity_batch, tiny_fusion_encoder
from kglm.testing.graphs import concatenate_graphs, random_graph, random_graph_batch
from kglm.testing.models import tiny_bert_config, tiny_kagnet, tiny_knowledge_qa, tiny_reasoner, tiny_tokenizer

__all__ = [
    "concatenate_graphs",
    "random_entity_batch",
    "random_graph",
    "random_graph_batch",
    "tiny_bert_config",
    "tiny_fusion_encoder",
    "tiny_kagnet",
    "tiny_knowledge_qa",
    "tiny_reasoner",
    "tiny_tokenizer",
]
