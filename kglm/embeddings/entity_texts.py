"""What a graph says of its entities, as texts that an encoder can read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import numpy as np

from kglm.errors import UnknownNameError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.verbalization import verbalize_triple

CONTENTS = ("label", "description", "neighborhood")
MAX_FACTS = 8
# An identifier of Wikidata's kind stands for a label that nobody knows; to an encoder its digits are noise.
_IDENTIFIER = re.compile(r"[A-Z]\d+")


def entity_texts(graph: KnowledgeGraph, content: str, *, max_facts: int = MAX_FACTS) -> Iterator[str]:
    """Yield a text for every entity, in the order of the ids.

    Args:
        graph: gives labels, descriptions and triples.
        content: ``label``; ``description``: ``label: description``, or the label alone; ``neighborhood``: that, and
            behind it the entity's facts as clauses, told of "it" where the label is but an identifier (``Q42``).
        max_facts: of a neighbourhood, the heaviest; equals in the order of the triples, those that leave first.

    Raises:
        UnknownNameError: there is no such content.
    """
    if content not in CONTENTS:
        raise UnknownNameError("content", content, CONTENTS)
    if content == "label":
        return iter(graph.labels)
    texts = map(described, graph.labels, graph.descriptions)
    if content == "description":
        return texts
    labels = list(graph.labels)
    return (_with_facts(graph, labels, entity, text, max_facts) for entity, text in enumerate(texts))


def described(label: str, description: str) -> str:
    """Return the text that stands for an entity: ``label: description``, or the label alone."""
    return f"{label}: {description}" if description else label


def _with_facts(graph: KnowledgeGraph, labels: list[str], entity: int, text: str, max_facts: int) -> str:
    outgoing, incoming = graph.out_edges(entity), graph.in_edges(entity)
    weights = np.concatenate([outgoing.weights, incoming.weights])
    named = _IDENTIFIER.fullmatch(labels[entity]) is None
    subject = labels[entity] if named else "it"
    clauses = []
    for place in islice(np.argsort(-weights, kind="stable").tolist(), max_facts):
        leaves = place < len(outgoing.weights)
        edges, at = (outgoing, place) if leaves else (incoming, place - len(outgoing.weights))
        other = labels[int(edges.neighbors[at])]
        ends = (subject, other) if leaves else (other, subject)
        clauses.append(verbalize_triple(ends[0], graph.relations[int(edges.relations[at])], ends[1]))
    if not clauses:
        return text
    return f"{text}. {'; '.join(clauses)}" if named else "; ".join(clauses)
