"""Triples of Wikidata's kind, ``Q1 P2 Q3``, with labels, aliases and descriptions from files beside them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from kglm.errors import DataError
from kglm.kg.readers.batches import BATCH_ROWS, merged_batches
from kglm.kg.readers.blocks import NOT_UTF8, FieldBlock, plain_lines, read_field_blocks
from kglm.kg.readers.compression import open_bytes, plain_suffix
from kglm.kg.readers.lines import BLANK, COMMENT, HEADER, read_lines
from kglm.kg.records import Description, Label, LabelBatch, Record, TripleBatch
from kglm.kg.tally import Tally

ID_KEYS = ("wikidata_id", "id", "qid", "mid", "entity")
ALIAS_KEYS = ("aliases", "alternatives", "altLabels")
ROW_LAYOUT = ("id", "label", "description", "aliases")
_HASH = ord("#")
NO_LABEL = "no label"


class Entry(NamedTuple):
    """What a label file says of one id."""

    id: str
    label: str
    aliases: tuple[str, ...] = ()
    description: str = ""


def read_wikidata(
    path: Path | str,
    tally: Tally,
    *,
    labels: str | None = None,
    relation_labels: str | None = None,
    label_key: str | None = None,
) -> Iterator[Record]:
    """Yield triples in batches, then labels, aliases and descriptions.

    A line holds three names between blanks or tabs; blank lines and lines that begin with ``#`` are skipped. The
    label files are read as

    - a table ``id label [description] [aliases separated by |]`` between tabs; a header with a column ``label``
      may name other columns, whose keys are those of JSON;
    - JSON Lines (``.jsonl``): objects with an id (``wikidata_id``, ``id``, ``qid``, ``mid`` or ``entity``),
      ``label``, ``description``, and ``aliases``, ``alternatives`` or ``altLabels`` as a list or between ``|``;
    - one JSON object (``.json``): from id to label, or to such an object.

    The tally counts the lines of all these files; each entry of a ``.json`` file counts as a line.

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
    names = {} if relation_labels is None else _relation_names(_read_entries(relation_labels, tally, label_key))
    yield from merged_batches(_triples(path, tally, names))
    if labels is not None:
        for entries in _chunks(_read_entries(labels, tally, label_key)):
            yield _label_batch(entries)
            yield from (Description(entry.id, entry.description) for entry in entries if entry.description)


def _chunks(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while chunk := list(islice(entries, BATCH_ROWS)):
        yield chunk


def _label_batch(entries: Iterable[Entry]) -> LabelBatch:
    rows = [
        Label(entry.id, text, preferred=first)
        for entry in entries
        for text, first in ((entry.label, True), *((alias, False) for alias in entry.aliases))
        if text
    ]
    names, texts, preferred = ([row[k] for row in rows] for k in range(3))
    return LabelBatch(
        entities=pa.array(names, type=pa.string()),
        texts=pa.array(texts, type=pa.string()),
        preferred=pa.array(preferred, type=pa.bool_()),
    )


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


def _read_entries(path: Path | str, tally: Tally, key: str | None) -> Iterator[Entry]:
    """Yield the entries of a label file, each with its verdict."""
    path = Path(path)
    kind = plain_suffix(path)
    layout: tuple[str, ...] = ROW_LAYOUT
    if kind == ".json":
        yield from _json_entries(path, tally, key)
        return
    for line in read_lines(path, tally, "label file"):
        if not line.strip():
            tally.skip(BLANK)
            continue
        if kind == ".jsonl":
            found = _parse_json_line(line, key)
        elif tally.line == 1 and (header := _header(line, key)):
            layout = header
            tally.skip(HEADER)
            continue
        else:
            found = _parse_row(line, layout)
        if entry := _judged(found, tally):
            yield entry


def _judged(found: Entry | str, tally: Tally) -> Entry | None:
    """Pass the verdict on an entry."""
    if isinstance(found, str):
        tally.reject(found)
    elif not (found.label or found.aliases or found.description):
        tally.skip(NO_LABEL)
    else:
        tally.accept()
        return found
    return None


def _header(line: str, key: str | None) -> tuple[str, ...]:
    """Return what the columns of a table are, by Entry's fields, or nothing where the line is no header."""
    names = [name.strip() for name in line.split("\t")]
    if "label" not in names[1:]:
        return ()
    ids = ID_KEYS if key is None else (key,)
    roles = {**dict.fromkeys(ids, "id"), **dict.fromkeys(ALIAS_KEYS, "aliases")}
    layout = tuple(roles.get(name, name) for name in names)
    return layout if "id" in layout else ("id", *layout[1:])


def _parse_row(line: str, layout: tuple[str, ...]) -> Entry | str:
    fields = [field.strip() for field in line.split("\t")]
    if not 2 <= len(fields) <= len(layout):
        return f"{len(fields)} tab-separated columns, expected 2 to {len(layout)}: {' '.join(layout)}"
    values = dict(zip(layout, fields, strict=False))
    if not values.get("id"):
        return "the id is empty"
    aliases = _split_aliases(values.get("aliases", ""))
    return Entry(values["id"], values.get("label", ""), aliases, values.get("description", ""))


def _parse_json_line(line: str, key: str | None) -> Entry | str:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"
    if not isinstance(values, dict):
        return f"{type(values).__name__} in JSON, expected an object with an id and a label"
    keys = ID_KEYS if key is None else (key,)
    name = next((values[k] for k in keys if values.get(k)), None)
    if not isinstance(name, str):
        return f"no id; expected a text under {' or '.join(keys)}"
    return _entry(name, values)


def _json_entries(path: Path, tally: Tally, key: str | None) -> Iterator[Entry]:
    try:
        with open_bytes(path, "label file") as handle:
            values = json.loads(handle.read())
    except (ValueError, RecursionError) as error:
        raise DataError(f"label file '{path}': not JSON ({error})") from error
    if not isinstance(values, dict):
        raise DataError(f"label file '{path}': {type(values).__name__} in JSON, expected an object from id to label")
    tally.start(path)
    for name, value in values.items():
        tally.read()
        tally.line += 1
        tally.text = f"{name}: {value}"
        if isinstance(value, dict) and key is not None:
            name = value.get(key)
        found = _entry(name, {"label": value} if isinstance(value, str) else value)
        if entry := _judged(found, tally):
            yield entry


def _entry(name: Any, values: Any) -> Entry | str:
    """Return the entry that a JSON object makes, or what is wrong with it."""
    if not isinstance(name, str) or not name.strip():
        return "the id is empty"
    if not isinstance(values, dict):
        return f"{type(values).__name__} for '{name}', expected a label or an object with one"
    label, description = values.get("label") or "", values.get("description") or ""
    aliases: Any = next((values[k] for k in ALIAS_KEYS if values.get(k)), ())
    aliases = _split_aliases(aliases) if isinstance(aliases, str) else aliases
    texts: list[Any] = [name, label, description, *aliases] if isinstance(aliases, list | tuple) else [None]
    if not all(isinstance(text, str) for text in texts):
        return f"label, description or aliases of '{name}' are not text"
    if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
        return "half a character is escaped, which UTF-8 cannot write"
    return Entry(
        name.strip(), label.strip(), tuple(alias.strip() for alias in aliases if alias.strip()), description.strip()
    )


def _split_aliases(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())
