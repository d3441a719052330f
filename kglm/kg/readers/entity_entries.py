"""Files that tell of entities: labels, aliases and descriptions, read beside triples.

Three forms are read, told by the file's ending, plain or compressed:

- a table ``id label [description] [aliases separated by |]`` between tabs; a header with a column ``label`` may name
  other columns, whose keys are those of JSON;
- JSON Lines (``.jsonl``): objects with an id (``wikidata_id``, ``id``, ``qid``, ``mid`` or ``entity``), ``label``,
  ``description``, and ``aliases``, ``alternatives`` or ``altLabels`` as a list or between ``|``;
- one JSON object (``.json``): from id to label, or to such an object.

Other keys are named by a layout, see :class:`EntryLayout`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow as pa

from kglm.errors import ConfigError, DataError, did_you_mean
from kglm.kg.readers.batches import BATCH_ROWS
from kglm.kg.readers.compression import open_bytes, plain_suffix
from kglm.kg.readers.lines import BLANK, HEADER, read_lines
from kglm.kg.records import Description, Label, LabelBatch, Record
from kglm.kg.strings import is_unicode
from kglm.kg.tally import Tally

ROW_LAYOUT = ("id", "label", "description", "aliases")
NO_LABEL = "no label"
OTHER_ID = "id of another kind"
HALF_ESCAPED = "half a character is escaped, which UTF-8 cannot write"
_PAGE = re.compile(r"https?://[^/]+/wiki/(.+)")


class Entry(NamedTuple):
    """What a label file says of one id."""

    id: str
    label: str
    aliases: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class EntryLayout:
    """Under which keys (of JSON) or columns (of a table with a header) a label file says what.

    Attributes:
        id: the first that is there holds the entity's name.
        label: likewise; where one is also among ``aliases``, its first alias is the label.
        description: likewise.
        aliases: all that are there. A wiki page's address (``https://en.wikipedia.org/wiki/King%27s_Lynn``) stands
            for its title.
        id_pattern: regular expression that a whole id must match; its first group, where it has one, is the entity's
            name. Entries with other ids are skipped.
        underscores: whether underscores in labels and aliases stand for blanks.
    """

    id: tuple[str, ...] = ("wikidata_id", "id", "qid", "mid", "entity")
    label: tuple[str, ...] = ("label",)
    description: tuple[str, ...] = ("description",)
    aliases: tuple[str, ...] = ("aliases", "alternatives", "altLabels")
    id_pattern: re.Pattern[str] | None = None
    underscores: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any] | None) -> EntryLayout:
        """Return the layout that a reader's option states; what it leaves out is as usual.

        Raises:
            ConfigError: a name is unknown, or a value is not allowed.
        """
        known = [field.name for field in fields(cls)]
        values: dict[str, Any] = {}
        for name, value in (options or {}).items():
            if name not in known:
                raise ConfigError(
                    f"label_layout has no '{name}'{did_you_mean(str(name), known)} ({', '.join(known)})"
                )
            values[name] = _checked(name, value)
        return cls(**values)

    def names(self) -> dict[str, str]:
        """Return the role of each column that a table may have; a column of two roles is one of aliases."""
        roles = ("label", "description", "id", "aliases")
        return {name: role for role in roles for name in getattr(self, role)}

    @property
    def has_own_columns(self) -> bool:
        """Whether the columns are named, so that a table must have a header."""
        usual = EntryLayout()
        return any(getattr(self, role) != getattr(usual, role) for role in ROW_LAYOUT)


def _checked(name: str, value: Any) -> Any:
    """Return a value of a layout in its own type."""
    if name == "underscores":
        if not isinstance(value, bool):
            raise ConfigError(f"label_layout.{name} is {value!r}; allowed: true, false")
        return value
    if name == "id_pattern":
        try:
            return re.compile(value)
        except (re.error, TypeError) as error:
            raise ConfigError(f"label_layout.{name} is {value!r}, not a regular expression ({error})") from error
    keys = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
    if not keys or not all(isinstance(key, str) and key for key in keys):
        raise ConfigError(
            f"label_layout.{name} is {value!r}; allowed: the name of a key or column, or a list of them"
        )
    return keys


def with_entities(
    records: Iterator[Record], tally: Tally, labels: str | None, label_layout: Mapping[str, Any] | None
) -> Iterator[Record]:
    """Yield records, and then what a reader's options ``labels`` and ``label_layout`` add to them.

    Raises:
        ConfigError: the layout is wrong, or stands without a file.
        DataError: the file is missing or damaged, or more lines are rejected than allowed.
    """
    layout = EntryLayout.from_options(label_layout)
    if labels is None and label_layout:
        raise ConfigError("label_layout is given without labels; expected a file of labels too")
    yield from records
    if labels is not None:
        yield from entity_records(labels, tally, layout)


def entity_records(path: Path | str, tally: Tally, layout: EntryLayout) -> Iterator[LabelBatch | Description]:
    """Yield what a label file says. Entries of entities that no triple names do no harm: the builder drops them.

    Args:
        path: the file, see the module.
        tally: counts lines; each entry of a ``.json`` file counts as a line.
        layout: the keys.

    Raises:
        DataError: the file is missing or damaged, or more lines are rejected than allowed.
    """
    entries = read_entries(path, tally, layout)
    while chunk := list(islice(entries, BATCH_ROWS)):
        yield _label_batch(chunk)
        yield from (Description(entry.id, entry.description) for entry in chunk if entry.description)


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


def read_entries(path: Path | str, tally: Tally, layout: EntryLayout) -> Iterator[Entry]:
    """Yield the entries of a label file, each with its verdict.

    Raises:
        DataError: the file is missing or damaged, or more lines are rejected than allowed.
    """
    path = Path(path)
    found = _json_entries(path, tally, layout) if plain_suffix(path) == ".json" else _lines(path, tally, layout)
    for entry in found:
        if isinstance(entry, str):
            tally.reject(entry)
        elif layout.id_pattern is not None and not layout.id_pattern.fullmatch(entry.id):
            tally.skip(OTHER_ID)
        elif not (entry.label or entry.aliases or entry.description):
            tally.skip(NO_LABEL)
        else:
            tally.accept()
            yield _tidy(entry, layout)


def _tidy(entry: Entry, layout: EntryLayout) -> Entry:
    match = layout.id_pattern.fullmatch(entry.id) if layout.id_pattern is not None else None
    name = match.group(1) if match is not None and match.groups() else entry.id
    aliases = [_title(alias) for alias in entry.aliases]
    texts = [text.replace("_", " ") if layout.underscores else text for text in (entry.label, *aliases)]
    label = texts[0] or (texts[1] if len(texts) > 1 and set(layout.label) & set(layout.aliases) else "")
    return Entry(name, label, tuple(text for text in texts[1:] if text != label), entry.description)


def _title(text: str) -> str:
    match = _PAGE.fullmatch(text)
    return text if match is None else unquote(match.group(1), errors="replace").replace("_", " ").strip()


def _lines(path: Path, tally: Tally, layout: EntryLayout) -> Iterator[Entry | str]:
    """Yield what each line of a table or of JSON Lines says, or what is wrong with it."""
    columns: tuple[str, ...] = () if layout.has_own_columns else ROW_LAYOUT
    for line in read_lines(path, tally, "label file"):
        if not line.strip():
            tally.skip(BLANK)
        elif plain_suffix(path) == ".jsonl":
            yield _parse_json_line(line, layout)
        elif tally.line == 1 and (header := _header(line, layout)):
            columns = header
            tally.skip(HEADER)
        elif not columns:
            raise DataError.at(path, tally.line, f"no header with a column for the id: {' or '.join(layout.id)}")
        else:
            yield _parse_row(line, columns)


def _header(line: str, layout: EntryLayout) -> tuple[str, ...]:
    """Return what the columns of a table are, by Entry's fields, or nothing where the line is no header."""
    names = [name.strip() for name in line.split("\t")]
    roles = layout.names()
    columns = tuple(roles.get(name, "") for name in names)
    if layout.has_own_columns:
        return columns if "id" in columns else ()
    if "label" not in names[1:]:
        return ()
    return columns if "id" in columns else ("id", *columns[1:])


