"""A linker that needs no training: the longest surface forms of the graph found in the text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.linking import normalization
from kglm.linking.detection import DetectedSpans, DetectorOptions, MentionDetector
from kglm.linking.mention import Candidate, Mention
from kglm.linking.priors import degrees, surface_prior


@dataclass(frozen=True, kw_only=True)
class LexicalLinkerOptions:
    """How the lexical linker works.

    Attributes:
        max_candidates: candidates kept for a mention.
        max_words: content words of the longest mention.
        max_gap: other content words that may stand within a mention; see :class:`DetectorOptions`.
    """

    max_candidates: int = 1
    max_words: int = 6
    max_gap: int = 0

    def __post_init__(self) -> None:
        for field, least in (("max_candidates", 1), ("max_words", 1), ("max_gap", 0)):
            value = getattr(self, field)
            if value < least:
                raise ConfigError(f"linker {field} is {value}, expected at least {least}")
        self.detector()

    def detector(self) -> DetectorOptions:
        """Return the options of the detector."""
        return DetectorOptions(max_words=self.max_words, max_gap=self.max_gap)

    def cache_key(self) -> dict[str, Any]:
        """Return all that the result depends on, beside the graph and the text."""
        return {"linker": "lexical", **normalization.versions(), **asdict(self)}


class LexicalLinker:
    """Leftmost-longest matching of labels and aliases in whatever inflection, stop words passed over.

    A mention's candidates are the entities that bear the forms that it spells best: a form as written is preferred to
    one that agrees but for its stop words, and that to one by base forms. Their probability is the prior of
    :mod:`kglm.linking.priors`.

    Args:
        graph: the graph whose surface forms are matched.
        options: see :class:`LexicalLinkerOptions`.
    """

    def __init__(self, graph: KnowledgeGraph, options: LexicalLinkerOptions | None = None) -> None:
        self.graph = graph
        self.options = options or LexicalLinkerOptions()
        self.detector = MentionDetector(graph, self.options.detector())
        self._known: dict[tuple[int, ...], tuple[Candidate, ...]] = {}

    def __call__(self, texts: Iterable[str]) -> list[list[Mention]]:
        """Return the mentions of each text, in order, without overlaps."""
        texts = list(texts)
        found = self.detector.detect_arrays(texts)
        bounds = found.offsets.tolist()
        mentions = [
            Mention(start, end, "", candidates)
            for start, end, candidates in zip(
                found.starts.tolist(), found.ends.tolist(), self._all_candidates(found), strict=True
            )
        ]
        return [
            [Mention(m.start, m.end, text[m.start : m.end], m.candidates) for m in mentions[low:high]]
            for text, low, high in zip(texts, bounds, bounds[1:], strict=False)
        ]

    def link(self, text: str) -> list[Mention]:
        """Return the mentions of one text."""
        return self([text])[0]

    def add(self, surface: str, entity: int, count: int = 1) -> None:
        """Let a form mean an entity from now on; see :meth:`MentionDetector.add`."""
        self.detector.add(surface, entity, count)
        self._known.clear()

    def entities(self, text: str) -> list[int]:
        """Return the distinct entities of all mentions of a text, in the order of their mention."""
        return self.entities_of([text])[0]

    def entities_of(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the distinct entities of each text, in the order of their mention; faster than one by one."""
        found = self.detector.detect_arrays(texts)
        candidates, bounds = self._all_candidates(found), found.offsets.tolist()
        return [
            list(dict.fromkeys(candidate.entity for some in candidates[low:high] for candidate in some))
            for low, high in pairwise(bounds)
        ]

    def _all_candidates(self, found: DetectedSpans) -> list[tuple[Candidate, ...]]:
        """Return the candidates of every mention, from the forms that it spells best."""
        offsets = found.surface_offsets
        best = np.repeat(found.spellings[offsets[:-1]], np.diff(offsets))
        kept = found.spellings == best
        ends = np.concatenate([[0], np.cumsum(kept)])[offsets].tolist()
        surfaces = found.surfaces[kept].tolist()
        return [self._candidates(tuple(surfaces[low:high])) for low, high in pairwise(ends)]

    def _candidates(self, surfaces: tuple[int, ...]) -> tuple[Candidate, ...]:
        if surfaces not in self._known:
            self._known[surfaces] = self._compute_candidates(surfaces)
        return self._known[surfaces]

    def _compute_candidates(self, surfaces: tuple[int, ...]) -> tuple[Candidate, ...]:
        total: dict[int, int] = {}
        for number in surfaces:
            for entity, count in zip(*map(np.ndarray.tolist, self.detector.meanings(number)), strict=True):
                total[entity] = total.get(entity, 0) + count
        ids, counts = np.array(list(total)), np.array(list(total.values()))
        prior = surface_prior(counts, degrees(self.graph, ids))
        order = np.lexsort((ids, -prior))[: self.options.max_candidates]
        return tuple(Candidate(int(ids[i]), float(prior[i])) for i in order)
