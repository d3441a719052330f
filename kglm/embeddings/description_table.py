"""Entity vectors from what a graph says of its entities in words: label and description."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np

from kglm.embeddings.entity_table import MANIFEST, EntityTable
from kglm.encoders import TextEncoder
from kglm.kg.graph import KnowledgeGraph

logger = logging.getLogger(__name__)

VERSION = 1


def described(label: str, description: str) -> str:
    """Return the text that stands for an entity: ``label: description``, or the label alone."""
    return f"{label}: {description}" if description else label


def description_table(graph: KnowledgeGraph, encoder: TextEncoder, cache_dir: Path | str) -> EntityTable:
    """Return the table of the encoder's vectors of all labels with descriptions, made once for graph and encoder.

    Args:
        graph: gives labels and descriptions.
        encoder: its vectors are the entities'.
        cache_dir: where the table is kept and found again.
    """
    key = hashlib.sha256(f"description {VERSION} {graph.fingerprint} {encoder.digest}".encode()).hexdigest()[:16]
    folder = Path(cache_dir) / "entity_tables" / key
    if not (folder / MANIFEST).is_file():
        logger.info("embedding the descriptions of %d entities with %s", graph.num_entities, encoder.name)
        source = {"kind": "description", "encoder": encoder.name, "pooling": "mean", "normalized": True}
        texts = [described(*words) for words in zip(graph.labels, graph.descriptions, strict=True)]
        EntityTable(encoder.encode(texts).astype(np.float16), graph.fingerprint, source).save(folder)
    return EntityTable.open(folder, graph)
