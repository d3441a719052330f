"""Triples and paths as text that a person, or an encoder, can read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kglm.kg.graph import KnowledgeGraph

# Relations are matched by name without regard to case, so that merged maps may rename them in lower case.
TEMPLATES = {
    "antonym": "{head} is the opposite of {tail}",
    "atlocation": "{head} is found at {tail}",
    "capableof": "{head} can {tail}",
    "causes": "{head} causes {tail}",
    "causesdesire": "{head} makes one want {tail}",
    "createdby": "{head} is created by {tail}",
    "definedas": "{head} is defined as {tail}",
    "derivedfrom": "{head} is derived from {tail}",
    "desires": "{head} wants {tail}",
    "distinctfrom": "{head} is not the same as {tail}",
    "hasa": "{head} has {tail}",
    "hascontext": "{head} is used in the context of {tail}",
    "hasfirstsubevent": "{head} begins with {tail}",
    "haslastsubevent": "{head} ends with {tail}",
    "hasprerequisite": "{head} requires {tail}",
    "hasproperty": "{head} is {tail}",
    "hassubevent": "{head} involves {tail}",
    "isa": "{head} is a kind of {tail}",
    "locatednear": "{head} is near {tail}",
    "madeof": "{head} is made of {tail}",
    "mannerof": "{head} is a way of {tail}",
    "motivatedbygoal": "{head} is done for {tail}",
    "notcapableof": "{head} cannot {tail}",
    "notdesires": "{head} does not want {tail}",
    "nothasproperty": "{head} is not {tail}",
    "obstructedby": "{head} is hindered by {tail}",
    "partof": "{head} is part of {tail}",
    "receivesaction": "{head} can be {tail}",
    "relatedto": "{head} is related to {tail}",
    "similarto": "{head} is similar to {tail}",
    "symbolof": "{head} is a symbol of {tail}",
    "synonym": "{head} means {tail}",
    "usedfor": "{head} is used for {tail}",
}


def verbalize_triple(head: str, relation: str, tail: str) -> str:
    """Return a triple as a clause; an unknown relation is spelled out (``bornIn`` gives "head born in tail")."""
    template = TEMPLATES.get(relation.lower())
    if template is None:
        template = "{head} " + spell_out(relation).replace("{", "{{").replace("}", "}}") + " {tail}"
    return template.format(head=head, tail=tail)


def spell_out(relation: str) -> str:
    """Return a relation's name as words: ``ns:placeOfBirth`` gives ``place of birth``."""
    local = re.split(r"[:/#]", relation.rstrip(":/#"))[-1]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\-]+", " ", local).lower().strip()


def draw_path(graph: KnowledgeGraph, entities: Sequence[int], hop_relations: Sequence[Sequence[int]]) -> str:
    """Return a path as a line: ``trowel —UsedFor→ gardening ←IsA— plant flowers``.

    Args:
        graph: the graph.
        entities: entity ids along the path, ``L + 1``.
        hop_relations: for each of the L hops its relation ids, inverses as ``r + R``.
    """
    line = graph.labels[entities[0]]
    for entity, relations in zip(entities[1:], hop_relations, strict=True):
        line += f" {_arrow(graph, relations)} {graph.labels[entity]}"
    return line


def _arrow(graph: KnowledgeGraph, relations: Sequence[int]) -> str:
    forward = "/".join(graph.relations[r] for r in relations if r < graph.num_relations)
    if forward:
        return f"—{forward}→"
    return f"←{'/'.join(graph.relations[r - graph.num_relations] for r in relations)}—"


def verbalize_path(graph: KnowledgeGraph, entities: Sequence[int], hop_relations: Sequence[Sequence[int]]) -> str:
    """Return a path as clauses, one a hop: ``trowel is used for gardening; plant flowers is a kind of …``.

    A hop with several relations is told by its first; see :func:`draw_path` for the arguments.
    """
    clauses = []
    for source, target, relations in zip(entities, entities[1:], hop_relations, strict=False):
        relation = relations[0]
        if relation >= graph.num_relations:
            source, target, relation = target, source, relation - graph.num_relations
        clauses.append(verbalize_triple(graph.labels[source], graph.relations[relation], graph.labels[target]))
    return "; ".join(clauses)
