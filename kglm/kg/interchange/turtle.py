"""Turtle for people to read: an entity's labels and triples together, prefixes where they are in force."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import attrgetter

from kglm.kg.interchange.ntriples import (
    ALIAS,
    DEFINITION,
    LABEL,
    MAX_CACHED_NAMES,
    SOURCE,
    quoted,
    weight_text,
)
from kglm.kg.interchange.selection import Edge, EdgeBlock, EntityBlock
from kglm.kg.iris import BASE, RDF, STATEMENT, WEIGHT, XSD, Namespaces

# A part of what Turtle allows after a prefix, free of everything that would need a backslash.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
# Of a minted name Turtle refuses only these.
_NOT_LOCAL = re.compile(r"[-.]|.*\.$", re.DOTALL)


class TurtleWriter:
    """The text of Turtle that a graph's blocks become; says the same as :class:`.ntriples.NTriplesWriter`.

    Args:
        namespaces: of the graph.
        relations: names by relation id.
        statements: whether to write the reified statements; without them weights and sources are left out.
    """

    def __init__(self, namespaces: Namespaces, relations: tuple[str, ...], *, statements: bool = True) -> None:
        self._statements = statements
        self._namespaces = namespaces
        self._name = lru_cache(maxsize=MAX_CACHED_NAMES)(lambda name: self._term(namespaces.iri(name)))
        self._relations = [self._name(relation) for relation in relations]
        self._label, self._alias, self._definition = map(self._term, (LABEL, ALIAS, DEFINITION))
        self._weight, self._source, self._float = map(self._term, (WEIGHT, SOURCE, f"{XSD}float"))
        self._parts = tuple(self._term(f"{RDF}{part}") for part in ("subject", "predicate", "object"))
        self._statement = self._term(STATEMENT)

    def header(self) -> str:
        """Return the declarations of prefixes, and an empty line."""
        declared = sorted(self._namespaces.prefixes.items())
        return "".join(f"@prefix {prefix}: <{namespace}> .\n" for prefix, namespace in declared) + "\n"

    def text(self, entities: EntityBlock, edges: EdgeBlock) -> Iterator[str]:
        """Yield what is said about some entities, one after the other."""
        by_row = groupby(edges, key=attrgetter("row"))
        row, own = next(by_row, (-1, iter(())))
        for index in range(len(entities.ids)):
            mine: list[Edge] = []
            if index == row:
                mine = list(own)
                row, own = next(by_row, (-1, iter(())))
            yield self._entity(entities, index, mine)

    def _entity(self, block: EntityBlock, index: int, edges: list[Edge]) -> str:
        subject = self._name(block.names[index])
        lines = [f"{subject} {self._label} {quoted(block.labels[index])}"]
        if block.aliases[index]:
            lines.append(f"{self._alias} {', '.join(map(quoted, block.aliases[index]))}")
        if block.descriptions[index]:
            lines.append(f"{self._definition} {quoted(block.descriptions[index])}")
        by_relation = attrgetter("relation")
        for relation, group in groupby(sorted(edges, key=by_relation), key=by_relation):
            lines.append(f"{self._relations[relation]} {', '.join(self._name(edge.tail) for edge in group)}")
        statements = (self._reified(subject, edge) for edge in edges if self._statements and _has_more(edge))
        return " ;\n    ".join(lines) + " .\n" + "".join(statements)

    def _reified(self, subject: str, edge: Edge) -> str:
        _, relation, tail, weight, source = edge
        values = zip(self._parts, (subject, self._relations[relation], self._name(tail)), strict=True)
        said = [f"a {self._statement}", *(f"{part} {value}" for part, value in values)]
        if weight != 1.0:
            said.append(f'{self._weight} "{weight_text(weight)}"^^{self._float}')
        if source:
            said.append(f"{self._source} {quoted(source)}")
        return f"[] {' ; '.join(said)} .\n"

    def _term(self, iri: str) -> str:
        """Return an IRI shortened where Turtle's grammar lets it stand without escapes, in full elsewhere."""
        if iri.startswith(BASE):
            local = iri[len(BASE) :]
            return f"<{iri}>" if _NOT_LOCAL.match(local) else f":{local}"
        prefix, _, local = self._namespaces.name(iri).partition(":")
        if prefix in self._namespaces.prefixes and iri.startswith(self._namespaces.prefixes[prefix]):
            return f"{prefix}:{local}" if _PLAIN.fullmatch(local) else f"<{iri}>"
        return f"<{iri}>"


def _has_more(edge: Edge) -> bool:
    """Say whether an edge has something that a plain triple cannot tell."""
    return edge.weight != 1.0 or edge.source != ""
