"""What synthetic questions are like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kglm.data.multiple_choice import MAX_CHOICES, MIN_CHOICES
from kglm.data.synthetic.templates import ENDS
from kglm.errors import ConfigError, UnknownNameError
from kglm.kg.graph import KnowledgeGraph

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class QuestionOptions:
    """Which triples are asked, and what stands beside the answer.

    Attributes:
        choices: of each question, 2 to 10.
        relations: only these; None for all.
        without: not these.
        asked: the ends that are asked for, ``tail``, ``head`` or both; with both, a coin decides for each triple.
        min_weight: only triples that weigh so much.
        max_words: words of the longest label that a question names or offers.
        max_repeats: questions about the same entity, relation and end; a hub would fill the set with its own.
        balance: 1 draws triples alike; 0 draws relations alike; between, a relation with n triples has the weight
            :math:`n^{balance}`.
        pool: entities from among which an encoder chooses the distractors; of no account without one.
        held_out: share of the entities that only the questions of dev and test name, half of them each.
        seed: of every draw.

    Raises:
        ConfigError: a value is not allowed.
    """

    choices: int = 5
    relations: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    asked: tuple[str, ...] = ENDS
    min_weight: float = 0.0
    max_words: int = 4
    max_repeats: int = 2
    balance: float = 1.0
    pool: int = 64
    held_out: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not MIN_CHOICES <= self.choices <= MAX_CHOICES:
            raise ConfigError(f"task choices is {self.choices}; allowed: {MIN_CHOICES} to {MAX_CHOICES}")
        for field, least in (("max_words", 1), ("max_repeats", 1), ("pool", self.choices - 1), ("seed", 0)):
            if getattr(self, field) < least:
                raise ConfigError(f"task {field} is {getattr(self, field)}, expected at least {least}")
        for field, most in (("balance", 1), ("held_out", 0.9)):
            if not 0 <= getattr(self, field) <= most:
                raise ConfigError(f"task {field} is {getattr(self, field)}; allowed: 0 to {most}")
        if self.min_weight < 0:
            raise ConfigError(f"task min_weight is {self.min_weight}, expected at least 0")
        if not self.asked:
            raise ConfigError(f"task asked is empty; allowed: {', '.join(ENDS)}, or both")
        for end in self.asked:
            if end not in ENDS:
                raise UnknownNameError("end of a triple", str(end), ENDS)
        for field in ("relations", "without", "asked"):
            value = getattr(self, field)
            object.__setattr__(self, field, None if value is None else tuple(value))

    def relation_ids(self, graph: KnowledgeGraph) -> list[int]:
        """Return the relations that are asked.

        Raises:
            UnknownNameError: the graph has no relation of that name.
            ConfigError: none is left.
        """
        wanted: Sequence[str] = graph.relations if self.relations is None else self.relations
        dropped = {graph.relation_id(name) for name in self.without}
        kept = [index for index in map(graph.relation_id, wanted) if index not in dropped]
        if not kept:
            raise ConfigError("task relations and without leave no relation to ask")
        return kept

    def cache_key(self) -> dict[str, Any]:
        """Return all that the questions depend on, beside graph, templates and encoder."""
        return {"version": VERSION, **asdict(self)}
