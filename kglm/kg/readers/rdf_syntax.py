"""RDF documents: which syntax a file is in, and its quads through pyoxigraph's streaming parser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from pyoxigraph import BlankNode, NamedNode, Quad, RdfFormat, parse

from kglm.errors import DataError, UnknownNameError
from kglm.kg.readers.compression import open_bytes, plain_suffix
from kglm.kg.tally import Tally

# Relative IRIs without a base in the document must not depend on where the file lies.
BASE_IRI = "file:///"
BLOCK_BYTES = 1 << 20
FORMULA = "N3 formula"
VARIABLE = "N3 variable"

_IMPLIES = NamedNode("http://www.w3.org/2000/10/swap/log#implies")
_BOM = b"\xef\xbb\xbf"
_PLACE = re.compile(r"Parser error (?:at|between) line [^:]*: ")
_LINE = re.compile(r" \(line \d+\)$")

Watch = Callable[[Mapping[str, str]], None]


class Syntax(NamedTuple):
    """A way to write RDF: what people call it, pyoxigraph's name of it, and the endings of its files."""

    title: str
    format: RdfFormat
    endings: tuple[str, ...]


SYNTAXES = {
    "turtle": Syntax("Turtle", RdfFormat.TURTLE, (".ttl", ".turtle")),
    "ntriples": Syntax("N-Triples", RdfFormat.N_TRIPLES, (".nt", ".ntriples")),
    "nquads": Syntax("N-Quads", RdfFormat.N_QUADS, (".nq", ".nquads")),
    "trig": Syntax("TriG", RdfFormat.TRIG, (".trig",)),
    "rdfxml": Syntax("RDF/XML", RdfFormat.RDF_XML, (".rdf", ".owl", ".xml")),
    "jsonld": Syntax("JSON-LD", RdfFormat.JSON_LD, (".jsonld",)),
    "n3": Syntax("N3", RdfFormat.N3, (".n3",)),
}
RDF_ENDINGS = {ending: name for name, syntax in SYNTAXES.items() for ending in syntax.endings}
LINE_BASED = {"ntriples", "nquads"}


def find_documents(path: Path, syntax: str | None = None) -> list[Document]:
    """Return the document at ``path``, or those of a folder (not of its subfolders) in the order of their names.

    Raises:
        UnknownNameError: there is no such syntax.
        DataError: the folder holds no RDF document.
    """
    if syntax is not None and syntax not in SYNTAXES:
        raise UnknownNameError("RDF syntax", syntax, SYNTAXES)
    if not path.is_dir():
        return [Document(path, syntax or _told_syntax(path))]
    endings = RDF_ENDINGS if syntax is None else dict.fromkeys(SYNTAXES[syntax].endings, syntax)
    files = [file for file in sorted(path.iterdir()) if plain_suffix(file) in endings and file.is_file()]
    if not files:
        kind = "RDF" if syntax is None else SYNTAXES[syntax].title
        patterns = ", ".join(f"*{ending}" for ending in endings)
        raise DataError(f"the folder '{path}' holds no {kind} file ({patterns}; also compressed)")
    return [Document(file, endings[plain_suffix(file)], file.name) for file in files]


def _told_syntax(path: Path) -> str:
    """Return the syntax that a file's ending shows, or its first characters."""
    if plain_suffix(path) in RDF_ENDINGS:
        return RDF_ENDINGS[plain_suffix(path)]
    with _open(path) as handle:
        begin = handle.read(1024).lstrip()
    if begin.startswith((b"<?xml", b"<!DOCTYPE", b"<rdf:RDF")):
        return "rdfxml"
    return "jsonld" if re.match(rb'[{\[]\s*["{}\]]', begin) else "trig"


