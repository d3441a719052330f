"""Labels and descriptions of RDF resources, with a choice of language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kglm.kg.iris import RDFS, SKOS
from kglm.kg.records import Description, Label
from kglm.kg.tally import Tally

LABEL, ALIAS, DESCRIPTION = "label", "alias", "description"
OTHER_LANGUAGE = "text in another language"
OTHER_DESCRIPTION = "further description"
EMPTY = "empty text"

_SCHEMA = ("http://schema.org/", "https://schema.org/")

# What each property says, and which of several goes before the others.
TEXT_PROPERTIES: dict[str, tuple[str, int]] = {
    f"{SKOS}prefLabel": (LABEL, 0),
    f"{RDFS}label": (LABEL, 1),
    **{f"{schema}name": (LABEL, 2) for schema in _SCHEMA},
    f"{SKOS}altLabel": (ALIAS, 0),
    **{f"{schema}alternateName": (ALIAS, 0) for schema in _SCHEMA},
    f"{SKOS}definition": (DESCRIPTION, 0),
    f"{RDFS}comment": (DESCRIPTION, 1),
    **{f"{schema}description": (DESCRIPTION, 2) for schema in _SCHEMA},
}

EXACT, VARIANT, UNTAGGED, OTHER = range(4)

# Rank of the language, rank of the property, tag, text: the smallest is the best.
Candidate = tuple[int, int, str, str]


@dataclass
class Texts:
    """Chooses among the labels and descriptions of each entity; one of each kind is held for every entity.

    The best label is the preferred one: first those in :attr:`language` itself, then in a variant of it (``en-GB``),
    then untagged ones, then others in the order of their tags; among equals ``skos:prefLabel`` goes before
    ``rdfs:label`` and ``schema:name``, and then the alphabet decides. The other labels become aliases, but those in
    another language only with :attr:`other_languages`. So an entity that has labels in other languages only still
    gets one. The best description is chosen likewise, but never in another language unless these are asked for.

    Attributes:
        language: the tag of the language wanted; None wants all alike, untagged texts first.
        other_languages: whether texts in other languages are taken as well.
    """

    language: str | None = "en"
    other_languages: bool = False
    _labels: dict[str, Candidate] = field(default_factory=dict)
    _descriptions: dict[str, Candidate] = field(default_factory=dict)
    _ranks: dict[str | None, int] = field(default_factory=dict)

    def add(self, entity: str, kind: str, rank: int, text: str, tag: str | None, tally: Tally) -> Label | None:
        """Take a text, and return it if it is an alias; passes the verdict on each text that is not held."""
        candidate = (self._language_rank(tag), rank, tag or "", text)
        if not text:
            tally.skip(EMPTY)
            return None
        if kind == ALIAS:
            return self._alias(entity, candidate, tally)
        held = self._labels if kind == LABEL else self._descriptions
        if kind == DESCRIPTION and not self._wanted(candidate):
            tally.skip(OTHER_LANGUAGE)
            return None
        best = held.setdefault(entity, candidate)
        if best is candidate:
            return None
        if candidate < best:
            held[entity], candidate = candidate, best
        if kind == LABEL:
            return self._alias(entity, candidate, tally)
        tally.skip(OTHER_DESCRIPTION)
        return None

    def chosen(self, tally: Tally) -> Iterator[Label | Description]:
        """Yield the best label and description of each entity, in the order of their names."""
        tally.accept(len(self._labels) + len(self._descriptions))
        for entity, (*_, text) in sorted(self._labels.items()):
            yield Label(entity, text, preferred=True)
        for entity, (*_, text) in sorted(self._descriptions.items()):
            yield Description(entity, text)

    def _alias(self, entity: str, candidate: Candidate, tally: Tally) -> Label | None:
        if not self._wanted(candidate):
            tally.skip(OTHER_LANGUAGE)
            return None
        tally.accept()
        return Label(entity, candidate[3])

    def _wanted(self, candidate: Candidate) -> bool:
        return candidate[0] != OTHER or self.other_languages

    def _language_rank(self, tag: str | None) -> int:
        rank = self._ranks.get(tag)
        if rank is None:
            rank = self._ranks[tag] = language_rank(tag, self.language)
        return rank


def language_rank(tag: str | None, wanted: str | None) -> int:
    """Return how well the tag of a text fits the language wanted; smaller is better (BCP 47, case ignored)."""
    if wanted is None:
        return VARIANT if tag else EXACT
    if not tag:
        return UNTAGGED
    tag, wanted = tag.lower(), wanted.lower()
    if tag == wanted:
        return EXACT
    return VARIANT if tag.startswith(f"{wanted}-") else OTHER
