"""Entities by what people call them: exactly, by how a name begins, by a part of it, or nearly right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from textwrap import shorten
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kglm.errors import KglmError, UnknownNameError
from kglm.inspection.strings import chunks
from kglm.kg import KnowledgeGraph
from kglm.kg.strings import StringTable, is_unicode

SearchMode = Literal["prefix", "substring", "fuzzy"]
SEARCH_MODES: tuple[SearchMode, ...] = get_args(SearchMode)

MAX_LISTED = 8
DESCRIPTION_WIDTH = 70
NEARLY = """
    SELECT row, damerau_levenshtein(lower(form), $query) AS distance FROM forms
    WHERE abs(length(form) - $length) <= $slips AND distance <= $slips ORDER BY row
"""
SUGGESTIONS = 3


class AmbiguousNameError(KglmError):
    """Several entities are called the same."""


@dataclass(frozen=True, kw_only=True)
class NameMatch:
    """An entity that a search found.

    Attributes:
        id: the entity's id.
        name: its name in the graph.
        label: what a person reads.
        form: the name, label or alias that matched.
        kind: which of these ``form`` is.
        degree: its distinct neighbours.
        description: what it is; empty where the graph does not tell.
    """

    id: int
    name: str
    label: str
    form: str
    kind: Literal["name", "label", "alias"]
    degree: int
    description: str


@dataclass(frozen=True, kw_only=True)
class NameMatches:
    """What a search found: how many entities in all, and the first of them."""

    query: str
    mode: SearchMode
    total: int
    matches: tuple[NameMatch, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values; the keys are the attributes' names."""
        return asdict(self)


def search_names(graph: KnowledgeGraph, query: str, mode: SearchMode = "prefix", limit: int = 20) -> NameMatches:
    """Return the entities whose name, label or alias matches, whatever the case.

    Those called exactly so come first, then (with ``fuzzy``) the nearest, then those with most neighbours.

    Args:
        graph: where to search.
        query: what is typed.
        mode: ``prefix`` bisects the sorted tables (the case as typed, lower, upper or capitalised); ``substring``
            reads them through; ``fuzzy`` allows one to three slips of the pen (Damerau-Levenshtein distance: one up
            to four characters, two up to eight).
        limit: how many matches are returned.

    Raises:
        ValueError: the query is blank or the mode unknown.
    """
    if not query.strip():
        raise ValueError("the query is blank")
    if mode not in SEARCH_MODES:
        raise ValueError(f"mode '{mode}' is not allowed; allowed: {', '.join(SEARCH_MODES)}")
    if not is_unicode(query):
        return NameMatches(query=query, mode=mode, total=0, matches=())
    find = {"prefix": _by_prefix, "substring": _by_substring, "fuzzy": _by_distance}[mode]
    entities, forms, distances = _join(graph, find(graph.surfaces, query), find(graph.entities, query))
    first = _first_of_each(entities, distances, forms)
    entities, forms, distances = entities[first], forms[first], distances[first]
    exact = np.isin(entities, find_entities(graph, query))
    order = np.lexsort((entities, -_degrees(graph, entities), distances, ~exact))[:limit]
    matches = tuple(_match(graph, int(entities[at]), int(forms[at])) for at in order)
    return NameMatches(query=query, mode=mode, total=len(entities), matches=matches)


def find_entities(graph: KnowledgeGraph, text: str) -> list[int]:
    """Return the entities called exactly ``text``: the one of this name, or else all with this label or alias.

    The case as typed is tried first, then lower, capitalised and upper; underscores may stand for blanks. Of several,
    those that the form was seen to mean most often come first, then those with most neighbours.
    """
    for form in _spellings(text):
        entity = graph.entities.find(form)
        if entity >= 0:
            return [entity]
        surface = graph.surfaces.find(form)
        if surface >= 0:
            span = slice(int(graph.surface_indptr[surface]), int(graph.surface_indptr[surface + 1]))
            bearers = graph.surface_entities[span].astype(np.int64)
            order = np.lexsort((bearers, -_degrees(graph, bearers), -graph.surface_counts[span].astype(np.int64)))
            return bearers[order].tolist()
    return []


def resolve_entity(graph: KnowledgeGraph, text: str) -> int:
    """Return the one entity that a person means by a name, a label or an alias.

    Of several that bear the form, one whose label it is comes before those with it as an alias.

    Raises:
        UnknownNameError: there is none; proposes the nearest.
        AmbiguousNameError: there are several; lists them.
    """
    found = find_entities(graph, text)
    if len(found) > 1:
        spellings = _spellings(text)
        labelled = [entity for entity in found if graph.labels[entity] in spellings]
        found = labelled if len(labelled) == 1 else found
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnknownNameError("entity", text, suggestions(graph, text), count=graph.num_entities)
    listed = "\n  ".join(_introduce(graph, entity) for entity in found[:MAX_LISTED])
    more = f"\n  ... and {len(found) - MAX_LISTED} more" if len(found) > MAX_LISTED else ""
    raise AmbiguousNameError(f"'{text}' may be any of {len(found)} entities; name one of them:\n  {listed}{more}")


def resolve_relations(graph: KnowledgeGraph, names: Sequence[str] | None) -> list[str] | None:
    """Return relations by the names they have in the graph, whatever the case typed; None stays None (all).

    Raises:
        UnknownNameError: there is no such relation; proposes the nearest.
    """
    if names is None:
        return None
    folded: dict[str, list[str]] = {}
    for relation in graph.relations:
        folded.setdefault(relation.casefold(), []).append(relation)
    found = []
    for name in names:
        alike = folded.get(name.casefold(), [])
        exact = name in graph.relations or len(alike) != 1
        found.append(graph.relations[graph.relation_id(name)] if exact else alike[0])
    return found


