"""Readers: from a source in some format to a stream of records."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from kglm.errors import ConfigError, UnknownNameError, did_you_mean
from kglm.kg.readers.batches import one_by_one
from kglm.kg.readers.dataset import HUB_PREFIX
from kglm.kg.readers.detection import detect_format
from kglm.kg.records import Record
from kglm.kg.tally import Tally

# Named in the cache key of every compiled graph; raise it with any change of what a reader yields.
VERSION = 4

_KINDS: dict[type, str] = {
    str: "text",
    bool: "true, false",
    int: "a whole number",
    type(None): "null",
    Mapping: "a group of values",
    Sequence: "a list",
}

Reader = Callable[..., Iterator[Record]]
"""``reader(path, tally, **options)``: yields records, and passes a verdict on each line to the tally."""


@dataclass(frozen=True)
class ReaderEntry:
    """Where a reader stands, as ``module:function``, imported when it is first used.

    Attributes:
        function: the place.
        file_options: those of its options that name further files.
    """

    function: str
    file_options: tuple[str, ...] = ()


READERS: dict[str, ReaderEntry] = {
    "arrow": ReaderEntry("kglm.kg.readers.parquet:read_arrow"),
    "conceptnet5": ReaderEntry("kglm.kg.readers.conceptnet5:read_conceptnet5"),
    "conceptnet_merged": ReaderEntry("kglm.kg.readers.conceptnet_merged:read_conceptnet_merged"),
    "csv": ReaderEntry("kglm.kg.readers.csv_rows:read_csv", ("labels",)),
    "dataset": ReaderEntry("kglm.kg.readers.dataset:read_dataset"),
    "entity_types": ReaderEntry("kglm.kg.readers.entity_types:read_entity_types", ("labels", "type_labels")),
    "parquet": ReaderEntry("kglm.kg.readers.parquet:read_parquet"),
    "rdf": ReaderEntry("kglm.kg.readers.rdf:read_rdf"),
    "tsv": ReaderEntry("kglm.kg.readers.tsv:read_tsv", ("labels",)),
    "turtle": ReaderEntry("kglm.kg.readers.rdf:read_turtle"),
    "wikidata": ReaderEntry("kglm.kg.readers.wikidata:read_wikidata", ("labels", "relation_labels")),
    "wordnet": ReaderEntry("kglm.kg.readers.wordnet:read_wordnet"),
}


def read_records(
    source: Path | str, tally: Tally, format: str | None = None, options: Mapping[str, Any] | None = None
) -> Iterator[Record]:
    """Yield the records of a source in the format given, or in the one that its content and name show.

    Args:
        source: a file or folder, or ``hf://NAME``.
        tally: counts what becomes of each line.
        format: name of a reader; None tells it from the source.
        options: the reader's own options.

    Raises:
        UnknownNameError: there is no reader for ``format``.
        ConfigError: the reader has no such option, or its value is not allowed.
        DataError: the source is missing or cannot be read, or more lines are rejected than allowed.
    """
    format = format or detect_format(source)
    options = dict(options or {})
    check_options(format, options)
    place = str(source) if str(source).startswith(HUB_PREFIX) else Path(source)
    return _accounted(find_reader(format)(place, tally, **options), tally)


def _accounted(records: Iterator[Record], tally: Tally) -> Iterator[Record]:
    yield from records
    tally.require_settled()


@cache
def find_reader(format: str) -> Reader:
    """Return the reader for a format.

    Raises:
        UnknownNameError: there is none.
    """
    module, function = _entry(format).function.split(":")
    reader: Reader = getattr(import_module(module), function)
    return reader


def reader_options(format: str) -> dict[str, Any]:
    """Return the options of a reader with their defaults.

    Raises:
        UnknownNameError: there is no reader for ``format``.
    """
    parameters = inspect.signature(find_reader(format)).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


def check_options(format: str, options: Mapping[str, Any]) -> None:
    """Check that a reader has these options, and their types; it checks the values when it begins to read.

    Raises:
        UnknownNameError: there is no reader for ``format``.
        ConfigError: it has no such option, or one has a value of another type.
    """
    known = reader_options(format)
    reader = find_reader(format)
    hints = get_type_hints(getattr(reader, "func", reader))
    for name, value in options.items():
        if name not in known:
            allowed = f"options: {', '.join(known)}" if known else "it has none"
            raise ConfigError(
                f"the reader '{format}' has no option '{name}'{did_you_mean(str(name), known)} ({allowed})"
            )
        kinds = _alternatives(hints[name])
        if not any(isinstance(value, kind) for kind in kinds) or (isinstance(value, bool) and bool not in kinds):
            expected = " or ".join(_KINDS.get(kind, kind.__name__) for kind in kinds)
            raise ConfigError(f"option '{name}' of the reader '{format}' is {value!r}; allowed: {expected}")


def _alternatives(hint: Any) -> list[type]:
    """Return the plain types that an annotation allows."""
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return [get_origin(part) or part for part in parts]


def option_files(format: str, options: Mapping[str, Any]) -> dict[str, Path]:
    """Return the files that options name, by option."""
    return {name: Path(options[name]) for name in _entry(format).file_options if options.get(name) is not None}


def _entry(format: str) -> ReaderEntry:
    if format not in READERS:
        raise UnknownNameError("graph format", format, READERS)
    return READERS[format]


__all__ = [
    "READERS",
    "Reader",
    "check_options",
    "detect_format",
    "find_reader",
    "one_by_one",
    "option_files",
    "read_records",
    "reader_options",
]
