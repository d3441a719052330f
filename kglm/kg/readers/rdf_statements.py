"""Statements about triples: reified ones, and the triple terms of RDF 1.2 (RDF-star)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from kglm.errors import DataError
from kglm.kg.iris import DCTERMS, RDF, STATEMENT
from kglm.kg.readers.rdf_names import BlankNames, Names
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, WEIGHT_EXPECTED

TYPE = f"{RDF}type"
REIFIES = f"{RDF}reifies"
PARTS = (f"{RDF}subject", f"{RDF}predicate", f"{RDF}object")
SOURCE = f"{DCTERMS}source"
WEIGHT = "weight"

# One of these stands in every document of the line-based syntaxes and of Turtle's family that speaks of triples.
MARKS = (b"Statement", b"reifies")
TURTLE_MARKS = (*MARKS, b"<<", b"{|", b"~")

_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)

NameTriple = tuple[str, str, str]


@dataclass
class Annotation:
    """What statements say about a triple.

    Attributes:
        weight: the largest weight given, or None.
        source: who asserts it; several in the order of the alphabet, with ``; `` between them.
        path: the document of the first statement.
        stated: whether a document also states the triple itself.
    """

    path: Path
    weight: float | None = None
    source: str = ""
    stated: bool = False


class Statements:
    """The statements of some documents, collected quad by quad; other quads leave no trace.

    A statement is a resource of type ``rdf:Statement``, with ``rdf:subject``, ``rdf:predicate`` and ``rdf:object``,
    or one that ``rdf:reifies`` a triple term. Its weight is a property whose last part is ``weight``, its source
    ``dcterms:source``.
    """

    def __init__(self) -> None:
        self._said: dict[str, list[tuple[str, Any]]] = {}
        self._paths: dict[str, Path] = {}
        self._roles: dict[str, str] = {}
        self._nodes: set[str] = set()

    def add(self, quad: Quad, path: Path, blank: BlankNames) -> None:
        """Take what a quad says about a statement; every quad of a document is to be shown, in their order."""
        node = statement_key(quad.subject, quad.object, quad.graph_name, blank)
        predicate = quad.predicate.value
        role = self._roles.get(predicate)
        if role is None:
            role = self._roles[predicate] = _role(predicate)
        if not role:
            return
        value = quad.object
        if role == TYPE:
            if type(value) is not NamedNode or value.value != STATEMENT:
                return
            self._nodes.add(node)
        elif role == REIFIES and type(value) is Triple:
            self._nodes.add(node)
        self._said.setdefault(node, []).append((role, value))
        self._paths.setdefault(node, path)

    def nodes(self) -> set[str]:
        """Return the keys (:func:`statement_key`) of the resources that are statements."""
        return self._nodes

    def annotations(self, names: Names) -> dict[NameTriple, Annotation]:
        """Return what is said about triples of IRIs, by their names.

        Raises:
            DataError: a weight is not a positive number, or it is not said to what triple it belongs.
        """
        found: dict[NameTriple, Annotation] = {}
        for node in sorted(self._nodes):
            self._annotate(self._said[node], self._paths[node], names, found)
        return found

    def _annotate(
        self, said: list[tuple[str, Any]], path: Path, names: Names, found: dict[NameTriple, Annotation]
    ) -> None:
        weights = [_weight(value, path) for role, value in said if role == WEIGHT]
        sources = {_text(value, names) for role, value in said if role == SOURCE} - {""}
        if not weights and not sources:
            return
        for parts in _triples(said):
            if weights and None in parts:
                known = " ".join("?" if part is None else str(part.value) for part in parts)
                raise DataError(f"{path}: a weight is given to {known}, which is not stated")
            if not all(type(part) is NamedNode for part in parts):
                continue  # An attribute or a triple with a blank node, which is no edge.
            head, relation, tail = (names[part.value] for part in parts)
            annotation = found.setdefault((head, relation, tail), Annotation(path))
            annotation.path = min(annotation.path, path)
            annotation.weight = max([*weights, annotation.weight or 0.0]) if weights else annotation.weight
            annotation.source = "; ".join(sorted({*filter(None, annotation.source.split("; ")), *sources}))


def statement_key(subject: Any, value: Any, graph: Any, blank: BlankNames) -> str:
    """Return what tells the subject of a quad from others; numbers the blank nodes alike at each reading."""
    key: str = blank.name(subject) if type(subject) is BlankNode else subject.value
    for term in (value, graph):
        if type(term) is BlankNode:
            blank.name(term)
    return key


def require_stated(annotations: dict[NameTriple, Annotation]) -> None:
    """Check at the end that each triple with a weight is stated itself.

    Raises:
        DataError: it is not.
    """
    lost = [(triple, said) for triple, said in annotations.items() if said.weight is not None and not said.stated]
    if lost:
        triple, said = min(lost, key=lambda item: item[0])
        raise DataError(f"{said.path}: a weight is given to {' '.join(triple)}, which is not stated")


def _role(predicate: str) -> str:
    if predicate in {TYPE, REIFIES, SOURCE, *PARTS}:
        return predicate
    return WEIGHT if re.split("[/#:]", predicate)[-1] == WEIGHT else ""


def _triples(said: list[tuple[str, Any]]) -> Iterable[tuple[Any, Any, Any]]:
    """Return the triples that a statement is about; a part that is not told is None."""
    terms = [(value.subject, value.predicate, value.object) for role, value in said if role == REIFIES]
    parts = [[value for role, value in said if role == part] for part in PARTS]
    if not terms or any(parts):
        # Of several values for a part the first in the order of their texts is taken.
        subject, predicate, value = (min(values, key=str, default=None) for values in parts)
        terms.append((subject, predicate, value))
    return terms


def _weight(value: Any, path: Path) -> float:
    text = value.value if type(value) is Literal else ""
    number = float(text) if _NUMBER.fullmatch(text) else -1.0
    if not MIN_WEIGHT <= number <= MAX_WEIGHT:
        raise DataError(f"{path}: weight '{text or value}', {WEIGHT_EXPECTED}")
    return number


def _text(value: Any, names: Names) -> str:
    if type(value) is NamedNode:
        return names[value.value]
    return str(value.value) if type(value) is Literal else ""
