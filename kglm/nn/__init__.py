"""Tensors only: batches of schema graphs, reasoners over them, attention, entity fusion."""

from kglm.nn.entity_alignment import EntityAlignment, align_entities, span_tokens
from kglm.nn.entity_fusion import EntityFusion
from kglm.nn.gcn import GCN
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.greaselm import GreaseLM
from kglm.nn.interaction import InteractiveReasoner
from kglm.nn.kagnet import KagNet
from kglm.nn.mhgrn import MHGRN
from kglm.nn.qagnn import QAGNN
from kglm.nn.reasoner import Reasoner, ReasonerOutput, path_shares
from kglm.nn.relation_network import RelationNetwork
from kglm.nn.rgcn import RGCN

__all__ = [
    "GCN",
    "MHGRN",
    "QAGNN",
    "RGCN",
    "EntityAlignment",
    "EntityFusion",
    "GraphBatch",
    "GreaseLM",
    "InteractiveReasoner",
    "KagNet",
    "Reasoner",
    "ReasonerOutput",
    "RelationNetwork",
    "align_entities",
    "path_shares",
    "span_tokens",
]
