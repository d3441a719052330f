"""Tab-separated triples: ``head relation tail [weight]``, or any columns under a map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kglm.kg.readers.batches import merged_batches
from kglm.kg.readers.blocks import NOT_UTF8, FieldBlock, read_field_blocks
from kglm.kg.readers.entity_entries import with_entities
from kglm.kg.readers.lines import BLANK, COMMENT, HEADER, first_line
from kglm.kg.readers.table import Batch, Columns, check_columns, is_header, numbered, positions, take_rows
from kglm.kg.records import Record
from kglm.kg.tally import Tally

DEFAULT_COLUMNS = {"head": 0, "relation": 1, "tail": 2, "weight": 3}
DEFAULT_COUNTS = (3, 4)
ANY_NUMBER = 1 << 30
_HASH = ord("#")


def read_tsv(
    path: Path | str,
    tally: Tally,
    *,
    columns: Columns = None,
    header: bool | None = None,
    labels: str | None = None,
    label_layout: Mapping[str, Any] | None = None,
) -> Iterator[Record]:
    """Yield the triples of a tab-separated file in batches. There is no quoting.

    Blank lines and lines that begin with ``#`` are skipped. The weight is 1 where a line has no such column.

    Args:
        path: plain, or compressed.
        tally: counts lines.
        columns: role (``head relation tail weight source head_label tail_label head_aliases tail_aliases``) to
            the column's name in the header, or its position from 0. None takes the columns named as the roles,
            and without a header ``head relation tail [weight]`` in this order. Aliases are separated by ``|``.
        header: whether the first line is a header. None: where ``columns`` holds a name, or without ``columns``
            where the first line names roles alone.
        labels: file of labels, aliases and descriptions of entities, in a form that
            :mod:`kglm.kg.readers.entity_entries` tells; entries of entities that no triple names do no harm.
        label_layout: under which keys that file says what; see ``EntryLayout`` there.

    Raises:
        ConfigError: the map or the layout is wrong.
        DataError: the file is missing or damaged, its header lacks a column, or more lines are rejected than allowed.
    """
    places, counts, header = _layout(Path(path), columns, header)
    triples = merged_batches(_batches(path, tally, places, counts, header))
    return with_entities(triples, tally, labels, label_layout)


def _layout(path: Path, columns: Columns, header: bool | None) -> tuple[dict[str, int], tuple[int, int], bool]:
    """Return where each role stands, the least and the greatest number of fields, and whether there is a header."""
    check_columns(columns)
    fields = [field.strip() for field in first_line(path).split("\t")]
    if header is None:
        named = columns is not None and any(isinstance(column, str) for column in columns.values())
        header = named or (columns is None and is_header(fields))
    if not header:
        if columns is None:
            return DEFAULT_COLUMNS, DEFAULT_COUNTS, False
        places = numbered(columns)
        return places, (1 + max(places.values()), ANY_NUMBER), False
    places = positions(fields, columns, f"{path}:1")
    # A line may end before an optional column.
    needed = 1 + max(places[role] for role in ("head", "relation", "tail"))
    return places, (needed, len(fields)), True


def _batches(
    path: Path | str, tally: Tally, places: dict[str, int], counts: tuple[int, int], header: bool
) -> Iterator[Batch]:
    for block in read_field_blocks(path, tally, 1 + max(places.values())):
        rows = _triple_rows(block, tally, places, counts, header)
        if not len(rows):
            continue
        columns = {role: block.column(place, rows) for role, place in places.items()}
        yield from take_rows(columns, block.numbers(rows), tally, partial(_row_text, block, rows))


def _row_text(block: FieldBlock, rows: np.ndarray, row: int) -> str:
    return block.text(rows[row])


def _triple_rows(
    block: FieldBlock, tally: Tally, places: dict[str, int], counts: tuple[int, int], header: bool
) -> np.ndarray:
    """Return the rows that have the right number of fields; a verdict is passed on the others."""
    first = block.data[np.minimum(block.line_starts, len(block.data) - 1)]
    comment = block.utf8 & (first == _HASH) & (block.line_ends > block.line_starts)
    tally.skip(COMMENT, int(comment.sum()))
    shaped = block.utf8 & ~comment & (block.counts >= counts[0]) & (block.counts <= counts[1])
    if header and block.first_line == 1 and not comment[0]:
        tally.skip(HEADER)
        comment[0], shaped[0] = True, False  # whatever it looks like, it has its verdict
    for row in np.flatnonzero(~shaped & ~comment).tolist():
        reason = _odd_line(block, row, counts)
        if reason == BLANK:
            tally.skip(BLANK)
        else:
            tally.reject(reason, block.first_line + row, block.text(row))
    return np.flatnonzero(shaped)


def _odd_line(block: FieldBlock, row: int, counts: tuple[int, int]) -> str:
    """Return why a line has no triple: it is blank, not text, or has another number of fields."""
    try:
        text = block.line(row).decode()
    except UnicodeDecodeError as error:
        return f"{NOT_UTF8} ({error.reason})"
    if not text.strip():
        return BLANK
    least, most = counts
    names = ""
    if counts == DEFAULT_COUNTS:
        expected, names = "3 or 4", ": head relation tail [weight]"
    elif most == ANY_NUMBER:
        expected = f"at least {least}"
    else:
        expected = f"{least}" if least == most else f"{least} to {most}"
    return f"{block.counts[row]} tab-separated columns, expected {expected}{names}"
