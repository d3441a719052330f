"""What must be known of RDF documents before their triples can be streamed: prefixes, and statements about triples.

A document is read twice only where that is needed. Its bytes are looked through first: without a mark of a
statement about a triple, and with all prefixes declared before the first triple, its head tells everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from kglm.errors import DataError
from kglm.kg.readers.rdf_names import BlankNames
from kglm.kg.readers.rdf_statements import MARKS, TURTLE_MARKS, Statements
from kglm.kg.readers.rdf_syntax import LINE_BASED, Document

CHUNK = 1 << 20
LONGEST_MARK = 9


@dataclass
class Survey:
    """What the documents of a graph say before any triple is taken.

    Attributes:
        declared: prefixes and namespaces, each pair once, in the order of their declaration.
        statements: the statements about triples.
        complete: whether statements were searched for in all documents.
    """

    declared: dict[tuple[str, str], None] = field(default_factory=dict)
    statements: Statements = field(default_factory=Statements)
    complete: bool = True

    def declare(self, prefixes: Mapping[str, str]) -> None:
        """Note the prefixes in force."""
        self.declared.update(dict.fromkeys(prefixes.items()))


def survey(documents: list[Document]) -> Survey:
    """Look through documents.

    Raises:
        DataError: one of them is missing or malformed.
    """
    found = Survey()
    for document in documents:
        if document.syntax == "rdfxml":
            _declare_xml_namespaces(document, found)
        elif document.syntax != "jsonld":
            marked, declarations = _scan(document)
            if not marked and _declared_in_head(document, found, declarations):
                found.complete = False
                continue
        watch = None if document.syntax == "rdfxml" else found.declare
        blank = BlankNames(document.label)
        for quad in document.quads(watch=watch):
            found.statements.add(quad, document.path, blank)
    return found


def _declared_in_head(document: Document, found: Survey, declarations: int) -> bool:
    """Note the prefixes in force at the first triple, and say whether no more come later."""
    if document.syntax in LINE_BASED or not declarations:
        return True
    head: dict[str, str] = {}
    next(document.quads(watch=head.update), None)
    found.declare(head)
    return len(head) == declarations


def _scan(document: Document) -> tuple[bool, int]:
    """Return whether a document's bytes hold a mark of statements, and how often the word ``prefix``."""
    marks = MARKS if document.syntax in LINE_BASED else TURTLE_MARKS
    marked, declarations, rest = False, 0, b""
    with document.open() as handle:
        while chunk := handle.read(CHUNK):
            text = rest + chunk
            marked = marked or any(mark in text for mark in marks)
            declarations += text.lower().count(b"prefix") - rest.lower().count(b"prefix")
            rest = text[-LONGEST_MARK:]
    return marked, declarations


def _declare_xml_namespaces(document: Document, found: Survey) -> None:
    """Note the namespaces of an XML document; the parser tells the line of an error and refuses entity bombs.

    Expat limits how much entities may multiply a document (a hundredfold), which pyoxigraph does not.
    """
    parser = expat.ParserCreate(namespace_separator=" ")

    def declare(prefix: str | None, iri: str | None) -> None:
        if iri:
            found.declare({prefix or "": iri})

    parser.StartNamespaceDeclHandler = declare
    try:
        with document.open() as handle:
            parser.ParseFile(handle)
    except expat.ExpatError as error:
        raise document.malformed(expat.ErrorString(error.code), error.lineno) from error
    except (LookupError, ValueError) as error:
        raise DataError(f"{document.path}: not RDF/XML: {error}") from error
