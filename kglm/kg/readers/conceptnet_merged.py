"""The merged English ConceptNet: six pieces in one table, with normalised concepts beside their text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kglm.errors import DataError
from kglm.kg.readers.batches import merged_batches
from kglm.kg.readers.blocks import NOT_UTF8, FieldBlock, read_field_blocks
from kglm.kg.readers.lines import HEADER, first_line
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, WEIGHT_EXPECTED, LabelBatch, Record, TripleBatch
from kglm.kg.tally import Tally

COLUMNS = ("head", "relation", "tail", "weights", "head_norm", "tail_norm")

Batch = TripleBatch | LabelBatch


def read_conceptnet_merged(path: Path | str, tally: Tally) -> Iterator[Record]:
    """Yield triples between normalised concepts, then every source text as a label of its concept, in batches.

    The weight of a row is the sum over its pieces and its source their names: ``cn100k=1;cn4=0.5`` gives 1.5 and
    ``cn100k;cn4``. A label's count is the number of rows that use it. The preferred label of a concept is its most
    frequent text; among equals the shortest, then the first in the alphabet.

    Raises:
        DataError: the header is another.
    """
    return merged_batches(_batches(Path(path), tally))


def _batches(path: Path, tally: Tally) -> Iterator[Batch]:
    fields = first_line(path).split("\t")
    if tuple(fields) != COLUMNS:
        raise DataError.at(path, 1, f"the header is {fields}, expected {list(COLUMNS)}")
    texts: list[pa.Table] = []
    for block in read_field_blocks(path, tally, len(COLUMNS)):
        rows = np.flatnonzero(block.utf8 & (block.counts == len(COLUMNS)))
        if block.first_line == 1:
            tally.skip(HEADER)
            rows = rows[rows > 0]
        columns = {name: pc.utf8_trim_whitespace(block.column(k, rows)) for k, name in enumerate(COLUMNS)}
        good = _good_rows(block, rows, columns, tally)
        if not len(good):
            continue
        tally.accept(len(good))
        weights, sources = _parse_weights(columns["weights"])[:2]
        taken = pa.array(good)
        chosen = {name: column.take(taken) for name, column in columns.items()}
        yield TripleBatch(
            heads=chosen["head_norm"],
            relations=chosen["relation"],
            tails=chosen["tail_norm"],
            weights=weights.take(taken),
            sources=sources.take(taken),
            lines=pa.array(block.numbers(rows[good])),
        )
        for end in ("head", "tail"):
            texts.append(pa.table({"concept": chosen[f"{end}_norm"], "text": chosen[end]}))
    if texts:
        yield _labels(pa.concat_tables(texts))


def _good_rows(block: FieldBlock, rows: np.ndarray, columns: dict[str, pa.Array], tally: Tally) -> np.ndarray:
    """Return the positions among ``rows`` that give a triple; reject all other lines but the header."""
    failed = np.ones(len(block), dtype=bool)
    failed[rows] = False
    if block.first_line == 1:
        failed[0] = False
    reasons: dict[int, str] = {}
    for row in np.flatnonzero(failed).tolist():
        found = f"{block.counts[row]} tab-separated columns, expected {len(COLUMNS)}: {' '.join(COLUMNS)}"
        reasons[row] = found if block.utf8[row] else NOT_UTF8
    bad = np.zeros(len(rows), dtype=bool)
    for name, role in (("relation", "relation"), ("head_norm", "normalised head"), ("tail_norm", "normalised tail")):
        empty = pc.equal(columns[name], "").to_numpy(zero_copy_only=False)
        for position in np.flatnonzero(empty).tolist():
            reasons.setdefault(int(rows[position]), f"the {role} is empty")
        bad |= empty
    problems = _parse_weights(columns["weights"])[2]
    for position in np.flatnonzero(~pc.equal(problems, "").to_numpy(zero_copy_only=False)).tolist():
        reasons.setdefault(int(rows[position]), problems[position].as_py())
        bad[position] = True
    for row in sorted(reasons):
        tally.reject(reasons[row], block.first_line + row, block.text(row))
    return np.flatnonzero(~bad)


def _parse_weights(column: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return of each ``piece=weight;...`` the sum, the pieces, and what is wrong with it or an empty text."""
    encoded = column.dictionary_encode()
    parsed = [_parse_pieces(text) for text in encoded.dictionary.to_pylist()]
    kinds = (pa.float64(), pa.string(), pa.string())
    values = [pa.array([entry[k] for entry in parsed], type=kind) for k, kind in enumerate(kinds)]
    sums, sources, problems = (value.take(encoded.indices) for value in values)
    return sums, sources, problems


def _parse_pieces(text: str) -> tuple[float, str, str]:
    total, pieces = 0.0, []
    for part in text.split(";"):
        piece, _, number = part.partition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = float("nan")
        if not MIN_WEIGHT <= weight <= MAX_WEIGHT:
            return 1.0, "", f"weight '{number}', {WEIGHT_EXPECTED}"
        total += weight
        pieces.append(piece.strip())
    if total > MAX_WEIGHT:
        return 1.0, "", f"weights '{text}', {WEIGHT_EXPECTED} as their sum"
    return total, ";".join(pieces), ""


def _labels(table: pa.Table) -> LabelBatch:
    """Return the distinct texts of each concept with their counts, in the order of concept and preference."""
    counted = table.group_by(["concept", "text"]).aggregate([([], "count_all")])
    counted = counted.append_column("length", pc.utf8_length(counted["text"]))
    ranked = counted.sort_by(
        [("concept", "ascending"), ("count_all", "descending"), ("length", "ascending"), ("text", "ascending")]
    ).combine_chunks()
    concepts, texts, counts = (pa.concat_arrays(ranked[name].chunks) for name in ("concept", "text", "count_all"))
    preferred = np.ones(len(concepts), dtype=bool)
    preferred[1:] = pc.not_equal(concepts[1:], concepts[:-1]).to_numpy(zero_copy_only=False)
    return LabelBatch(entities=concepts, texts=texts, preferred=pa.array(preferred), counts=counts)
