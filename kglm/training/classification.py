"""Classification: score every example of a loader, and keep scores and labels together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from kglm.errors import DataError
from kglm.training.batches import Batch, model_inputs
from kglm.training.step import DivergedError


@dataclass(frozen=True)
class Classified:
    """Scores of N examples over L labels, in the loader's order.

    Attributes:
        ids: of the examples.
        logits: ``float32 [N, L]``.
        labels: ``int64 [N]``, or ``[N, L]`` of 0 and 1 where an example may have several.
        loss: mean over the examples.
    """

    ids: tuple[str, ...]
    logits: np.ndarray
    labels: np.ndarray
    loss: float

    @property
    def predicted(self) -> np.ndarray:
        """The likeliest label of each example, ``int64 [N]``."""
        return self.logits.argmax(-1)

    def label_sets(self) -> list[list[int]]:
        """Return the right labels of each example, where it may have several."""
        return [np.flatnonzero(row).tolist() for row in self.labels]

    def predicted_sets(self) -> list[list[int]]:
        """Return of each example the labels likelier than not, and the likeliest in any case."""
        chosen = (self.logits > 0) | (self.logits == self.logits.max(-1, keepdims=True))
        return [np.flatnonzero(row).tolist() for row in chosen]


def classify(model: nn.Module, loader: Iterable[Batch], accelerator: Accelerator) -> Classified:
    """Score all examples of ``loader`` without gradients and without dropout.

    Args:
        model: ``model(**inputs)`` has ``logits [B, L]`` and ``loss``, the mean over the batch.
        loader: batches with ``ids`` (B of them) and ``labels``.
        accelerator: gives the device.

    Raises:
        DataError: there is no example.
        DivergedError: a score is not finite.
    """
    was_training = model.training
    model.eval()
    ids: list[str] = []
    logits, labels, losses = [], [], []
    try:
        with torch.inference_mode():
            for batch in loader:
                output = model(**model_inputs(batch, accelerator.device))
                ids += [str(name) for name in batch["ids"]]
                logits.append(output.logits.float().cpu().numpy())
                labels.append(batch["labels"].numpy())
                losses.append(output.loss.item() * len(batch["ids"]))
    finally:
        model.train(was_training)
    if not ids:
        raise DataError("there is no example to evaluate on")
    scores = np.concatenate(logits)
    if not np.isfinite(scores).all():
        worst = ids[int(np.flatnonzero(~np.isfinite(scores).all(-1))[0])]
        raise DivergedError(f"the scores of example '{worst}' are not finite; lower the learning rate")
    return Classified(tuple(ids), scores, np.concatenate(labels), sum(losses) / len(ids))
