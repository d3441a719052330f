"""How the entity linker works, apart from its encoder and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from kglm.errors import ConfigError
from kglm.linking import normalization

VERSION = 1
"""Named in every cache key; raise it with any change of what the linker returns."""

Kind = Literal["auto", "names", "senses", "concepts"]


@dataclass(frozen=True, kw_only=True)
class EntityLinkerOptions:
    """How the entity linker works.

    Attributes:
        kind: what the graph's entities are, which decides about look-ups and default weights: ``names`` (people,
            places, works: Wikidata), ``senses`` (of words: WordNet), ``concepts`` (a word is what it means:
            ConceptNet), or ``auto``, told from the graph.
        max_candidates: candidates of a mention that are scored.
        keep: candidates of a mention that are returned.
        min_probability: candidates below it are not returned.
        drop_nil: whether mentions that mean no entity, by all likelihood, are left out. For concepts it prunes
            those that have nothing to do with their context.
        fuzzy: whether aliases of similar spelling are looked up for given mentions that no alias fits.
        dense: entities looked up by meaning for each given mention; 0 for none.
        beside: sentences on either side of a mention's own that count as its context.
        max_words: content words of the longest mention found.
        identity: digests of the encoder, the weights and what was added; the linker fills it in.
    """

    kind: Kind = "auto"
    max_candidates: int = 30
    keep: int = 5
    min_probability: float = 0.0
    drop_nil: bool = False
    fuzzy: bool = True
    dense: int = 0
    beside: int = 1
    max_words: int = 6
    identity: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ConfigError(f"linker kind is '{self.kind}'; allowed: {', '.join(get_args(Kind))}")
        least = {"max_candidates": 1, "keep": 1, "dense": 0, "beside": 0, "max_words": 1}
        for name, bound in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < bound:
                raise ConfigError(f"linker {name} is {value!r}, expected a whole number of at least {bound}")
        if not 0 <= self.min_probability < 1:
            raise ConfigError(f"linker min_probability is {self.min_probability}, expected at least 0 and below 1")

    def cache_key(self) -> dict[str, Any]:
        """Return all that the result depends on, beside the graph and the text."""
        values = asdict(self)
        return {"linker": "entity", "entity linker": VERSION, **normalization.versions(), **values}
