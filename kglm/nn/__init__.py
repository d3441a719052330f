"""Tensors only: batches of schema graphs, graph convolution, path encoder, attention, KagNet, entity fusion."""

from kglm.nn.entity_alignment import EntityAlignment, align_entities, span_tokens
from kglm.nn.entity_fusion import EntityFusion
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.kagnet import KagNet
from kglm.nn.reasoner import Reasoner, ReasonerOutput

__all__ = [
    "EntityAlignment",
    "EntityFusion",
    "GraphBatch",
    "KagNet",
    "Reasoner",
    "ReasonerOutput",
    "align_entities",
    "span_tokens",
]
