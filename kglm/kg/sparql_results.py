"""What SPARQL queries return: rows with entity names for IRIs, and their JSON, CSV and table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode

from kglm.kg.iris import XSD

# Of the numeric types only those that Python's own types can hold.
_INTEGERS = {"integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger", "unsignedInt"}
_NUMBERS = {f"{XSD}{name}": int for name in _INTEGERS} | {
    f"{XSD}{name}": float for name in ("decimal", "double", "float")
}
_STRING = f"{XSD}string"
TRIPLE_COLUMNS = ("subject", "predicate", "object")
MAX_COLUMN = 60

Value = str | int | float | bool | tuple[Any, ...] | None


@dataclass(frozen=True)
class Truth:
    """The answer to an ``ASK`` query."""

    value: bool

    def __bool__(self) -> bool:
        return self.value

    def to_json(self) -> str:
        """Return the answer in the SPARQL 1.1 results format in JSON."""
        return json.dumps({"head": {}, "boolean": self.value})

    def to_csv(self) -> str:
        """Return the answer as a column of one row; the standard has no such form."""
        return f"answer\r\n{str(self.value).lower()}\r\n"

    def to_table(self) -> str:
        """Return ``yes`` or ``no``."""
        return "yes" if self.value else "no"


@dataclass(frozen=True)
class Bindings(Sequence[tuple[Value, ...]]):
    """The solutions of a ``SELECT`` query; a sequence of rows.

    Attributes:
        variables: names of the columns, without question marks.
        rows: the values; an IRI by its entity's or relation's name, a number or truth value as such, any other
            literal as its text, a blank node as ``_:id``, and None where a variable is unbound.
        truncated: whether there are more solutions than were asked for.
    """

    variables: tuple[str, ...]
    rows: list[tuple[Value, ...]]
    truncated: bool
    _terms: list[tuple[Any, ...]] = field(repr=False)

    @classmethod
    def of(
        cls, variables: Iterable[str], terms: list[tuple[Any, ...]], name: Callable[[str], str], truncated: bool
    ) -> Bindings:
        """Return the bindings of rows of RDF terms; ``name`` turns IRIs into names."""
        rows = [tuple(term_value(term, name) for term in row) for row in terms]
        return cls(tuple(variables), rows, truncated, terms)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __iter__(self) -> Iterator[tuple[Value, ...]]:
        return iter(self.rows)

    def dicts(self) -> list[dict[str, Value]]:
        """Return each row by the names of its bound variables."""
        named = (zip(self.variables, row, strict=True) for row in self.rows)
        return [{variable: value for variable, value in row if value is not None} for row in named]

    def to_json(self) -> str:
        """Return the solutions in the SPARQL 1.1 results format in JSON: with IRIs in full, for other programs."""
        bindings = [
            {
                variable: _json_term(term)
                for variable, term in zip(self.variables, row, strict=True)
                if term is not None
            }
            for row in self._terms
        ]
        document = {"head": {"vars": list(self.variables)}, "results": {"bindings": bindings}}
        return json.dumps(document, ensure_ascii=False)

    def to_csv(self) -> str:
        """Return the solutions in the SPARQL 1.1 results format in CSV, with names for IRIs."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(self.variables)
        writer.writerows([_plain(value) for value in row] for row in self.rows)
        return text.getvalue()

    def to_table(self) -> str:
        """Return the solutions in columns for a terminal; long values are cut, line breaks shown as blanks."""
        cells = [[_cut(_plain(value)) for value in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.variables, *cells, strict=True)]
        ruled = [list(self.variables), ["─" * width for width in widths], *cells]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in ruled]
        count = f"{len(self.rows):,} row{'' if len(self.rows) == 1 else 's'}"
        return "\n".join([*lines, f"{count}, and there are more" if self.truncated else count])


@dataclass(frozen=True)
class Statements(Bindings):
    """The triples of a ``CONSTRUCT`` or ``DESCRIBE`` query, as rows of subject, predicate and object."""

    def to_ntriples(self) -> str:
        """Return the triples as N-Triples, sorted, with IRIs in full."""
        return "".join(sorted(f"{' '.join(map(str, row))} .\n" for row in self._terms))


def term_value(term: Any, name: Callable[[str], str]) -> Value:
    """Return an RDF term as what a Python user expects."""
    if term is None:
        return None
    if isinstance(term, NamedNode):
        return name(term.value)
    if isinstance(term, BlankNode):
        return str(term)
    if not isinstance(term, Literal):  # a triple in the place of a term
        return tuple(term_value(part, name) for part in (term.subject, term.predicate, term.object))
    if term.datatype.value == f"{XSD}boolean":
        return term.value in {"true", "1"}
    with suppress(ValueError):
        return _NUMBERS.get(term.datatype.value, str)(term.value)
    return term.value


def _json_term(term: Any) -> dict[str, Any]:
    if isinstance(term, NamedNode):
        return {"type": "uri", "value": term.value}
    if isinstance(term, BlankNode):
        return {"type": "bnode", "value": term.value}
    if not isinstance(term, Literal):
        parts = {name: _json_term(getattr(term, name)) for name in TRIPLE_COLUMNS}
        return {"type": "triple", "value": parts}
    described = {"type": "literal", "value": term.value}
    if term.language:
        described["xml:lang"] = term.language
    elif term.datatype.value != _STRING:
        described["datatype"] = term.datatype.value
    return described


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return " ".join(map(_plain, value))
    return "" if value is None else str(value)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_COLUMN else f"{text[: MAX_COLUMN - 1]}…"
