"""Digests that tell one encoder from another, for caches and for artefacts that depend on one."""

from __future__ import annotations

import hashlib
import json

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase


def weights_digest(model: PreTrainedModel) -> str:
    """Return a SHA-256 over a model's weights: names, types, shapes and content."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def tokenizer_digest(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a SHA-256 over what a tokenizer is; what the last call set (truncation, padding) does not count."""
    parts = json.loads(tokenizer.backend_tokenizer.to_str())
    lasting = {key: value for key, value in parts.items() if key not in ("truncation", "padding")}
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()
