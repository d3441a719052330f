"""What tables of triples have in common: the roles of their columns, and a verdict on each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kglm.errors import ConfigError, DataError, did_you_mean
from kglm.kg.readers.lines import BLANK
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, WEIGHT_EXPECTED, LabelBatch, TripleBatch
from kglm.kg.tally import Tally

REQUIRED = ("head", "relation", "tail")
ROLES = (*REQUIRED, "weight", "source", "head_label", "tail_label", "head_aliases", "tail_aliases")
ALIAS_SEPARATOR = "|"

Columns = Mapping[str, str | int] | None
Batch = TripleBatch | LabelBatch


def check_columns(columns: Columns) -> None:
    """Check a map from roles to names or positions of columns.

    Raises:
        ConfigError: a role is unknown or missing, or a column is neither a name nor a position from 0.
    """
    if columns is None:
        return
    for role, column in columns.items():
        if role not in ROLES:
            raise ConfigError(f"columns has no role '{role}'{did_you_mean(role, ROLES)} (roles: {', '.join(ROLES)})")
        if isinstance(column, bool) or not (isinstance(column, str) or (isinstance(column, int) and column >= 0)):
            raise ConfigError(f"columns.{role} is {column!r}; allowed: a column's name, or its position from 0")
    for role in REQUIRED:
        if role not in columns:
            raise ConfigError(f"columns has no '{role}'; expected at least {', '.join(REQUIRED)}")


def positions(names: Sequence[str], columns: Columns, place: str) -> dict[str, int]:
    """Return the position of each role's column in a table with a header.

    Args:
        names: the header.
        columns: role to name or position; None takes the columns that are named as the roles.
        place: where the header stands, for messages.

    Raises:
        ConfigError: the map itself is wrong.
        DataError: the header lacks a column.
    """
    check_columns(columns)
    wanted = columns or {role: role for role in ROLES if role in REQUIRED or role in names}
    found = {}
    for role, column in wanted.items():
        if isinstance(column, int):
            if column >= len(names):
                raise DataError(f"{place}: column {column} for '{role}', but there are {len(names)}, counted from 0")
            found[role] = column
        elif column in names:
            found[role] = list(names).index(column)
        else:
            raise DataError(
                f"{place}: no column '{column}' for '{role}'{did_you_mean(column, names)}; found {list(names)}, "
                "name others with columns={head: ..., relation: ..., tail: ...}"
            )
    return found


def numbered(columns: Columns) -> dict[str, int]:
    """Return the position of each role's column in a table without a header.

    Raises:
        ConfigError: the map is wrong, or names a column.
    """
    check_columns(columns)
    for role, column in (columns or {}).items():
        if isinstance(column, str):
            raise ConfigError(f"columns.{role} is {column!r}, but there is no header; allowed: a position from 0")
    return {role: int(column) for role, column in (columns or {}).items()}


def is_header(fields: Sequence[str]) -> bool:
    """Say whether the fields of a first line name roles: all of head, relation and tail, and nothing else."""
    return set(REQUIRED) <= set(fields) <= set(ROLES)


def take_rows(
    columns: Mapping[str, pa.Array], numbers: np.ndarray, tally: Tally, text_of: Callable[[int], str]
) -> Iterator[Batch]:
    """Pass a verdict on each of n rows, and yield what the good ones say.

    A row needs a head, a relation and a tail that are not blank, and a weight that can be stored; a missing weight
    (null, not a blank text) is 1. Text is stripped. Blank labels are left out.

    Args:
        columns: an array of n per role: strings, or for ``weight`` numbers, or for aliases lists of strings.
        numbers: line or row numbers, integers ``[n]``.
        tally: counts the verdicts.
        text_of: returns a row as it stands in the file, shown beside its rejection.
    """
    columns = {role: _stripped(column) for role, column in columns.items()}
    reasons = np.zeros(len(numbers), dtype=np.int8)
    for index, role in enumerate(REQUIRED, start=1):
        empty = pc.fill_null(pc.equal(columns[role], ""), True).to_numpy(zero_copy_only=False)
        reasons[(reasons == 0) & empty] = index
    weights, fits = _weights(columns.get("weight"), len(numbers))
    reasons[(reasons == 0) & ~fits] = len(REQUIRED) + 1
    for row in np.flatnonzero(reasons).tolist():
        text = text_of(row)
        if not text.strip():
            tally.skip(BLANK)
            continue
        role = [*REQUIRED, "weight"][reasons[row] - 1]
        reason = f"the {role} is empty"
        if role == "weight":
            reason = f"weight '{columns['weight'][row].as_py()}', {WEIGHT_EXPECTED}"
        tally.reject(reason, int(numbers[row]), text)
    good = np.flatnonzero(reasons == 0)
    tally.accept(len(good))
    if len(good):
        yield from _records(columns, weights[good], numbers[good], good)


def _records(
    columns: Mapping[str, pa.Array], weights: np.ndarray, numbers: np.ndarray, good: np.ndarray
) -> Iterator[Batch]:
    chosen = {role: column.take(pa.array(good)) for role, column in columns.items() if role != "weight"}
    yield TripleBatch(
        heads=chosen["head"],
        relations=chosen["relation"],
        tails=chosen["tail"],
        weights=pa.array(weights, type=pa.float64()),
        sources=pc.fill_null(chosen["source"], "") if "source" in chosen else None,
        lines=pa.array(numbers, type=pa.int64()),
    )
    for end in ("head", "tail"):
        if f"{end}_label" in chosen:
            yield from _labels(chosen[end], chosen[f"{end}_label"], preferred=True)
        if f"{end}_aliases" in chosen:
            aliases = chosen[f"{end}_aliases"]
            lists = aliases if _is_list(aliases.type) else pc.split_pattern(aliases, ALIAS_SEPARATOR)
            names = chosen[end].take(pc.list_parent_indices(lists))
            yield from _labels(names, _stripped(pc.list_flatten(lists)), preferred=False)


def _labels(names: pa.Array, texts: pa.Array, *, preferred: bool) -> Iterator[LabelBatch]:
    """Yield the distinct labels that are not blank."""
    table = pa.table({"names": names, "texts": texts})
    table = table.filter(pc.fill_null(pc.not_equal(table["texts"], ""), False)).group_by(["names", "texts"])
    distinct = table.aggregate([]).combine_chunks()
    if distinct.num_rows:
        flags = pa.array(np.full(distinct.num_rows, preferred))
        yield LabelBatch(entities=_whole(distinct["names"]), texts=_whole(distinct["texts"]), preferred=flags)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _stripped(column: pa.Array) -> pa.Array:
    """Return a column of text without blanks around it; numbers and lists as they are."""
    return pc.utf8_trim_whitespace(column) if pa.types.is_string(column.type) else column


def _weights(column: pa.Array | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of n rows, and which of them can be stored."""
    if column is None:
        return np.ones(count), np.ones(count, dtype=bool)
    values = pc.fill_null(_as_numbers(column), 1.0).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        return values, (values >= MIN_WEIGHT) & (values <= MAX_WEIGHT)


def _as_numbers(column: pa.Array) -> pa.Array:
    try:
        return pc.cast(column, pa.float64())
    except pa.ArrowInvalid:
        # Some text is no number, or a form that only Python reads: each distinct one by itself.
        encoded = column.dictionary_encode()
        numbers = pa.array([_number(text) for text in encoded.dictionary.to_pylist()], type=pa.float64())
        return numbers.take(encoded.indices)


def _number(text: Any) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
