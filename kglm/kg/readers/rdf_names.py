"""From the IRIs of RDF documents to the names that a graph shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pyoxigraph import BlankNode

from kglm.errors import DataError
from kglm.kg.iris import STATEMENT, WELL_KNOWN, minted_name

MAX_CACHED_NAMES = 1 << 20

# Without leading zeros, and beginning with a letter.
_RANDOM = re.compile(r"[a-f][0-9a-f]{15,31}")


class Names(dict[str, str]):
    """The name of each IRI; made on first use.

    An IRI is shortened with the longest namespace that fits and leaves something (``http://e.org/deep/bee`` becomes
    ``ns:bee``), the empty prefix being left out. A minted IRI gives back its name (:mod:`kglm.kg.iris`).
    """

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        """Take the prefix of each namespace."""
        super().__init__()
        self._prefixes = {namespace: f"{prefix}:" if prefix else "" for namespace, prefix in namespaces.items()}
        longest_first = sorted(filter(None, self._prefixes), key=lambda namespace: (-len(namespace), namespace))
        # With no namespace at all the pattern never matches.
        fitting = "|".join(map(re.escape, longest_first)) or "(?!)"
        self._match = re.compile(f"(?:{fitting})(?=.)", re.DOTALL).match

    def __missing__(self, iri: str) -> str:
        if len(self) >= MAX_CACHED_NAMES:
            self.clear()
        name = self[iri] = minted_name(iri) or self._shortened(iri)
        return name

    def _shortened(self, iri: str) -> str:
        found = self._match(iri)
        return iri if found is None else self._prefixes[found[0]] + iri[found.end() :]


class StrictNames(Names):
    """Names of documents in which no reified statement was found; meets one that hides behind an odd spelling."""

    def __missing__(self, iri: str) -> str:
        if iri == STATEMENT:
            raise DataError(
                f"<{STATEMENT}> is spelt in a way (escapes, or a prefix that ends within the name) in which reified "
                "statements are not found; write the name whole"
            )
        return super().__missing__(iri)


class BlankNames:
    """Names of a document's blank nodes: ``_:label``, and ``_:[n]`` in the order of appearance for those without.

    The parser gives the latter a random number of 128 bits, another one each time that it reads the document.
    """

    def __init__(self, document: str = "") -> None:
        """Take what tells the document from others of the same graph."""
        self._start = f"_:{document}/" if document else "_:"
        self._numbers: dict[str, int] = {}

    def name(self, node: BlankNode) -> str:
        """Return the name of a blank node; to be asked for all of a document in their order."""
        label = node.value
        if _RANDOM.fullmatch(label):
            label = f"[{self._numbers.setdefault(label, len(self._numbers) + 1)}]"
        return self._start + label


def namespaces_in_force(
    declared: Iterable[tuple[str, str]], further: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the prefix of each namespace.

    Args:
        declared: prefixes and namespaces in the order in which documents declare them. A prefix keeps its first
            meaning, so that the same name never stands for two things; of two prefixes of a namespace the shorter
            one is taken, then the first in the alphabet.
        further: namespaces of prefixes that hold where no document says otherwise; the well-known ones by default.
    """
    meaning: dict[str, str] = {}
    for prefix, namespace in declared:
        meaning.setdefault(prefix, namespace)
    namespaces: dict[str, str] = {}
    for prefix in sorted(meaning, key=lambda prefix: (len(prefix), prefix)):
        namespaces.setdefault(meaning[prefix], prefix)
    for prefix, namespace in (WELL_KNOWN if further is None else further).items():
        if prefix not in meaning:
            namespaces.setdefault(namespace, prefix)
    return namespaces
