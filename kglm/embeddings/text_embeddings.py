"""Entity vectors from text: an encoder reads every entity's label."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np

from kglm.embeddings.entity_table import MANIFEST, EntityTable
from kglm.encoders import TextEncoder
from kglm.kg.graph import KnowledgeGraph

logger = logging.getLogger(__name__)

VERSION = 2


def label_table(graph: KnowledgeGraph, encoder: TextEncoder, cache_dir: Path | str) -> EntityTable:
    """Return the table of the encoder's vectors of all labels, made once for a graph and an encoder.

    Args:
        graph: gives the labels.
        encoder: its vectors of the labels are the entities'.
        cache_dir: where the table is kept and found again.
    """
    key = hashlib.sha256(f"{VERSION} {graph.fingerprint} {encoder.digest}".encode()).hexdigest()[:16]
    folder = Path(cache_dir) / "entity_tables" / key
    if not (folder / MANIFEST).is_file():
        logger.info("embedding the labels of %d entities with %s", graph.num_entities, encoder.name)
        source = {"kind": "label", "encoder": encoder.name, "pooling": "mean", "normalized": True}
        vectors = encoder.encode(list(graph.labels))
        EntityTable(vectors.astype(np.float16), graph.fingerprint, source).save(folder)
    return EntityTable.open(folder, graph)
