"""Triples from a Hugging Face data set: saved on disk, from the hub, or in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from kglm.errors import ConfigError, DataError, did_you_mean
from kglm.kg.readers.batches import BATCH_ROWS, merged_batches
from kglm.kg.readers.parquet import arrow_batches, read_tables
from kglm.kg.readers.table import Batch, Columns, check_columns, positions
from kglm.kg.records import Record
from kglm.kg.tally import Tally

HUB_PREFIX = "hf://"
STATE, SPLITS = "state.json", "dataset_dict.json"


def is_saved_dataset(path: Path) -> bool:
    """Say whether a folder was made by ``save_to_disk``."""
    return (path / STATE).is_file() or (path / SPLITS).is_file()


def read_dataset(
    source: Path | str,
    tally: Tally,
    *,
    columns: Columns = None,
    split: str | None = None,
    config: str | None = None,
    revision: str | None = None,
) -> Iterator[Record]:
    """Yield the triples of a data set in batches; the tally counts rows.

    Args:
        source: a folder made by ``save_to_disk`` (read as it stands, without the ``datasets`` package), or
            ``hf://NAME`` with the name of a data set on the hub or the folder of its files, which is streamed
            through the ``datasets`` package.
        tally: counts rows.
        columns: role to column, as for tab-separated files; None takes the columns named as the roles.
        split: which split; None takes all, one after another.
        config: the data set's configuration, for ``hf://``.
        revision: the data set's revision on the hub, for ``hf://``; name one for a graph that can be made again.

    Raises:
        ConfigError: an option is wrong or does not fit the source, or the ``datasets`` package is missing.
        DataError: the source is missing or damaged, or lacks a column or the split.
    """
    check_columns(columns)
    if str(source).startswith(HUB_PREFIX):
        return merged_batches(_hub(str(source).removeprefix(HUB_PREFIX), tally, columns, split, config, revision))
    for name, value in (("config", config), ("revision", revision)):
        if value is not None:
            raise ConfigError(
                f"{name} is {value!r}, but the source '{source}' is a folder; allowed with {HUB_PREFIX}"
            )
    return merged_batches(_saved(Path(source), tally, columns, split))


def read_rows(rows: Iterable[Mapping[str, Any]], tally: Tally, *, columns: Columns = None) -> Iterator[Record]:
    """Yield the triples of rows in memory: a ``datasets.Dataset``, or any iterable of mappings, in batches.

    Raises:
        ConfigError: the map is wrong.
        DataError: a row lacks a column, or more rows are rejected than allowed.
    """
    check_columns(columns)
    return merged_batches(read_tables(_tables(iter(rows), columns), Path("rows"), tally, columns))


def _tables(rows: Iterator[Mapping[str, Any]], columns: Columns) -> Iterator[pa.RecordBatch]:
    """Yield rows as tables of the columns with a role."""
    first = next(rows, None)
    if first is None:
        return
    names = list(first)
    wanted = [names[place] for place in sorted(set(positions(names, columns, "rows").values()))]
    by_position = columns is not None and any(isinstance(column, int) for column in columns.values())
    wanted = names if by_position else wanted
    rows = chain([first], rows)
    while chunk := list(islice(rows, BATCH_ROWS)):
        yield pa.RecordBatch.from_arrays([_column([row.get(name) for row in chunk], name) for name in wanted], wanted)


def _column(values: list[Any], name: str) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Mixed types, such as numbers and text: as text, for the verdict on each row.
        return pa.array([None if value is None else str(value) for value in values])
    except UnicodeEncodeError as error:
        raise DataError(f"column '{name}' holds {error.object!a}, which UTF-8 cannot write") from error


def _saved(folder: Path, tally: Tally, columns: Columns, split: str | None) -> Iterator[Batch]:
    if (folder / SPLITS).is_file():
        names = _json(folder / SPLITS).get("splits")
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise DataError(f"{folder / SPLITS}: expected a list of names under 'splits'")
        _check_split(split, names, str(folder))
        folders = [folder / name for name in names if split in (None, name)]
    elif split is not None:
        raise DataError(f"the data set '{folder}' has no splits, but split '{split}' is asked for")
    else:
        folders = [folder]
    for part in folders:
        yield from _saved_split(part, tally, columns)


def _saved_split(folder: Path, tally: Tally, columns: Columns) -> Iterator[Batch]:
    files = _json(folder / STATE).get("_data_files")
    names = [entry.get("filename") if isinstance(entry, dict) else None for entry in files or ()]
    if not isinstance(files, list) or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise DataError(f"{folder / STATE}: expected a list of files of this folder under '_data_files'")
    present = {path.name for path in folder.iterdir() if path.is_file()}
    for name in names:
        if name not in present:
            raise DataError(f"{folder / STATE} names '{name}', which is not in the folder")
        yield from read_tables(arrow_batches(folder / str(name)), folder / str(name), tally, columns)


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"'{path.parent}' is no saved data set: it has no {path.name}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({error})") from error
    if not isinstance(values, dict):
        raise DataError(f"{path}: {type(values).__name__} in JSON, expected an object")
    return values


def _check_split(split: str | None, names: list[str], source: str) -> None:
    if split is not None and split not in names:
        raise DataError(f"'{source}' has no split '{split}'{did_you_mean(split, names)} (splits: {', '.join(names)})")


def _hub(
    name: str, tally: Tally, columns: Columns, split: str | None, config: str | None, revision: str | None
) -> Iterator[Batch]:
    try:
        import datasets
    except ImportError as error:
        raise ConfigError(
            f"graph source '{HUB_PREFIX}{name}' needs the package 'datasets': pip install 'kglm[datasets]'"
        ) from error
    try:
        splits = datasets.load_dataset(name, config, revision=revision, streaming=True)
    except Exception as error:  # whatever the package, its hub client or a file system of its raise
        raise DataError(f"the data set '{name}' cannot be loaded: {error}") from error
    _check_split(split, list(splits), name)
    for part in splits:
        if split in (None, part):
            yield from read_tables(_tables(_streamed(splits[part], name), columns), Path(name) / part, tally, columns)


def _streamed(rows: Iterable[Mapping[str, Any]], name: str) -> Iterator[Mapping[str, Any]]:
    try:
        yield from rows
    except Exception as error:  # as above
        raise DataError(f"the data set '{name}' breaks off: {error}") from error
