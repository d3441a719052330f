"""Tab-separated triples: ``head relation tail [weight]``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kglm.kg.readers.lines import BLANK, COMMENT, HEADER, parse_weight, read_lines, require_text
from kglm.kg.records import Record, Triple
from kglm.kg.tally import Tally

HEADERS = {("head", "relation", "tail"), ("head", "relation", "tail", "weight")}


def read_tsv(path: Path | str, tally: Tally) -> Iterator[Record]:
    """Yield the triples of a tab-separated file, plain or ``.gz``.

    A first line ``head relation tail [weight]`` is taken as a header; empty lines and lines that begin with
    ``#`` are passed over. The weight is 1 where the column is absent.
    """
    for line in read_lines(path, tally):
        fields = [field.strip() for field in line.split("\t")]
        if unwanted := _unwanted(line, fields, tally.line):
            tally.skip(unwanted)
            continue
        if len(fields) not in (3, 4):
            tally.reject(f"{len(fields)} tab-separated columns, expected 3 or 4: head relation tail [weight]")
            continue
        head, relation, tail = fields[:3]
        if not require_text({"head": head, "relation": relation, "tail": tail}, tally):
            continue
        weight = parse_weight(fields[3], tally) if len(fields) == 4 else 1.0
        if weight is not None:
            tally.accept()
            yield Triple(head, relation, tail, weight)


def _unwanted(line: str, fields: list[str], number: int) -> str:
    """Return why a line holds no triple, or an empty text."""
    if not line.strip():
        return BLANK
    if line.startswith("#"):
        return COMMENT
    return HEADER if number == 1 and tuple(fields) in HEADERS else ""
