"""Normalisation of concept names under a versioned name, so that spellings of one concept become one entity.

A name such as ``conceptnet-1`` stands for its rules for ever, since compiled graphs are kept under it: whoever
changes a rule gives it a new number.

- ``none``: names stay as they are.
- ``casefold-1``: Unicode NFC; case folded (and NFC again); every run of white space and underscores becomes one
  blank, and none stands at the ends.
- ``conceptnet-1``: as ``casefold-1``, then as ConceptNet does with English phrases (``english_filter`` of
  conceptnet5): the words ``a``, ``an`` and ``the`` are dropped wherever they stand, and ``to`` at the beginning,
  unless nothing would be left; the words are joined by underscores.

A name of which nothing is left stays as it is. The name as it was, underscores read as blanks, becomes an alias of
the normalised entity where it differs from the name that is shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import pyarrow as pa

from kglm.errors import UnknownNameError
from kglm.kg.records import Description, Label, LabelBatch, Record, Records, Triple, TripleBatch

ARTICLES = frozenset({"a", "an", "the"})
_BLANKS = re.compile(r"[\s_]+")
_CACHED_NAMES = 1 << 20


def _casefold_1(name: str) -> str:
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return _BLANKS.sub(" ", folded).strip()


def _conceptnet_1(name: str) -> str:
    words = _casefold_1(name).split()
    kept = [word for word in words if word not in ARTICLES]
    while kept and kept[0] == "to":
        kept = kept[1:]
    return "_".join(kept or words)


NORMALIZATIONS: dict[str, Callable[[str], str]] = {
    "none": lambda name: name,
    "casefold-1": _casefold_1,
    "conceptnet-1": _conceptnet_1,
}


def normalizer(name: str) -> Callable[[str], str]:
    """Return the function that normalises one concept name.

    Raises:
        UnknownNameError: there is no such normalisation.
    """
    if name not in NORMALIZATIONS:
        raise UnknownNameError("normalization", name, NORMALIZATIONS)
    rules = NORMALIZATIONS[name]
    return lru_cache(_CACHED_NAMES)(lambda concept: rules(concept) or concept)


def normalize_records(records: Records, name: str) -> Iterator[Record]:
    """Yield records with the names of their entities normalised, and the aliases that keep the old ones.

    Raises:
        UnknownNameError: there is no such normalisation.
    """
    normal = normalizer(name)
    if name == "none":
        yield from records
        return
    told: set[str] = set()
    for record in records:
        if isinstance(record, TripleBatch):
            yield from _normalize_triples(record, normal)
        elif isinstance(record, LabelBatch):
            yield from _normalize_labels(record, normal)
        elif isinstance(record, Triple):
            yield record._replace(head=normal(record.head), tail=normal(record.tail))
            for concept in (record.head, record.tail):
                if concept not in told:
                    told.add(concept)
                    yield from _aliases([concept], [normal(concept)])
        elif isinstance(record, Label | Description):
            yield record._replace(entity=normal(record.entity))


def _normalize_triples(batch: TripleBatch, normal: Callable[[str], str]) -> Iterator[Record]:
    ends = pa.chunked_array([batch.heads, batch.tails]).dictionary_encode()
    ends = ends.unify_dictionaries()
    concepts = ends.chunk(0).dictionary.to_pylist()
    names = [normal(concept) for concept in concepts]
    heads, tails = (pa.array(names, type=pa.string()).take(chunk.indices) for chunk in ends.chunks)
    yield TripleBatch(
        heads=heads,
        relations=batch.relations,
        tails=tails,
        weights=batch.weights,
        sources=batch.sources,
        lines=batch.lines,
    )
    aliases = list(_aliases(concepts, names))
    if aliases:
        yield LabelBatch(
            entities=pa.array([alias.entity for alias in aliases]),
            texts=pa.array([alias.text for alias in aliases]),
            preferred=pa.array(np.zeros(len(aliases), dtype=bool)),
        )


def _normalize_labels(batch: LabelBatch, normal: Callable[[str], str]) -> Iterator[Record]:
    encoded = batch.entities.dictionary_encode()
    names = pa.array([normal(concept) for concept in encoded.dictionary.to_pylist()], type=pa.string())
    yield LabelBatch(
        entities=names.take(encoded.indices),
        texts=batch.texts,
        preferred=batch.preferred,
        counts=batch.counts,
        standalone=batch.standalone,
    )


def _aliases(concepts: list[str], names: list[str]) -> Iterator[Label]:
    """Yield the old names that are not what the normalised ones are shown as."""
    for concept, name in zip(concepts, names, strict=True):
        text = concept.replace("_", " ")
        if text != name.replace("_", " "):
            yield Label(name, text)
