"""Any text: files of sentences, and data sets streamed with Hugging Face's ``datasets``."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kglm.data.entity_names import open_text, read_lines
from kglm.errors import ConfigError, DataError

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[]*[A-Z0-9])")
FORMATS = {"json": "json", "jsonl": "json", "parquet": "parquet", "csv": "csv", "arrow": "arrow", "txt": "text"}


def split_sentences(text: str) -> list[str]:
    """Cut a text behind ``.``, ``!`` and ``?`` that white space and a capital or a digit follow, and at line ends."""
    return [part for line in text.splitlines() for part in _SENTENCE_END.split(line) if part.strip()]


def read_text_files(pattern: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the documents of text files, plain or ``.gz``: a sentence on each line, an empty line between documents.

    Raises:
        DataError: no file fits the pattern, or one cannot be read.
    """
    paths = sorted(glob.glob(pattern, recursive=True))
    if not paths:
        raise DataError(f"no file fits the pattern '{pattern}'")
    for path in paths:
        sentences: list[str] = []
        first = 1
        with open_text(path, "text") as lines:
            for number, line in enumerate(read_lines(lines, path), start=1):
                if line.strip():
                    sentences.append(line.strip())
                    continue
                if sentences:
                    yield f"{Path(path).name}:{first}", sentences
                sentences, first = [], number + 1
        if sentences:
            yield f"{Path(path).name}:{first}", sentences


def stream_dataset(
    source: str,
    *,
    column: str,
    split: str = "train",
    limit: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> Iterator[tuple[str, list[str]]]:
    """Yield the texts of a data set one by one, as it is read or downloaded; nothing is kept.

    Args:
        source: a file or a pattern of files (``.jsonl``, ``.json``, ``.parquet``, ``.csv``, ``.arrow``, ``.txt``,
            plain or compressed), or the name of a data set on the Hugging Face Hub.
        column: field of the text, which is cut into sentences by :func:`split_sentences`.
        split: part of the data set.
        limit: number of texts to read; None reads all.
        options: of ``datasets.load_dataset``, such as ``name``.

    Raises:
        ConfigError: ``datasets`` is not installed.
        DataError: the data set cannot be read, or has no such column.
    """
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise ConfigError(
            f"datasets cannot be imported ({error}); install it with: pip install 'kglm[datasets]'"
        ) from error
    arguments = {"path": source, **(options or {})}
    files = sorted(glob.glob(source, recursive=True))
    if files:
        arguments = {**arguments, "path": _format(files[0]), "data_files": files}
    try:
        rows = load_dataset(**arguments, split=split, streaming=True)
        for number, row in enumerate(rows if limit is None else rows.take(limit)):
            if not isinstance(row.get(column), str):
                raise DataError(
                    f"row {number} of '{source}' has no text in column '{column}' (columns: {', '.join(row)})"
                )
            yield f"{source}:{number}", split_sentences(row[column])
    except (OSError, ValueError, ConnectionError) as error:
        raise DataError(f"the data set '{source}' cannot be read: {' '.join(str(error).split())}") from error


def _format(path: str) -> str:
    for suffix in reversed(Path(path).suffixes):
        if suffix[1:] in FORMATS:
            return FORMATS[suffix[1:]]
    raise DataError(f"the format of '{path}' is not known by its name; expected one of {', '.join(FORMATS)}")
