"""What a model says of questions: scores per choice, and weights per path and node of their schema graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from kglm.data.pipeline import PreparedQuestions
from kglm.models import KnowledgeQAForMultipleChoice
from kglm.nn.graph_batch import GraphBatch
from kglm.nn.reasoner import path_shares
from kglm.training import model_inputs


@dataclass(frozen=True)
class EvidenceScores:
    """What the model says of one question: per choice, and per path and node of its schema graphs.

    Paths and nodes stand choice after choice, as in the schema graphs.

    Attributes:
        logits: of the choices.
        path_shares: share of each path in what its choice takes from the graph; None where paths are not weighed.
        node_shares: weight of each node in its graph; None where nodes are not weighed.
        node_relevance: what the reasoner was told of each node; None where nothing.
    """

    logits: np.ndarray
    path_shares: np.ndarray | None = None
    node_shares: np.ndarray | None = None
    node_relevance: np.ndarray | None = None


@torch.inference_mode()
def score_evidence(
    model: KnowledgeQAForMultipleChoice,
    prepared: PreparedQuestions,
    indices: Sequence[int],
    device: torch.device,
) -> list[EvidenceScores]:
    """Return what a model, in evaluation mode, says of some of the questions, read as one batch."""
    batch = prepared.collator([prepared.dataset[index] for index in indices])
    output = model(**model_inputs(batch, device))
    counts = batch["num_choices"].tolist()
    logits = output.logits.float().cpu().numpy()
    ends = np.cumsum([0, *counts])
    if prepared.graphs is None:
        return [EvidenceScores(logits[a:b]) for a, b in pairwise(ends)]
    graph: GraphBatch = batch["graph"]
    paths = output.path_attention
    if paths is not None:
        paths = path_shares(paths, output.pair_attention, graph.path_pair.to(paths.device))
    path_cuts = np.searchsorted(graph.pair_graph[graph.path_pair].numpy(), ends)
    node_cuts = graph.node_offsets.numpy()[ends]
    columns = zip(
        np.split(logits, ends[1:-1]),
        _split(paths, path_cuts),
        _split(output.node_attention, node_cuts),
        _split(output.node_relevance, node_cuts),
        strict=True,
    )
    return [EvidenceScores(*parts) for parts in columns]


def _split(values: Tensor | None, cuts: np.ndarray) -> list[np.ndarray] | list[None]:
    """Return a column's part of each question, or None for each where there is no column."""
    if values is None:
        return [None] * (len(cuts) - 1)
    return np.split(values.float().cpu().numpy(), cuts[1:-1])
