"""Entity vectors from text: an encoder reads every entity's label."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from kglm.embeddings.entity_table import MANIFEST, EntityTable
from kglm.kg.graph import KnowledgeGraph
from kglm.nn.pooling import masked_mean

logger = logging.getLogger(__name__)

VERSION = 1
BATCH_TOKENS = 4096
MAX_LABEL_TOKENS = 32


def label_table(
    graph: KnowledgeGraph,
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    encoder_name: str,
    cache_dir: Path | str,
    device: torch.device | str = "cpu",
) -> EntityTable:
    """Return the table of the encoder's vectors of all labels, made once for a graph and an encoder.

    Args:
        graph: gives the labels.
        encoder: its mean-pooled last hidden states, scaled to length 1, are the vectors.
        tokenizer: the encoder's.
        encoder_name: what the encoder is called, for the manifest.
        cache_dir: where the table is kept and found again.
        device: where the encoder runs.
    """
    key = _table_key(graph, encoder, tokenizer)
    folder = Path(cache_dir) / "entity_tables" / key
    if not (folder / MANIFEST).is_file():
        logger.info("embedding the labels of %d entities with %s", graph.num_entities, encoder_name)
        vectors = embed_texts(list(graph.labels), encoder, tokenizer, device=device)
        source = {"kind": "label", "encoder": encoder_name, "pooling": "mean", "normalized": True}
        EntityTable(vectors.astype(np.float16), graph.fingerprint, source).save(folder)
    return EntityTable.open(folder, graph)


def _table_key(graph: KnowledgeGraph, encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a digest of all that the table depends on."""
    digest = hashlib.sha256(f"{VERSION} {MAX_LABEL_TOKENS} {graph.fingerprint} {weights_digest(encoder)}".encode())
    tokens = json.loads(tokenizer.backend_tokenizer.to_str())
    # What the last call set, not what the tokenizer is.
    fixed = {key: value for key, value in tokens.items() if key not in ("truncation", "padding")}
    digest.update(json.dumps(fixed, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def weights_digest(model: PreTrainedModel) -> str:
    """Return a SHA-256 over a model's weights: names, types, shapes and content."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


@torch.inference_mode()
def embed_texts(
    texts: Sequence[str],
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Return ``float32 [len(texts), D]`` mean-pooled vectors of length 1; texts of equal length share a batch."""
    encoder = encoder.to(device).eval()  # type: ignore[arg-type]
    ids = tokenizer(list(texts), truncation=True, max_length=MAX_LABEL_TOKENS, return_attention_mask=False)[
        "input_ids"
    ]
    order = sorted(range(len(ids)), key=lambda index: len(ids[index]), reverse=True)
    vectors = np.empty((len(ids), encoder.config.hidden_size), dtype=np.float32)
    progress = tqdm(total=len(ids), desc="entity vectors", unit="entity", disable=None)
    start = 0
    while start < len(order):
        chunk = order[start : start + max(1, BATCH_TOKENS // len(ids[order[start]]))]
        batch = tokenizer.pad({"input_ids": [ids[i] for i in chunk]}, return_tensors="pt").to(device)
        hidden = encoder(**batch).last_hidden_state
        pooled = masked_mean(hidden.float(), batch["attention_mask"])
        vectors[chunk] = torch.nn.functional.normalize(pooled, dim=-1).cpu().numpy()
        progress.update(len(chunk))
        start += len(chunk)
    progress.close()
    return vectors
