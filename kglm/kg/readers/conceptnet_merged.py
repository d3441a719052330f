"""The merged English ConceptNet: six pieces in one table, with normalised concepts beside their text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from kglm.errors import DataError
from kglm.kg.readers.lines import HEADER, parse_weight, read_lines, require_text
from kglm.kg.records import MAX_WEIGHT, WEIGHT_EXPECTED, Label, Record, Triple
from kglm.kg.tally import Tally

COLUMNS = ("head", "relation", "tail", "weights", "head_norm", "tail_norm")


def read_conceptnet_merged(path: Path | str, tally: Tally) -> Iterator[Record]:
    """Yield triples between normalised concepts, and every source text as a label of its concept.

    The weight of a row is the sum over its pieces (``cn100k=1;cn4=0.5`` gives 1.5). The preferred label of a
    concept is its most frequent text; among equals the shortest, then the first in the alphabet.

    Raises:
        DataError: the header is another.
    """
    texts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in read_lines(path, tally):
        fields = line.split("\t")
        if tally.line == 1:
            if tuple(fields) != COLUMNS:
                raise DataError.at(path, 1, f"the header is {fields}, expected {list(COLUMNS)}")
            tally.skip(HEADER)
            continue
        if len(fields) != len(COLUMNS):
            tally.reject(f"{len(fields)} tab-separated columns, expected {len(COLUMNS)}: {' '.join(COLUMNS)}")
            continue
        head_text, relation, tail_text, weights, head, tail = (field.strip() for field in fields)
        named = {"relation": relation, "normalised head": head, "normalised tail": tail}
        if not require_text(named, tally):
            continue
        weight = _sum_weights(weights, tally)
        if weight is None:
            continue
        texts[head][head_text] += 1
        texts[tail][tail_text] += 1
        tally.accept()
        yield Triple(head, relation, tail, weight)
    for concept, counts in texts.items():
        best = min(counts, key=lambda text: (-counts[text], len(text), text))
        for text in counts:
            yield Label(concept, text, preferred=text == best)


def _sum_weights(text: str, tally: Tally) -> float | None:
    """Return the sum of ``piece=weight;...``, or reject the line and return None."""
    total = 0.0
    for part in text.split(";"):
        weight = parse_weight(part.partition("=")[2], tally)
        if weight is None:
            return None
        total += weight
    if total > MAX_WEIGHT:
        tally.reject(f"weights '{text}', {WEIGHT_EXPECTED} as their sum")
        return None
    return total
