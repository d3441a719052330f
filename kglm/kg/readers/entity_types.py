"""What entities are: a JSON object from each to its types, with labels and descriptions from files beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from kglm.errors import DataError
from kglm.kg.readers.compression import open_bytes
from kglm.kg.readers.entity_entries import HALF_ESCAPED, EntryLayout, entity_records
from kglm.kg.records import LabelBatch, Record, Triple
from kglm.kg.strings import is_unicode
from kglm.kg.tally import Tally


def read_entity_types(
    path: Path | str,
    tally: Tally,
    *,
    relation: str = "instance of",
    labels: str | None = None,
    type_labels: str | None = None,
    keep_labelled: bool = False,
) -> Iterator[Record]:
    """Yield a triple ``entity --instance of--> type`` for each type of each entity, then labels and descriptions.

    The form is that of CoDEx's ``entity2types.json``: ``{"Q937": ["Q5", ...], ...}``. The tally counts each entity
    as a line, and the lines of the label files.

    Args:
        path: the object, plain or compressed.
        tally: counts lines.
        relation: what the triples are called.
        labels: file of entity labels; see :mod:`kglm.kg.readers.entity_entries`.
        type_labels: a second such file, which has its say where the first knows no label.
        keep_labelled: entities that only ``labels`` names belong to the graph too.

    Raises:
        DataError: a file is missing or damaged, or more lines are rejected than allowed.
    """
    yield from _triples(path, tally, relation)
    for file, standalone in ((labels, keep_labelled), (type_labels, False)):
        if file is not None:
            for record in entity_records(file, tally, EntryLayout()):
                yield replace(record, standalone=standalone) if isinstance(record, LabelBatch) else record


def _triples(path: Path | str, tally: Tally, relation: str) -> Iterator[Triple]:
    path = Path(path)
    try:
        with open_bytes(path, "graph source") as handle:
            values = json.loads(handle.read().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"'{path}' is not JSON ({error})") from error
    if not isinstance(values, dict):
        raise DataError(
            f"'{path}' holds {type(values).__name__} in JSON; expected an object from entity to its types"
        )
    tally.start(path)
    for entity, types in values.items():
        tally.read()
        tally.line += 1
        tally.text = f"{entity}: {types}".encode("utf-8", "backslashreplace").decode("utf-8")
        if not (isinstance(types, list) and all(isinstance(name, str) and name.strip() for name in types)):
            tally.reject("the types are no list of names")
        elif not entity.strip():
            tally.reject("the entity has no name")
        elif not all(map(is_unicode, (entity, *types))):
            tally.reject(HALF_ESCAPED)
        else:
            tally.accept()
            yield from (Triple(entity.strip(), relation, name.strip()) for name in types)
