"""Queries and what is relevant to them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kglm.errors import DataError, did_you_mean
from kglm.retrieval.text_files import field_of, json_rows
from kglm.retrieval.text_index import TextIndex


class Judgements(NamedTuple):
    """B queries, and for each the ids of an index that are relevant."""

    queries: list[str]
    relevant: list[set[int]]


def read_judgements(
    path: Path | str, index: TextIndex, *, query_field: str = "query", relevant_field: str = "relevant"
) -> Judgements:
    """Read queries with what is relevant to them.

    Args:
        path: JSON lines, plain or compressed.
        index: whose ids are meant, or whose texts or keys.
        query_field: the text; ``a.b`` goes into inner objects.
        relevant_field: a list or a single one of ids (numbers), or of texts or keys (compared without regard to case
            and to blanks at the ends). A text that stands in the index several times is relevant in each place.

    Raises:
        DataError: the file is missing or damaged, a field is missing or empty, or the index has no such id or text;
            tells the line.
    """
    path = Path(path)
    names, ids = _names(index), frozenset(index.texts.ids().tolist())
    queries, relevant = [], []
    for place, row in json_rows(path, "file of queries"):
        query = _field(path, place, row, query_field)
        if not isinstance(query, str) or not query.strip():
            raise DataError.at(path, place, f"{query_field} is {query!r}; expected a text that is not blank")
        given = _field(path, place, row, relevant_field)
        wanted: set[int] = set()
        for value in given if isinstance(given, list) else [given]:
            found = _find(value, names, ids)
            if not found:
                raise DataError.at(
                    path, place, f"{relevant_field} has {value!r}, which the index '{index.folder}' lacks"
                )
            wanted |= found
        if not wanted:
            raise DataError.at(path, place, f"{relevant_field} is empty; expected at least one id, text or key")
        queries.append(query)
        relevant.append(wanted)
    if not queries:
        raise DataError(f"'{path}' holds no queries")
    return Judgements(queries, relevant)


def _find(value: object, names: Mapping[str, set[int]], ids: frozenset[int]) -> set[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        return {value} & ids
    return names.get(_folded(value), set()) if isinstance(value, str) else set()


def _names(index: TextIndex) -> dict[str, set[int]]:
    """Return the ids of each text and key."""
    found: dict[str, set[int]] = {}
    ids, start = index.texts.ids().tolist(), 0
    for texts, keys in zip(index.texts.chunks(), index.texts.keys(), strict=True):
        for number, text, key in zip(ids[start:], texts, keys, strict=False):
            for name in filter(None, (_folded(text), _folded(key))):
                found.setdefault(name, set()).add(number)
        start += len(texts)
    return found


def _folded(text: str) -> str:
    return text.strip().casefold()


def _field(path: Path, place: int, row: Mapping[str, object], name: str) -> object:
    try:
        return field_of(row, name)
    except KeyError:
        raise DataError.at(
            path, place, f"no field '{name}'{did_you_mean(name, row)}; found {', '.join(row)}"
        ) from None