def suggestions(graph: KnowledgeGraph, text: str) -> list[str]:
    """Return the labels nearest to ``text``, the likeliest first."""
    if not text.strip():
        return []
    return list(dict.fromkeys(match.form for match in search_names(graph, text, "fuzzy", SUGGESTIONS).matches))


def names_starting(graph: KnowledgeGraph, text: str, limit: int = 50) -> list[str]:
    """Return labels, aliases and names that begin with ``text``, as they are to be typed; for completion."""
    found: dict[str, None] = {}
    for table in (graph.surfaces, graph.entities):
        for form in _spellings(text):
            low, high = table.prefix_range(form)
            found.update(dict.fromkeys(table[index] for index in range(low, min(high, low + limit))))
    return list(found)[:limit]


def aliases(graph: KnowledgeGraph, entity: int, limit: int = 20) -> list[str]:
    """Return other forms of an entity than its label; reads the whole table of forms once."""
    owners = np.flatnonzero(np.asarray(graph.surface_entities) == entity)
    surfaces = np.searchsorted(graph.surface_indptr, owners, side="right") - 1
    label = graph.labels[entity]
    return [form for form in (graph.surfaces[int(surface)] for surface in surfaces) if form != label][:limit]


def _spellings(text: str) -> list[str]:
    cased = [text, text.lower(), text.capitalize(), text.title(), text.upper()]
    spaced = [form.replace(" ", "_") for form in cased] + [form.replace("_", " ") for form in cased]
    # A command line may hold bytes that are no text; no name does.
    return list(dict.fromkeys([*cased, *spaced])) if is_unicode(text) else []


_Hits = tuple[np.ndarray, np.ndarray]
"""Rows of a table, and how far each is from the query."""


def _by_prefix(table: StringTable, query: str) -> _Hits:
    spans = [np.arange(*table.prefix_range(form)) for form in _spellings(query)]
    rows = np.unique(np.concatenate(spans))
    return rows, np.zeros(len(rows), dtype=np.int64)


def _by_substring(table: StringTable, query: str) -> _Hits:
    found = [np.zeros(0, dtype=np.int64)]
    for start, strings in chunks(table):
        matches = pc.match_substring(strings, query, ignore_case=True)
        found.append(start + np.flatnonzero(matches.to_numpy(zero_copy_only=False)))
    rows = np.concatenate(found)
    return rows, np.zeros(len(rows), dtype=np.int64)


def _by_distance(table: StringTable, query: str) -> _Hits:
    import duckdb  # a fifth of a second, which the other searches need not spend

    slips = 1 if len(query) <= 4 else 2 if len(query) <= 8 else 3
    rows, distances = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    with duckdb.connect() as connection:
        for start, strings in chunks(table):
            connection.register("forms", pa.table({"row": np.arange(len(strings)), "form": strings}))
            found = connection.execute(NEARLY, {"query": query.lower(), "length": len(query), "slips": slips})
            columns = found.fetchnumpy()
            rows.append(start + np.asarray(columns["row"], dtype=np.int64))
            distances.append(np.asarray(columns["distance"], dtype=np.int64))
    return np.concatenate(rows), np.concatenate(distances)


def _join(graph: KnowledgeGraph, surfaces: _Hits, names: _Hits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return entity, surface form (-1 for the name) and distance of every hit."""
    starts, ends = graph.surface_indptr[surfaces[0]], graph.surface_indptr[surfaces[0] + 1]
    counts = (ends - starts).astype(np.int64)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    bearers = graph.surface_entities[np.repeat(starts.astype(np.int64), counts) + within]
    return (
        np.concatenate([bearers, names[0]]).astype(np.int64),
        np.concatenate([np.repeat(surfaces[0], counts), np.full(len(names[0]), -1)]),
        np.concatenate([np.repeat(surfaces[1], counts), names[1]]),
    )


def _first_of_each(entities: np.ndarray, distances: np.ndarray, forms: np.ndarray) -> np.ndarray:
    """Return the position of each entity's nearest hit; a label or alias rather than the name."""
    order = np.lexsort((forms, forms < 0, distances, entities))
    _, first = np.unique(entities[order], return_index=True)
    return order[first]


def _degrees(graph: KnowledgeGraph, entities: np.ndarray) -> np.ndarray:
    indptr = graph.links.indptr
    return indptr[entities + 1].astype(np.int64) - indptr[entities].astype(np.int64)


def _match(graph: KnowledgeGraph, entity: int, surface: int) -> NameMatch:
    name, label = graph.entities[entity], graph.labels[entity]
    form = name if surface < 0 else graph.surfaces[surface]
    return NameMatch(
        id=entity,
        name=name,
        label=label,
        form=form,
        kind="label" if form == label else "name" if surface < 0 else "alias",
        degree=int(_degrees(graph, np.asarray([entity]))[0]),
        description=graph.descriptions[entity],
    )


def _introduce(graph: KnowledgeGraph, entity: int) -> str:
    name, label, told = graph.entities[entity], graph.labels[entity], graph.descriptions[entity]
    words = [name] if label == name else [name, f"({label})"]
    return " ".join([*words, f"- {shorten(told, DESCRIPTION_WIDTH, placeholder=' ...')}"] if told else words)


def name_list(graph: KnowledgeGraph, entities: Iterable[int] | Sequence[int]) -> str:
    """Return labels with commas between them."""
    return ", ".join(graph.labels[int(entity)] for entity in entities)
