"""Candidates of a given mention by its spelling: whole aliases, parts of them, initials.

Parts matter where people are called by one of their names ("Steve"), and places and works by the word that tells them
apart ("Stanford" for Stanford University). They are weak evidence, and the scorer is told so; a mention without
capitals is taken for no part of a name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice, product

from kglm.linking.candidate_sets import SOURCES, Hit
from kglm.linking.entity_catalog import EntityCatalog
from kglm.linking.inflection import base_forms

EXACT, PART, ACRONYM = (SOURCES.index(source) for source in ("exact", "part", "acronym"))
MOST_PARTS = 2000
"""Aliases read for a part of a name; a word that stands in more of them tells too little."""
LONGEST_ACRONYM = 6
MOST_BASE_FORMS = 3
MOST_PHRASES = 16

_WORD = re.compile(r"[^\W_]+(?:['’.&][^\W_]+)*")
_SMALL = frozenset("a an and at by de del der des di du el for from in la le of on or the to van von y".split())


def words(text: str) -> list[str]:
    """Return the words of a name as they are written, without a possessive ``'s``."""
    return [match.group().replace("’", "'").removesuffix("'s") for match in _WORD.finditer(text)]


def key(text: str) -> str:
    """Return the form under which an alias is kept: lower case, one blank between words, no leading article."""
    lowered = [word.lower() for word in words(text)]
    if len(lowered) > 1 and lowered[0] in ("the", "a", "an"):
        lowered = lowered[1:]
    return " ".join(lowered)


class AliasIndex:
    """The aliases of a graph's entities, and of those that are added.

    Args:
        catalog: gives the aliases.
        parts: whether parts of aliases, and initials, are looked up too; the index is then larger.
    """

    def __init__(self, catalog: EntityCatalog, *, parts: bool) -> None:
        self._parts = parts
        self._exact: dict[str, dict[int, int]] = defaultdict(dict)
        self._by_word: dict[str, list[int]] = defaultdict(list)
        self._aliases: list[str] = []
        self._initials: dict[str, list[int]] = defaultdict(list)
        for surface, entities, counts in catalog.surfaces():
            self.add(surface, entities, counts)

    def add(self, alias: str, entities: Iterable[int], counts: Iterable[int]) -> None:
        """Take an alias with the entities it may mean, and how often it was seen to mean each."""
        form = key(alias)
        if not form:
            return
        known = self._exact[form]
        fresh = not known
        for entity, count in zip(entities, counts, strict=True):
            known[entity] = max(known.get(entity, 0), count)
        if not self._parts:
            return
        if fresh:
            self._aliases.append(form)
            for word in dict.fromkeys(form.split()):
                if word not in _SMALL:
                    self._by_word[word].append(len(self._aliases) - 1)
        for initials in _initials(alias):
            self._initials[initials] += known

    def find(self, mention: str) -> list[Hit]:
        """Return what a mention may mean by its spelling, the same entity perhaps several times."""
        form = key(mention)
        hits = self._whole(form)
        if not hits:
            hits = next(filter(None, map(self._whole, _base_phrases(form))), [])
        if self._parts and any(letter.isupper() for letter in mention):
            hits += self._partial(form) + self._acronym(mention)
        return hits

    def _whole(self, form: str) -> list[Hit]:
        return [Hit(entity, EXACT, 1.0, count) for entity, count in self._exact.get(form, {}).items()]

    def _partial(self, form: str) -> list[Hit]:
        """Return the bearers of longer aliases that have the mention's words next to each other."""
        wanted = [word for word in form.split() if word not in _SMALL]
        if not wanted:
            return []
        rarest = min((self._by_word.get(word, []) for word in wanted), key=len)
        inside = f" {' '.join(wanted)} "
        hits = []
        for number in rarest[:MOST_PARTS]:
            alias = self._aliases[number]
            if len(alias) > len(form) and inside in f" {alias} ":
                share = len(wanted) / sum(word not in _SMALL for word in alias.split())
                if share < 1:
                    hits += [Hit(entity, PART, share) for entity in self._exact[alias]]
        return hits

    def _acronym(self, mention: str) -> list[Hit]:
        letters = mention.replace(".", "").strip()
        if not (2 <= len(letters) <= LONGEST_ACRONYM and letters.isalpha() and letters.isupper()):
            return []
        return [Hit(entity, ACRONYM, 1 / len(letters)) for entity in dict.fromkeys(self._initials.get(letters, ()))]


def _base_phrases(form: str) -> Iterator[str]:
    """Yield a phrase with its words in base forms, the likeliest first."""
    choices = [(*base_forms(word), word)[:MOST_BASE_FORMS] for word in form.split()]
    yield from map(" ".join, islice(product(*choices), MOST_PHRASES))


def _initials(alias: str) -> set[str]:
    """Return the initials of a name: of all its words, and of those with a capital."""
    parts = words(alias)
    capital = [word for word in parts if word[0].isupper()]
    found = {"".join(word[0].upper() for word in chosen) for chosen in (parts, capital)}
    return {initials for initials in found if 2 <= len(initials) <= LONGEST_ACRONYM and initials.isalpha()}
