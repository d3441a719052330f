"""Vectors of word senses from their words, definition, kind and examples, as WordNet has them."""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path

import numpy as np

from kglm.embeddings.entity_table import MANIFEST, EntityTable
from kglm.encoders import TextEncoder
from kglm.files import atomic_file
from kglm.kg.graph import KnowledgeGraph

logger = logging.getLogger(__name__)

VERSION = 1
"""Named in the cache key; raise it with any change of the texts."""

GLOSS_TOKENS = 64
"""Tokens that an encoder should read of a text."""
WORDS = 5
"""Words of a sense that are named."""
PARENTS = 2
"""Senses of which it is a kind that are named."""
PARENT_RELATIONS = ("hypernym", "instance_hypernym", "similar_to", "pertainym")

_SENSE_NAME = re.compile(r".+\.[nvar]\.\d{2,}")
_FIRST_EXAMPLE = re.compile(r';\s*(?=")')


def sense_vectors(
    graph: KnowledgeGraph, encoder: TextEncoder, cache_dir: Path | str, entities: np.ndarray
) -> np.ndarray:
    """Return the encoder's vectors of the :func:`sense_texts` of some entities, ``float32 [S, D]``.

    They are taken from :func:`sense_table` where that is there; else they are made, and kept.

    Args:
        graph: a compiled WordNet, or any graph with labels and descriptions.
        encoder: its vectors are the entities'.
        cache_dir: where they are kept and found again.
        entities: ids, ``int64 [S]``.
    """
    folder = table_folder(graph, encoder, cache_dir)
    if (folder / MANIFEST).is_file():
        return EntityTable.open(folder, graph).rows(entities)
    part = folder.with_name(f"{folder.name}-{hashlib.sha256(entities.tobytes()).hexdigest()[:16]}.npy")
    if not part.is_file():
        texts = sense_texts(graph)
        vectors = encoder.encode([texts[entity] for entity in entities])
        part.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(part, "wb") as new:
            np.save(new, vectors.astype(np.float16))
    vectors = np.load(part)
    return vectors.astype(np.float32)


def sense_table(graph: KnowledgeGraph, encoder: TextEncoder, cache_dir: Path | str) -> EntityTable:
    """Return the table of the encoder's vectors of :func:`sense_texts`, made once for a graph and an encoder.

    Args:
        graph: a compiled WordNet, or any graph with labels and descriptions.
        encoder: its vectors are the entities'.
        cache_dir: where the table is kept and found again.
    """
    folder = table_folder(graph, encoder, cache_dir)
    if not (folder / MANIFEST).is_file():
        logger.info("embedding %d senses with %s", graph.num_entities, encoder.name)
        save_table(graph, encoder, encoder.encode(sense_texts(graph)), folder)
    return EntityTable.open(folder, graph)


def table_folder(graph: KnowledgeGraph, encoder: TextEncoder, cache_dir: Path | str) -> Path:
    """Return where the table is kept."""
    key = hashlib.sha256(f"senses {VERSION} {graph.fingerprint} {encoder.digest}".encode()).hexdigest()[:16]
    return Path(cache_dir) / "entity_tables" / key


def save_table(graph: KnowledgeGraph, encoder: TextEncoder, vectors: np.ndarray, folder: Path) -> None:
    """Write the vectors of :func:`sense_texts`, ``[N, D]``, in the order of the entities."""
    source = {"kind": "sense", "encoder": encoder.name, "pooling": "mean", "normalized": True}
    EntityTable(vectors.astype(np.float16), graph.fingerprint, source).save(folder)


def sense_texts(graph: KnowledgeGraph) -> list[str]:
    """Return what an encoder reads of each entity: ``words: definition (kinds); examples``.

    Examples are what follows the first quotation mark behind a semicolon in the description. An entity without a
    description is its words alone.
    """
    labels = list(graph.labels)
    words = _words(graph, labels)
    parents = _parents(graph)
    texts = []
    for entity, description in enumerate(graph.descriptions):
        definition, *examples = _FIRST_EXAMPLE.split(description, maxsplit=1)
        text = ", ".join(words[entity][:WORDS])
        if definition:
            text += f": {definition.strip()}"
        kinds = [labels[parent] for parent in parents.get(entity, ())[:PARENTS]]
        if kinds:
            text += f" ({', '.join(kinds)})"
        texts.append("; ".join([text, *examples]))
    return texts


def _words(graph: KnowledgeGraph, labels: list[str]) -> list[list[str]]:
    """Return the words of each entity: its label, then its aliases, the most frequent first."""
    counted: list[list[tuple[int, str]]] = [[] for _ in labels]
    ends, entities = graph.surface_indptr.tolist(), graph.surface_entities.tolist()
    counts = graph.surface_counts.tolist()
    for surface, start, end in zip(graph.surfaces, ends, ends[1:], strict=False):
        if _SENSE_NAME.fullmatch(surface) is None:
            for place in range(start, end):
                counted[entities[place]].append((-counts[place], surface))
    words = []
    for label, aliases in zip(labels, counted, strict=True):
        distinct = {label.casefold(): label}
        for _, alias in sorted(aliases):
            distinct.setdefault(alias.casefold(), alias)
        words.append(list(distinct.values()))
    return words


def _parents(graph: KnowledgeGraph) -> dict[int, list[int]]:
    """Return what each entity is a kind of, in the order of :data:`PARENT_RELATIONS`."""
    heads, relations, tails, _ = graph.triple_arrays()
    parents: dict[int, list[int]] = {}
    for name in PARENT_RELATIONS:
        if name in graph.relations:
            chosen = relations == graph.relation_id(name)
            for head, tail in zip(heads[chosen].tolist(), tails[chosen].tolist(), strict=True):
                parents.setdefault(head, []).append(tail)
    return parents
