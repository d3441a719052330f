"""Entity vectors from text: an encoder reads every entity's label, description or neighbourhood."""

from __future__ import annotations

import hashlib
import logging
from itertools import islice
from pathlib import Path

import numpy as np

from kglm.embeddings.entity_table import MANIFEST, EntityTable
from kglm.embeddings.entity_texts import MAX_FACTS, entity_texts
from kglm.encoders import TextEncoder
from kglm.kg.graph import KnowledgeGraph

logger = logging.getLogger(__name__)

VERSIONS = {"label": 3, "description": 3, "neighborhood": 4}  # to be raised with any change of the texts
TEXTS_AT_ONCE = 200_000


def text_table(
    graph: KnowledgeGraph, encoder: TextEncoder, cache_dir: Path | str, *, content: str = "label"
) -> EntityTable:
    """Return the table of the encoder's vectors of all entities' texts, made once for a graph and an encoder.

    Args:
        graph: gives the texts.
        encoder: its vectors of the texts are the entities'.
        cache_dir: where the table is kept and found again.
        content: ``label``, ``description`` or ``neighborhood``; see :mod:`kglm.embeddings.entity_texts`.

    Returns:
        A table with a textual block, ``float16 [N, D]``, each row of length 1.

    Raises:
        UnknownNameError: there is no such content.
    """
    texts = entity_texts(graph, content)
    recipe = f"{VERSIONS[content]} {content} {MAX_FACTS} {graph.fingerprint} {encoder.digest}"
    folder = Path(cache_dir) / "entity_tables" / hashlib.sha256(recipe.encode()).hexdigest()[:16]
    if not (folder / MANIFEST).is_file():
        logger.info("embedding the %ss of %d entities with %s", content, graph.num_entities, encoder.name)
        vectors = np.empty((graph.num_entities, encoder.dim), dtype=np.float16)
        done = 0
        while part := list(islice(texts, TEXTS_AT_ONCE)):
            places = {text: place for place, text in enumerate(dict.fromkeys(part))}  # many entities share a text
            vectors[done : done + len(part)] = encoder.encode(list(places))[[places[text] for text in part]]
            done += len(part)
        source = {"kind": content, "encoder": encoder.name, "pooling": "mean", "normalized": True}
        EntityTable({"textual": vectors}, graph.fingerprint, source).save(folder)
    return EntityTable.open(folder, graph)


def label_table(graph: KnowledgeGraph, encoder: TextEncoder, cache_dir: Path | str) -> EntityTable:
    """Return :func:`text_table` of the labels."""
    return text_table(graph, encoder, cache_dir, content="label")
