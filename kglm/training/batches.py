"""A batch is a dict of tensors, of things that hold tensors, and of words about its examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Batch = Mapping[str, Any]

METADATA_KEYS = frozenset({"ids", "metadata"})
"""Keys that describe the examples and are no input of a model."""


def model_inputs(batch: Batch, device: torch.device) -> dict[str, Any]:
    """Return what goes into ``model.forward``, on ``device``: all but :data:`METADATA_KEYS`."""
    return {key: move(value, device) for key, value in batch.items() if key not in METADATA_KEYS}


def move(value: Any, device: torch.device) -> Any:
    """Return ``value`` with every tensor on ``device``.

    Tensors, dicts, lists and tuples are followed, and whatever has ``.to(device, non_blocking=...)``, such as a
    GraphBatch; anything else is returned as it is.
    """
    if isinstance(value, Tensor) or callable(getattr(value, "to", None)):
        return value.to(device, non_blocking=True)
    if isinstance(value, dict):
        return {key: move(item, device) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(move(item, device) for item in value))
    if isinstance(value, list | tuple):
        return type(value)(move(item, device) for item in value)
    return value


def number_of_questions(batch: Batch) -> int:
    """Return B, over which a model's loss is the mean: the length of ``num_choices [B]``, else ``labels [B]``."""
    return len(batch["num_choices"] if "num_choices" in batch else batch["labels"])
