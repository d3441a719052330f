"""Triples of Wikidata's kind, ``Q1 P2 Q3``, with labels, aliases and descriptions from files beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from kglm.kg.readers.batches import merged_batches
from kglm.kg.readers.blocks import NOT_UTF8, FieldBlock, plain_lines, read_field_blocks
from kglm.kg.readers.entity_entries import Entry, EntryLayout, entity_records, read_entries
from kglm.kg.readers.lines import BLANK, COMMENT
from kglm.kg.records import Record, TripleBatch
from kglm.kg.tally import Tally

_HASH = ord("#")


def read_wikidata(
    path: Path | str,
    tally: Tally,
    *,
    labels: str | None = None,
    relation_labels: str | None = None,
    label_key: str | None = None,
) -> Iterator[Record]:
    """Yield triples in batches, then labels, aliases and descriptions.

    A line holds three names between blanks or tabs; blank lines and lines that begin with ``#`` are skipped. What
    label files may look like is told in :mod:`kglm.kg.readers.entity_entries`. The tally counts the lines of all
    these files; each entry of a ``.json`` file counts as a line.

    Args:
        path: the triples, plain or compressed.
        tally: counts lines.
        labels: file of entity labels. Entries of entities that no triple names do no harm.
        relation_labels: file of relation labels; a relation is then called by its label (``occupation``), or where
            two have the same one, by label and id (``occupation (P106)``); without a label by its id.
        label_key: which key of a JSON entry holds the id; None takes the first present of those above.

    Raises:
        DataError: a file is missing or damaged, or more lines are rejected than allowed.
    """
    layout = EntryLayout() if label_key is None else EntryLayout(id=(label_key,))
    names = {} if relation_labels is None else _relation_names(read_entries(relation_labels, tally, layout))
    yield from merged_batches(_triples(path, tally, names))
    if labels is not None:
        yield from entity_records(labels, tally, layout)


def _relation_names(entries: Iterator[Entry]) -> dict[str, str]:
    """Return what each relation is called."""
    labels = {entry.id: entry.label for entry in entries if entry.label}
    uses = Counter(labels.values())
    return {key: label if uses[label] == 1 else f"{label} ({key})" for key, label in labels.items()}


def _triples(path: Path | str, tally: Tally, names: Mapping[str, str]) -> Iterator[TripleBatch]:
    for block in read_field_blocks(path, tally, 3):
        # Three fields between tabs without any other blank, and no remark, need no further look.
        plain = plain_lines(block.data, block.line_starts, block.line_ends) & (block.counts == 3)
        plain &= (np.diff(block.starts[:, :4], axis=1) > 1).all(axis=1)
        plain[plain] = block.data[block.line_starts[plain]] != _HASH
        rows = np.flatnonzero(plain)
        tally.accept(len(rows))
        heads, relations, tails = (block.column(field, rows) for field in range(3))
        yield _triple_batch(heads, relations, tails, block.numbers(rows), names)
        odd = list(_odd_triples(block, np.flatnonzero(~plain), tally))
        if odd:
            heads, relations, tails = (pa.array([row[field] for row in odd]) for field in range(3))
            yield _triple_batch(heads, relations, tails, np.array([row[3] for row in odd]), names)


def _triple_batch(
    heads: pa.Array, relations: pa.Array, tails: pa.Array, lines: np.ndarray, names: Mapping[str, str]
) -> TripleBatch:
    if names:
        encoded = relations.dictionary_encode()
        called = [names.get(relation, relation) for relation in encoded.dictionary.to_pylist()]
        relations = pa.array(called, type=pa.string()).take(encoded.indices)
    return TripleBatch(
        heads=heads, relations=relations, tails=tails, weights=pa.array(np.ones(len(heads))), lines=pa.array(lines)
    )


def _odd_triples(block: FieldBlock, rows: np.ndarray, tally: Tally) -> Iterator[tuple[str, str, str, int]]:
    """Yield head, relation, tail and number of lines that are read one by one; others get their verdict."""
    for row, number in zip(rows.tolist(), block.numbers(rows).tolist(), strict=True):
        line = block.text(row)
        fields = line.split()
        if not block.utf8[row]:
            tally.reject(NOT_UTF8, number, line)
        elif not fields:
            tally.skip(BLANK)
        elif line.startswith("#"):
            tally.skip(COMMENT)
        elif len(fields) != 3:
            tally.reject(f"{len(fields)} names between blanks, expected 3: head relation tail", number, line)
        else:
            tally.accept()
            yield fields[0], fields[1], fields[2], number