def _parse_row(line: str, columns: tuple[str, ...]) -> Entry | str:
    cells = [cell.strip() for cell in line.split("\t")]
    if not 2 <= len(cells) <= len(columns):
        names = " ".join(column for column in columns if column)
        return f"{len(cells)} tab-separated columns, expected 2 to {len(columns)}: {names}"
    pairs = [(role, cell) for role, cell in zip(columns, cells, strict=False) if role and cell]
    values = dict(reversed(pairs))
    if "id" not in values:
        return "the id is empty"
    aliases = [alias for role, cell in pairs if role == "aliases" for alias in _split(cell)]
    return Entry(values["id"], values.get("label", ""), tuple(aliases), values.get("description", ""))


def _parse_json_line(line: str, layout: EntryLayout) -> Entry | str:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"
    if not isinstance(values, dict):
        return f"{type(values).__name__} in JSON, expected an object with an id and a label"
    name = _first(values, layout.id)
    if not isinstance(name, str):
        return f"no id; expected a text under {' or '.join(layout.id)}"
    return _entry(name, values, layout)


def _json_entries(path: Path, tally: Tally, layout: EntryLayout) -> Iterator[Entry | str]:
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
        if isinstance(value, dict) and layout.id != EntryLayout().id:
            name = _first(value, layout.id)
        yield _entry(name, {layout.label[0]: value} if isinstance(value, str) else value, layout)


def _entry(name: Any, values: Any, layout: EntryLayout) -> Entry | str:
    """Return the entry that a JSON object makes, or what is wrong with it."""
    if not isinstance(name, str) or not name.strip():
        return "the id is empty"
    if not isinstance(values, dict):
        return f"{type(values).__name__} for '{name}', expected a label or an object with one"
    keys = [key for key in layout.label if key not in layout.aliases]
    label, description = _first(values, keys) or "", _first(values, layout.description) or ""
    aliases: list[Any] = []
    for value in (values[key] for key in layout.aliases if values.get(key)):
        aliases += _split(value) if isinstance(value, str) else value if isinstance(value, list) else [value]
    texts: list[Any] = [name, label, description, *aliases]
    if not all(isinstance(text, str) for text in texts):
        return f"label, description or aliases of '{name}' are not text"
    if not all(map(is_unicode, texts)):
        return HALF_ESCAPED
    stripped = tuple(alias.strip() for alias in aliases if alias.strip())
    return Entry(name.strip(), label.strip(), stripped, description.strip())


def _first(values: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((values[key] for key in keys if values.get(key)), None)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())