def _open(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressed, without a byte-order mark."""
    handle = open_bytes(path, "RDF file")
    if handle.peek(3)[:3] == _BOM:  # type: ignore[attr-defined]
        handle.read(3)
    return handle


@dataclass(frozen=True)
class Document:
    """An RDF file, plain or compressed, that can be read any number of times.

    Attributes:
        path: the file.
        syntax: a key of :data:`SYNTAXES`.
        label: what tells it from the other documents of the same graph; empty for a single one.
    """

    path: Path
    syntax: str
    label: str = ""

    def open(self) -> IO[bytes]:
        """Open it for reading, decompressed, without a byte-order mark.

        Raises:
            DataError: it is missing, or compressed and damaged.
        """
        return _open(self.path)

    def quads(self, tally: Tally | None = None, watch: Watch | None = None) -> Iterator[Quad]:
        """Yield the quads in their order.

        Args:
            tally: told each line of N-Triples or N-Quads that cannot be used, and of N3 each variable and each
                triple of a formula; counts nothing else. None passes over these in silence.
            watch: called with the prefixes in force, before the first quad that needs them.

        Raises:
            DataError: the document is malformed, or more lines are rejected than allowed.
        """
        if self.syntax in LINE_BASED:
            return self._by_lines(tally)
        if self.syntax == "n3":
            return self._of_n3(tally, watch)
        return self._whole(watch)

    def malformed(self, message: str, line: int | None) -> DataError:
        """Return the error that says why this is not a document of its syntax."""
        if "UTF-8" in message:
            reason = "not UTF-8 text"
        elif "LoadDocumentCallback" in message:
            reason = "it refers to a @context elsewhere; nothing is fetched, write the context into the document"
        else:
            reason = f"not {SYNTAXES[self.syntax].title}: {message}"
        return DataError.at(self.path, line, reason) if line else DataError(f"{self.path}: {reason}")

    def _whole(self, watch: Watch | None) -> Iterator[Quad]:
        with self.open() as handle:
            parser = self._parser(handle)
            try:
                if watch is None:
                    yield from parser
                    return
                for quad in parser:
                    watch(parser.prefixes)
                    yield quad
                watch(parser.prefixes)
            except SyntaxError as error:
                raise self.malformed(_message(error), error.lineno) from error

    def _of_n3(self, tally: Tally | None, watch: Watch | None) -> Iterator[Quad]:
        """Yield what N3 shares with RDF: the parser names a formula by a blank node and refuses variables."""
        formulas: set[Any] = set()
        with self.open() as handle:
            parser = self._parser(handle)
            while True:
                try:
                    quad = next(parser, None)
                except SyntaxError as error:
                    if error.lineno is not None or "variable" not in str(error):
                        raise self.malformed(_message(error), error.lineno) from error
                    _skip(tally, VARIABLE)
                    continue
                if watch is not None:
                    watch(parser.prefixes)
                if quad is None:
                    return
                if type(quad.graph_name) is BlankNode:
                    formulas.add(quad.graph_name)
                    _skip(tally, FORMULA)
                elif quad.predicate == _IMPLIES or quad.subject in formulas or quad.object in formulas:
                    _skip(tally, FORMULA)
                else:
                    yield quad

    def _by_lines(self, tally: Tally | None) -> Iterator[Quad]:
        """Yield the quads of blocks of lines; a block with an error is parsed line by line."""
        number = 0
        with self.open() as handle:
            while lines := handle.readlines(BLOCK_BYTES):
                try:
                    quads = list(self._parser(b"".join(lines)))
                except SyntaxError:
                    quads = self._each_line(lines, number, tally)
                number += len(lines)
                if tally is not None:
                    tally.line, tally.text = number, ""
                yield from quads

    def _each_line(self, lines: list[bytes], before: int, tally: Tally | None) -> list[Quad]:
        quads: list[Quad] = []
        for number, line in enumerate(lines, start=before + 1):
            try:
                quads += list(self._parser(line))
            except SyntaxError as error:
                if tally is not None:
                    reason = str(self.malformed(_message(error), None)).removeprefix(f"{self.path}: ")
                    tally.read()
                    tally.reject(reason, number, line.decode("utf-8", "backslashreplace").rstrip("\r\n"))
        return quads

    def _parser(self, source: IO[bytes] | bytes) -> Any:
        base = None if self.syntax in LINE_BASED else BASE_IRI
        return parse(source, SYNTAXES[self.syntax].format, base_iri=base)


def _skip(tally: Tally | None, reason: str) -> None:
    if tally is not None:
        tally.read()
        tally.skip(reason)


def _message(error: SyntaxError) -> str:
    """Return what the parser says, without the place, which stands before it in our message."""
    return _LINE.sub("", _PLACE.sub("", str(error)))
