"""Tensors only: batches of schema graphs, graph convolution, path encoder, attention, KagNet."""

from kglm.nn.graph_batch import GraphBatch
from kglm.nn.kagnet import KagNet
from kglm.nn.reasoner import Reasoner, ReasonerOutput

__all__ = ["GraphBatch", "KagNet", "Reasoner", "ReasonerOutput"]
