"""A graph as text to pretrain on: random walks and single triples in words, with their entities as mentions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from kglm.data.linked_text import LinkedText, certain_mention
from kglm.data.pretraining.document import Document
from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.search import random_walks
from kglm.kg.verbalization import verbalize_triple

# Signs of the private use area stand for head and tail while a template is cut into its parts.
_HEAD, _TAIL = "\ue000", "\ue001"


def walk_documents(
    graph: KnowledgeGraph, *, length: int, walks_per_start: int, seed: int, batch_size: int = 4096
) -> Iterator[Document]:
    """Yield a document for each random walk, a sentence for each of its hops.

    Args:
        graph: the graph.
        length: hops of a walk.
        walks_per_start: walks from each entity.
        seed: of the walks.
        batch_size: entities walked from at once; the documents are the same for any.

    Raises:
        ConfigError: an option is not allowed.
    """
    for name, value in (("length", length), ("walks_per_start", walks_per_start)):
        if value < 1:
            raise ConfigError(f"{name} of walks is {value}; allowed: a whole number of at least 1")
    for first in range(0, graph.num_entities, batch_size):
        starts = np.arange(first, min(first + batch_size, graph.num_entities), dtype=np.int32)
        walks = random_walks(graph, starts, length=length, walks_per_start=walks_per_start, seed=seed)
        for number, (entities, relations) in enumerate(walks):
            hops = zip(entities.tolist(), relations.tolist(), entities.tolist()[1:], strict=False)
            sentences = tuple(_sentence(graph, *hop) for hop in hops if hop[1] >= 0)
            if sentences:
                yield Document(f"walk:{first * walks_per_start + number}", sentences)


def triple_documents(graph: KnowledgeGraph) -> Iterator[Document]:
    """Yield a document for each entity: a sentence for each triple that it is the head of."""
    for entity in range(graph.num_entities):
        edges = graph.out_edges(entity)
        pairs = zip(edges.relations.tolist(), edges.neighbors.tolist(), strict=True)
        sentences = tuple(_sentence(graph, entity, relation, tail) for relation, tail in pairs)
        if sentences:
            yield Document(f"entity:{entity}", sentences)


def _sentence(graph: KnowledgeGraph, here: int, relation: int, there: int) -> LinkedText:
    """Return a triple as a sentence; a relation of R and above is walked from its tail to its head."""
    if relation >= graph.num_relations:
        here, there, relation = there, here, relation - graph.num_relations
    text, mentions = "", []
    for part in _template(graph.relations[relation]):
        if part not in (_HEAD, _TAIL):
            text += part
            continue
        entity = here if part == _HEAD else there
        start = len(text)
        text += graph.labels[entity]
        if len(text) > start:
            mentions.append((start, len(text), entity))
    text += "."
    return LinkedText(text, tuple(certain_mention(text, *mention) for mention in mentions))


@lru_cache(maxsize=4096)
def _template(relation: str) -> tuple[str, ...]:
    """Return the parts of a relation's clause: texts, and the signs of head and tail."""
    clause = verbalize_triple(_HEAD, relation, _TAIL)
    parts = clause.replace(_HEAD, f"\0{_HEAD}\0").replace(_TAIL, f"\0{_TAIL}\0").split("\0")
    return tuple(part for part in parts if part)
