"""Names of entities and relations as IRIs, and back, without loss.

A name becomes an IRI by the first rule that fits:

1. a CURIE whose prefix is in force (``rdfs:label``) is expanded;
2. an absolute IRI (``http``, ``https``, ``ftp``, ``urn``, ``tag``, ``did``, ``info``) stays as it is;
3. any other name is minted: appended to :data:`BASE`, with every character that is not a letter, a digit or one of
   ``- . _ : `` percent-encoded as UTF-8. ``plant flowers`` becomes ``urn:kglm:name:plant%20flowers``.

:meth:`Namespaces.name` undoes this for every name; a name that rule 1 or 2 would not bring back is minted too.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, unquote

from pyoxigraph import NamedNode

from kglm.errors import ConfigError

BASE = "urn:kglm:name:"
WEIGHT = "urn:kglm:weight"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
XSD = "http://www.w3.org/2001/XMLSchema#"
DCTERMS = "http://purl.org/dc/terms/"
STATEMENT = f"{RDF}Statement"

# What an export itself needs: labels, aliases, definitions, weights, sources.
VOCABULARY = {"rdf": RDF, "rdfs": RDFS, "skos": SKOS, "xsd": XSD, "dcterms": DCTERMS, "kglm": "urn:kglm:"}

# Prefixes with one meaning the world over. schema.org is not among them: http and https are both in use.
WELL_KNOWN = VOCABULARY | {
    "dbo": "http://dbpedia.org/ontology/",
    "dbr": "http://dbpedia.org/resource/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "wd": "http://www.wikidata.org/entity/",
    "wdt": "http://www.wikidata.org/prop/direct/",
}

_ABSOLUTE = re.compile(r"(?:https?|ftp)://|(?:urn|tag|did|info):", re.IGNORECASE)
_PREFIX = re.compile(r"[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
# Letters that both an IRI (RFC 3987) and the local part of a Turtle name may hold as they are.
_LETTERS = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff"
    "\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U0001fffd\U00020000-\U0002fffd\U00030000-\U0003fffd"
)
_ENCODED = re.compile(f"[^A-Za-z0-9_.:{_LETTERS}-]+")


def mint(name: str) -> str:
    """Return the IRI under :data:`BASE` that stands for any name; :func:`minted_name` undoes it."""
    # quote never encodes "~", which Turtle takes for something else.
    return BASE + _ENCODED.sub(lambda match: quote(match[0], safe="").replace("~", "%7E"), name)


def minted_name(iri: str) -> str | None:
    """Return the name behind an IRI under :data:`BASE`, or None if it is not such an IRI."""
    if not iri.startswith(BASE):
        return None
    rest = iri[len(BASE) :]
    if "%" not in rest:
        return rest
    try:
        return unquote(rest, errors="strict")
    except UnicodeDecodeError:
        return None


def is_iri(text: str) -> bool:
    """Say whether a text is an absolute IRI of a usual scheme, valid under RFC 3987."""
    return _ABSOLUTE.match(text) is not None and _valid(text)


def _valid(iri: str) -> bool:
    try:
        NamedNode(iri)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Namespaces:
    """The prefixes in force for a graph's names, and the translation between names and IRIs under them.

    Attributes:
        prefixes: from a prefix to its namespace; ``""`` stands for :data:`BASE` in those of :meth:`of`.
    """

    prefixes: Mapping[str, str]

    @classmethod
    def of(
        cls, entities: Sequence[str], relations: Iterable[str], prefixes: Mapping[str, str] | None = None
    ) -> Namespaces:
        """Return the namespaces in force for sorted entity names and for relation names.

        A prefix, well-known or given, is in force where some name is written with it. One of the vocabulary of an
        export is in force also where no name lies in its namespace, neither as a CURIE nor as an IRI in full.

        Args:
            entities: sorted names.
            relations: names in any order.
            prefixes: further prefixes, or other namespaces for the well-known ones.

        Raises:
            ConfigError: a prefix or its namespace is not allowed.
        """
        known = WELL_KNOWN | _checked(prefixes or {})
        tables = (entities, sorted(relations))

        def used(start: str) -> bool:
            return any(_has_prefix(table, start) for table in tables)

        return cls(
            {"": BASE}
            | {
                prefix: namespace
                for prefix, namespace in sorted(known.items())
                if used(f"{prefix}:") or (prefix in VOCABULARY and not used(namespace))
            }
        )

    @cached_property
    def _by_length(self) -> list[tuple[str, str]]:
        named = [(namespace, prefix) for prefix, namespace in self.prefixes.items() if namespace != BASE]
        return sorted(named, key=lambda item: (-len(item[0]), item))

    def iri(self, name: str) -> str:
        """Return the IRI of a name."""
        if ":" in name:
            iri = self._expanded(name)
            # The reader takes a resource of type rdf:Statement for a reified triple.
            if iri is not None and iri != STATEMENT and self.name(iri) == name and _valid(iri):
                return iri
        return mint(name)

    def name(self, iri: str) -> str:
        """Return the name of an IRI: unminted, or shortened with the longest namespace that fits, or itself.

        The colon after an empty prefix is left out.
        """
        minted = minted_name(iri)
        if minted is not None:
            return minted
        for namespace, prefix in self._by_length:
            if iri.startswith(namespace) and len(iri) > len(namespace):
                return f"{prefix}:{iri[len(namespace) :]}".removeprefix(":")
        return iri

    def _expanded(self, name: str) -> str | None:
        prefix, _, local = name.partition(":")
        if prefix and local and prefix in self.prefixes:
            return self.prefixes[prefix] + local
        return name if _ABSOLUTE.match(name) else None


def _checked(prefixes: Mapping[str, str]) -> dict[str, str]:
    for prefix, namespace in prefixes.items():
        if not _PREFIX.fullmatch(prefix):
            raise ConfigError(f"prefix '{prefix}', expected letters, digits, '-' and '_', a letter first")
        if not is_iri(namespace) or namespace.startswith(BASE):
            raise ConfigError(f"prefix '{prefix}' stands for '{namespace}', expected an absolute IRI outside {BASE}")
    return dict(prefixes)


def _has_prefix(table: Sequence[str], start: str) -> bool:
    """Say whether a sorted table holds a string that begins with ``start``."""
    index = bisect_left(table, start)
    return index < len(table) and table[index].startswith(start)
