"""A linker that needs no training: the longest surface forms of the graph found in the text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.linking import normalization
from kglm.linking.mention import Candidate, Mention
from kglm.linking.normalization import PARTICLES, Token, keys, tokenize


@dataclass(frozen=True, kw_only=True)
class LexicalLinkerOptions:
    """How the lexical linker works.

    Attributes:
        max_candidates: candidates kept for a mention.
        max_words: content words of the longest mention.
    """

    max_candidates: int = 1
    max_words: int = 6

    def __post_init__(self) -> None:
        for field, value in asdict(self).items():
            if value < 1:
                raise ConfigError(f"linker {field} is {value}, expected at least 1")

    def cache_key(self) -> dict[str, Any]:
        """Return all that the result depends on, beside the graph and the text."""
        return {"linker": "lexical", **normalization.versions(), **asdict(self)}


class LexicalLinker:
    """Leftmost-longest matching of labels and aliases, as written or lemmatised, stop words passed over.

    A mention's candidates are the entities that bear the matched form; their probability is proportional to
    their number of links plus one. A match as written is preferred to one by lemma.

    Args:
        graph: the graph whose surface forms are matched.
        options: see :class:`LexicalLinkerOptions`.
    """

    def __init__(self, graph: KnowledgeGraph, options: LexicalLinkerOptions | None = None) -> None:
        self.graph = graph
        self.options = options or LexicalLinkerOptions()
        self._written: dict[str, tuple[int, ...]] = {}
        self._lemmas: dict[str, tuple[int, ...]] = {}
        self._reach: dict[str, int] = {}
        ends = graph.surface_indptr.tolist()
        bearers = graph.surface_entities.tolist()
        for surface, start, end in zip(graph.surfaces, ends, ends[1:], strict=False):
            self._add(surface, bearers[start:end])

    def _add(self, surface: str, entities: Sequence[int]) -> None:
        tokens = tokenize(surface)
        if not 0 < len(tokens) <= self.options.max_words:
            return
        for table, key in zip((self._written, self._lemmas), keys(tokens), strict=True):
            table[key] = tuple(dict.fromkeys((*table.get(key, ()), *entities)))
            first = key.partition(" ")[0]
            self._reach[first] = max(self._reach.get(first, 0), len(tokens))

    def __call__(self, texts: Iterable[str]) -> list[list[Mention]]:
        """Return the mentions of each text, in order, without overlaps."""
        return [self.link(text) for text in texts]

    def link(self, text: str) -> list[Mention]:
        """Return the mentions of one text."""
        tokens = tokenize(text)
        says_more = any(token.surface not in PARTICLES for token in tokens)
        mentions, at = [], 0
        while at < len(tokens):
            length, entities = self._longest(tokens, at)
            if length == 1 and says_more and tokens[at].surface in PARTICLES:
                length = 0
            if length:
                start, end = tokens[at].start, tokens[at + length - 1].end
                mentions.append(Mention(start, end, text[start:end], self._candidates(entities)))
            at += max(length, 1)
        return mentions

    def _longest(self, tokens: list[Token], at: int) -> tuple[int, tuple[int, ...]]:
        """Return the length in tokens and the entities of the longest match that begins at ``at``."""
        token = tokens[at]
        reach = max(self._reach.get(token.surface, 0), self._reach.get(token.lemma, 0))
        for length in range(min(reach, len(tokens) - at), 0, -1):
            span = tokens[at : at + length]
            if span[-1].segment != token.segment:
                continue
            written, lemmas = keys(span)
            # A lemma may itself be how the graph writes it, and what is written may be a lemma there.
            for table, key in (
                (self._written, written),
                (self._written, lemmas),
                (self._lemmas, lemmas),
                (self._lemmas, written),
            ):
                if key in table:
                    return length, table[key]
        return 0, ()

    def _candidates(self, entities: tuple[int, ...]) -> tuple[Candidate, ...]:
        if len(entities) == 1:
            return (Candidate(entities[0], 1.0),)
        indptr = self.graph.links.indptr
        ids = np.asarray(entities)
        mass = (indptr[ids + 1] - indptr[ids] + 1).astype(float)
        order = np.lexsort((ids, -mass))[: self.options.max_candidates]
        return tuple(Candidate(int(ids[i]), float(mass[i] / mass.sum())) for i in order)

    def entities(self, text: str) -> list[int]:
        """Return the distinct entities of all mentions of a text, in the order of their mention."""
        found = (candidate.entity for mention in self.link(text) for candidate in mention.candidates)
        return list(dict.fromkeys(found))
