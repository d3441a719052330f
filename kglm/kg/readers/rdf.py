"""RDF in any syntax: Turtle, N-Triples, N-Quads, TriG, RDF/XML, JSON-LD, N3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kglm.errors import ConfigError, DataError
from kglm.kg.readers.rdf_names import BlankNames, Names, StrictNames, namespaces_in_force
from kglm.kg.readers.rdf_statements import REIFIES, Annotation, NameTriple, require_stated, statement_key
from kglm.kg.readers.rdf_survey import Survey, survey
from kglm.kg.readers.rdf_syntax import Document, find_documents
from kglm.kg.readers.rdf_texts import TEXT_PROPERTIES, Texts
from kglm.kg.records import Label, LabelBatch, Record, TripleBatch
from kglm.kg.tally import Tally

BATCH_ROWS = 100_000
BLANK_NODE = "blank node"
STATEMENT = "statement about a triple"
ATTRIBUTE = "literal attribute"
TRIPLE_TERM = "triple term"
BLANK_NODES = ("skip", "keep")


def read_rdf(
    path: Path | str,
    tally: Tally,
    *,
    syntax: str | None = None,
    language: str | None = "en",
    other_languages: bool = False,
    blank_nodes: str = "skip",
    prefixes: Mapping[str, str] | None = None,
) -> Iterator[Record]:
    """Yield the triples, labels and descriptions of an RDF file, or of all RDF files of a folder as one graph.

    The tally counts RDF triples, each time that one is written.

    - A resource is named by its IRI, shortened with the longest namespace that fits among the prefixes of the
      documents and ``prefixes``; the empty prefix is left out (``:plant_flowers`` becomes ``plant_flowers``). A
      relative IRI without base does not depend on where the file lies.
    - ``skos:prefLabel``, ``rdfs:label`` and ``schema:name`` give labels, ``skos:altLabel`` and
      ``schema:alternateName`` aliases, ``skos:definition``, ``rdfs:comment`` and ``schema:description`` descriptions;
      :class:`.rdf_texts.Texts` says which one is taken in which language. Other literals are attributes rather than
      edges and are skipped.
    - A triple weighs 1 unless a statement about it says otherwise; the largest weight counts:
      ``[] a rdf:Statement; rdf:subject :s; rdf:predicate :p; rdf:object :o; :weight 2.0 .`` or, in RDF 1.2,
      ``:s :p :o {| :weight 2.0 |} .`` and ``<< :s :p :o >> :weight 2.0 .`` beside ``:s :p :o .``
      Statements themselves are skipped.
    - The source of a triple is what its statement says (``dcterms:source``), or the name of its graph in N-Quads and
      TriG.
    - Triples with a blank node are skipped, or kept under the names ``_:label`` and, where it bears no label,
      ``_:[n]`` in the order of appearance (``_:file/...`` in a folder).
    - Formulas and variables of N3 are skipped.

    Triples are streamed; prefixes that are declared late and statements about triples make the documents be read
    twice (:mod:`.rdf_survey`). What is compiled does not depend on the order of the triples.

    Args:
        path: plain or compressed.
        tally: counts triples.
        syntax: one of ``turtle ntriples nquads trig rdfxml jsonld n3``; None tells it from the ending or content.
        language: the language of labels and descriptions, as a tag; None takes all alike.
        other_languages: also take labels in other languages, as aliases, and descriptions for want of a better.
        blank_nodes: ``skip`` or ``keep``.
        prefixes: namespaces of prefixes that hold where the documents do not say otherwise; by default those known
            the world over (:data:`kglm.kg.iris.WELL_KNOWN`), so that N-Triples get short names too.

    Raises:
        ConfigError: an option has a value that is not allowed.
        UnknownNameError: there is no such syntax.
        DataError: a file is missing or malformed (a bad line of N-Triples or N-Quads is rejected by itself), or a
            weight is not a positive number or is given to a triple that is not stated.
    """
    if blank_nodes not in BLANK_NODES:
        raise ConfigError(f"blank_nodes is '{blank_nodes}'; allowed: {', '.join(BLANK_NODES)}")
    return _read(Path(path), tally, syntax, prefixes, Texts(language, other_languages), blank_nodes == "keep")


# For a Turtle file, or the Turtle files of a folder.
read_turtle = partial(read_rdf, syntax="turtle")


def _read(
    path: Path, tally: Tally, syntax: str | None, prefixes: Mapping[str, str] | None, texts: Texts, keep_blank: bool
) -> Iterator[Record]:
    documents = find_documents(path, syntax)
    tally.start(path, unit="triple")
    found = survey(documents)
    intake = _Intake(found, prefixes, texts, tally, keep_blank)
    for document in documents:
        tally.start(document.path, unit="triple")
        yield from intake.take(document, BlankNames(document.label))
    require_stated(intake.annotations)
    yield from intake.texts_chosen()


class _Intake:
    """Turns quads into batches of records, with a verdict on each."""

    def __init__(
        self, found: Survey, prefixes: Mapping[str, str] | None, texts: Texts, tally: Tally, keep_blank: bool
    ) -> None:
        namespaces = namespaces_in_force(found.declared, prefixes)
        self._names = Names(namespaces) if found.complete else StrictNames(namespaces)
        self._statements = found.statements.nodes()
        self.annotations: dict[NameTriple, Annotation] = found.statements.annotations(Names(namespaces))
        self._texts = texts
        self._tally = tally
        self._keep_blank = keep_blank
        self._complete = found.complete
        self._plain = True
        self._heads: list[str] = []
        self._relations: list[str] = []
        self._tails: list[str] = []
        self._weights: list[float] = []
        self._sources: list[str] = []
        self._aliases: list[Label] = []

    def take(self, document: Document, blank: BlankNames) -> Iterator[Record]:
        """Yield the triples and aliases of a document in batches."""
        names, heads, relations, tails = self._names, self._heads, self._relations, self._tails
        statements = self._statements
        # The common case, triples of IRIs about which nothing more is said, stands in the loop to cost little.
        self._plain = plain = not statements and document.syntax not in {"nquads", "trig"}
        for subject, predicate, value, graph in document.quads(self._tally):
            if plain and type(value) is NamedNode and type(subject) is NamedNode:
                heads.append(names[subject.value])
                relations.append(names[predicate.value])
                tails.append(names[value.value])
            elif statements and statement_key(subject, value, graph, blank) in statements:
                self._skip(STATEMENT)
            else:
                self._add(subject, predicate.value, value, graph, blank)
            if len(heads) >= BATCH_ROWS or len(self._aliases) >= BATCH_ROWS:
                yield from self._flush()
        yield from self._flush()

    def texts_chosen(self) -> Iterator[Record]:
        """Yield preferred labels and descriptions."""
        chosen = list(self._texts.chosen(self._tally))
        labels = [text for text in chosen if isinstance(text, Label)]
        if labels:
            yield _label_batch(labels)
        yield from chosen[len(labels) :]

    def _add(self, subject: Any, predicate: str, value: Any, graph: Any, blank: BlankNames) -> None:
        """Take a triple that may be anything."""
        if type(value) is Literal:
            self._add_text(subject, predicate, value, blank)
            return
        if type(value) is Triple:
            if predicate == REIFIES and not self._complete:
                raise DataError(
                    f"<{REIFIES}> is spelt with escapes, in which statements are not found; write it whole"
                )
            self._skip(TRIPLE_TERM)
            return
        head, tail = self._name(subject, blank), self._name(value, blank)
        if head is None or tail is None:
            self._skip(BLANK_NODE)
            return
        relation = self._names[predicate]
        self._heads.append(head)
        self._relations.append(relation)
        self._tails.append(tail)
        if not self._plain:
            self._describe((head, relation, tail), self._name(graph, blank) or "")

    def _describe(self, triple: NameTriple, graph: str) -> None:
        """Give the triple just added its weight and source."""
        said = self.annotations.get(triple)
        if said is None:
            self._weights.append(1.0)
            self._sources.append(graph)
            return
        said.stated = True
        self._weights.append(1.0 if said.weight is None else said.weight)
        self._sources.append(said.source or graph)

    def _add_text(self, subject: Any, predicate: str, value: Any, blank: BlankNames) -> None:
        kind, rank = TEXT_PROPERTIES.get(predicate, ("", 0))
        entity = self._name(subject, blank)
        if not kind or entity is None:
            self._skip(BLANK_NODE if entity is None else ATTRIBUTE)
            return
        self._tally.read()
        alias = self._texts.add(entity, kind, rank, value.value, value.language, self._tally)
        if alias is not None:
            self._aliases.append(alias)

    def _name(self, term: Any, blank: BlankNames) -> str | None:
        """Return the name of a resource; None for a blank node that is not kept, and for the default graph."""
        if type(term) is NamedNode:
            return self._names[term.value]
        return blank.name(term) if self._keep_blank and type(term) is BlankNode else None

    def _skip(self, reason: str) -> None:
        self._tally.read()
        self._tally.skip(reason)

    def _flush(self) -> Iterator[Record]:
        count = len(self._heads)
        if count:
            self._tally.read(count)
            self._tally.accept(count)
            yield TripleBatch(
                heads=pa.array(self._heads, pa.string()),
                relations=pa.array(self._relations, pa.string()),
                tails=pa.array(self._tails, pa.string()),
                weights=pa.array(np.ones(count) if self._plain else np.array(self._weights)),
                sources=pa.array(self._sources, pa.string()) if any(self._sources) else None,
            )
        if self._aliases:
            yield _label_batch(self._aliases)
        for column in (self._heads, self._relations, self._tails, self._weights, self._sources, self._aliases):
            column.clear()


def _label_batch(labels: list[Label]) -> LabelBatch:
    return LabelBatch(
        entities=pa.array([label.entity for label in labels], pa.string()),
        texts=pa.array([label.text for label in labels], pa.string()),
        preferred=pa.array([label.preferred for label in labels], pa.bool_()),
    )
