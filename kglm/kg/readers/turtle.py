"""RDF in Turtle, through rdflib."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import RDF, RDFS, SKOS
from rdflib.plugins.parsers.notation3 import BadSyntax
from rdflib.term import Node

from kglm.errors import DataError, require_file
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, WEIGHT_EXPECTED, Label, Record, Triple
from kglm.kg.tally import Tally

PREFERRED_LABELS = {RDFS.label, SKOS.prefLabel}
LABELS = PREFERRED_LABELS | {SKOS.altLabel}
WEIGHT = "weight"


def read_turtle(path: Path | str, tally: Tally) -> Iterator[Record]:
    """Yield the triples and labels of a Turtle file, or of all ``*.ttl`` files of a folder as one graph.

    - A resource is named by its IRI, shortened with the longest of the file's prefixes that fits; the empty
      prefix is left out (``:plant_flowers`` becomes ``plant_flowers``). A relative IRI without ``@base``
      does not depend on where the file lies.
    - ``rdfs:label`` and ``skos:prefLabel`` give the preferred label, ``skos:altLabel`` an alias.
    - A triple weighs 1 unless a reified statement says otherwise:
      ``[] a rdf:Statement; rdf:subject :s; rdf:predicate :p; rdf:object :o; :weight 2.0 .``
      The largest weight counts; the reified statement itself gives no triples.
    - Other literals, and triples with a blank node, are attributes rather than edges and are left out.

    Raises:
        DataError: a file is missing or not Turtle, or a weight is not a positive number or is given to a triple
            that is not stated.
    """
    graph = _parse(Path(path))
    tally.start(Path(path), unit="triple")
    statements = set(graph.subjects(RDF.type, RDF.Statement))
    weights = _reified_weights(graph, statements, Path(path))
    namespaces = sorted(((str(uri), prefix) for prefix, uri in graph.namespaces()), key=lambda item: -len(item[0]))

    @cache
    def name(resource: URIRef) -> str:
        for uri, prefix in namespaces:
            if resource.startswith(uri) and len(resource) > len(uri):
                return f"{prefix}:{resource[len(uri) :]}".removeprefix(":")
        return str(resource)

    for subject, predicate, value in sorted(graph):
        tally.read()
        if not isinstance(subject, URIRef) or subject in statements:
            tally.skip("blank node or reified statement")
        elif predicate in LABELS and isinstance(value, Literal):
            tally.accept()
            yield Label(name(subject), str(value), preferred=predicate in PREFERRED_LABELS)
        elif isinstance(value, URIRef) and isinstance(predicate, URIRef):
            weight = weights.get((subject, predicate, value), 1.0)
            tally.accept()
            yield Triple(name(subject), name(predicate), name(value), weight)
        else:
            tally.skip("attribute")


def _parse(path: Path) -> Graph:
    """Parse one file, or all Turtle files of a folder, into one graph."""
    files = sorted(path.glob("*.ttl")) if path.is_dir() else [require_file(path, "Turtle file")]
    if not files:
        raise DataError(f"the folder '{path}' holds no Turtle file (*.ttl)")
    # Without rdflib's own prefixes, which would rename those of the file that differ from them.
    graph = Graph(bind_namespaces="core")
    for file in files:
        try:
            graph.parse(file, format="turtle", publicID="file:///")
        except BadSyntax as error:
            # rdflib's exception text quotes the document; its attributes hold the place.
            raise DataError.at(file, error.lines + 1, f"not Turtle: {error._why}") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{file}: not UTF-8 text ({error.reason})") from error
        except (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, ValueError) as error:
            # rdflib's parser stumbles like this over some malformed text.
            raise DataError(f"{file}: not Turtle ({error!r})") from error
    return graph


def _reified_weights(graph: Graph, statements: Iterable[Node], path: Path) -> dict[tuple[Any, Any, Any], float]:
    """Return the weights that reified statements give to stated triples."""
    weights: dict[tuple[Any, Any, Any], float] = {}
    for statement in statements:
        subject, predicate, value = (graph.value(statement, p) for p in (RDF.subject, RDF.predicate, RDF.object))
        triple: tuple[Any, Any, Any] = (subject, predicate, value)
        for attribute, number in graph.predicate_objects(statement):
            if re.split("[/#:]", str(attribute))[-1] != WEIGHT:
                continue
            if None in triple or triple not in graph:  # None would stand for any node
                raise DataError(f"{path}: a weight is given to {' '.join(map(str, triple))}, which is not stated")
            weights[triple] = max(_positive(number, path), weights.get(triple, 0.0))
    return weights


def _positive(value: object, path: Path) -> float:
    weight = value.toPython() if isinstance(value, Literal) else None
    try:
        number = float(weight)  # type: ignore[arg-type]
    except (OverflowError, TypeError, ValueError):
        number = -1.0
    if not MIN_WEIGHT <= number <= MAX_WEIGHT:
        raise DataError(f"{path}: weight '{value}', {WEIGHT_EXPECTED}")
    return number
