"""N-Triples: one triple a line, sorted, so that two exports can be compared line by line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from kglm.kg.interchange.selection import EdgeBlock, EntityBlock
from kglm.kg.iris import DCTERMS, RDF, RDFS, SKOS, STATEMENT, WEIGHT, XSD, Namespaces

MAX_CACHED_NAMES = 1 << 18
LABEL, ALIAS, DEFINITION, SOURCE = f"{RDFS}label", f"{SKOS}altLabel", f"{SKOS}definition", f"{DCTERMS}source"

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')


def quoted(text: str) -> str:
    """Return a text as a string literal of N-Triples and Turtle."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}"


@lru_cache(maxsize=4096)
def weight_text(weight: float) -> str:
    """Return the shortest decimal form that reads back as the same single-precision number."""
    return str(np.float32(weight))


def statement_id(head: str, relation: str, tail: str) -> str:
    """Return the blank-node label of the statement about a triple of terms; the same in every export."""
    return "s" + hashlib.blake2b(f"{head} {relation} {tail}".encode(), digest_size=12).hexdigest()


class NTriplesWriter:
    """The lines of N-Triples that a graph's blocks become.

    - Every entity has its label (``rdfs:label``), aliases (``skos:altLabel``) and description (``skos:definition``).
    - A triple whose weight is not 1, or whose source is known, is also described by a reified statement:
      ``_:s a rdf:Statement ; rdf:subject … ; rdf:predicate … ; rdf:object … ; <urn:kglm:weight> 2.0 ;
      dcterms:source "…"``.
    - Names become IRIs as :mod:`kglm.kg.iris` says.

    Args:
        namespaces: of the graph.
        relations: names by relation id.
        statements: whether to write the reified statements; without them weights and sources are left out.
        statement_graph: IRI of a named graph that the statements go to, which makes the lines N-Quads.
    """

    def __init__(
        self,
        namespaces: Namespaces,
        relations: tuple[str, ...],
        *,
        statements: bool = True,
        statement_graph: str | None = None,
    ) -> None:
        self._term = lru_cache(maxsize=MAX_CACHED_NAMES)(lambda name: f"<{namespaces.iri(name)}>")
        self._relations = [self._term(relation) for relation in relations]
        self._statements = statements
        self._end = " ." if statement_graph is None else f" <{statement_graph}> ."

    def lines(self, entities: EntityBlock, edges: EdgeBlock) -> list[str]:
        """Return the lines about some entities and their edges, without line ends and not sorted."""
        heads = [self._term(name) for name in entities.names]
        lines = _texts(entities, heads)
        for row, relation, name, weight, source in edges:
            head, predicate, tail = heads[row], self._relations[relation], self._term(name)
            lines.append(f"{head} {predicate} {tail} .")
            if self._statements and (weight != 1.0 or source):
                lines.extend(line + self._end for line in _statement(head, predicate, tail, weight, source))
        return lines


def _texts(block: EntityBlock, heads: list[str]) -> list[str]:
    lines = [f"{head} <{LABEL}> {quoted(label)} ." for head, label in zip(heads, block.labels, strict=True)]
    for head, aliases in zip(heads, block.aliases, strict=True):
        lines.extend(f"{head} <{ALIAS}> {quoted(alias)} ." for alias in aliases)
    for head, description in zip(heads, block.descriptions, strict=True):
        if description:
            lines.append(f"{head} <{DEFINITION}> {quoted(description)} .")
    return lines


def _statement(head: str, predicate: str, tail: str, weight: float, source: str) -> Iterator[str]:
    node = f"_:{statement_id(head, predicate, tail)}"
    yield f"{node} <{RDF}type> <{STATEMENT}>"
    yield f"{node} <{RDF}subject> {head}"
    yield f"{node} <{RDF}predicate> {predicate}"
    yield f"{node} <{RDF}object> {tail}"
    if weight != 1.0:
        yield f'{node} <{WEIGHT}> "{weight_text(weight)}"^^<{XSD}float>'
    if source:
        yield f"{node} <{SOURCE}> {quoted(source)}"
