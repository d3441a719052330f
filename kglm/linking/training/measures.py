"""How a matcher does on examples, by its own scores: what chooses the best model of a training."""

from __future__ import annotations

import torch
from torch import nn

from kglm.linking.training.collator import SenseCollator, SenseDataset
from kglm.nn.ragged import segment_sum

METRICS = ("accuracy", "likelihood")


@torch.no_grad()
def measure(
    model: nn.Module, dataset: SenseDataset, collate: SenseCollator, batch_size: int, device: torch.device
) -> dict[str, float]:
    """Return the accuracy, and the mean log-likelihood of the right sense, over all mentions.

    Args:
        model: a :class:`~kglm.linking.training.modeling.SenseMatcher`.
        dataset: mentions with a right candidate.
        collate: makes the batches.
        batch_size: sentences of a batch.
        device: where the model is.
    """
    order = sorted(range(len(dataset)), key=lambda index: dataset.lengths[index], reverse=True)
    right = total = 0
    likelihood = 0.0
    for start in range(0, len(order), batch_size):
        batch = collate([dataset[index] for index in order[start : start + batch_size]])
        inputs = {name: value.to(device) for name, value in batch.items() if name != "ids"}
        logits = model(**inputs).logits
        count = len(batch["texts"])
        chosen = segment_sum(logits.exp() * inputs["right"], inputs["owners"], count)
        best = torch.full((count,), -torch.inf, device=device).scatter_reduce(0, inputs["owners"], logits, "amax")
        hits = (logits == best[inputs["owners"]]) & inputs["right"]
        right += int((segment_sum(hits.long(), inputs["owners"], count) > 0).sum())
        likelihood += float(chosen.clamp(min=1e-12).log().sum())
        total += count
    return {"accuracy": right / max(1, total), "likelihood": likelihood / max(1, total)}
