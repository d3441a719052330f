"""An answer: scores of all choices, linked mentions, and the paths and nodes that carried it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class ChoiceScore:
    """A choice and what the model thinks of it."""

    label: str
    text: str
    logit: float
    probability: float


@dataclass(frozen=True)
class LinkedMention:
    """A mention ``source[start:end]`` linked to an entity; the source is ``question`` or a choice's label."""

    source: str
    start: int
    end: int
    text: str
    entity: str
    probability: float


@dataclass(frozen=True)
class EvidencePath:
    """A path from a question concept to a choice concept.

    Attributes:
        choice: label of the choice.
        entities: names along the path.
        labels: what a person reads at each of them.
        relations: for each hop the relations that join its ends; an inverse begins with ``^``.
        attention: the path's share in what its choice takes from the graph; all paths of a choice and what its
            concept pairs carry without a path add up to 1.
        line: the path drawn with arrows.
        text: the path in words.
    """

    choice: str
    entities: tuple[str, ...]
    labels: tuple[str, ...]
    relations: tuple[tuple[str, ...], ...]
    attention: float
    line: str
    text: str


@dataclass(frozen=True)
class EvidenceNode:
    """An entity of a choice's schema graph that the reasoner looked at.

    Attributes:
        choice: label of the choice.
        entity: its name.
        label: what a person reads.
        role: "question", "choice" or "other": whose concept it is.
        attention: its share in what the choice takes from the graph's nodes; they add up to 1 over all nodes.
        relevance: what the reasoner was told of it before it reasoned, -1 to 1; None where nothing.
    """

    choice: str
    entity: str
    label: str
    role: str
    attention: float
    relevance: float | None = None


@dataclass(frozen=True)
class ReadFact:
    """A fact that was read with a choice.

    Attributes:
        text: the sentence.
        source: where it came from: ``graph``, the name of a corpus, or ``random``.
        score: how much it was worth reading, among the facts of its source.
    """

    text: str
    source: str
    score: float


@dataclass(frozen=True)
class Answer:
    """The model's answer to one question.

    Attributes:
        id: of the question.
        question: its text.
        choices: scores, in the order given.
        predicted: index of the best choice.
        mentions: linked mentions of the question and of the choices.
        paths: of all choices, the most attended first; none where the reasoner does not weigh paths.
        nodes: of all choices, those attended at all, the most attended first; none where the reasoner does not weigh
            nodes.
        facts: what was read with each choice, in order; none at all where the model reads no facts.
        fused: whether the vectors of the mentioned entities were read with the texts.
        notes: what a reader should know, such as that the text alone decided.
    """

    id: str
    question: str
    choices: tuple[ChoiceScore, ...]
    predicted: int
    mentions: tuple[LinkedMention, ...] = ()
    paths: tuple[EvidencePath, ...] = ()
    nodes: tuple[EvidenceNode, ...] = ()
    facts: tuple[tuple[ReadFact, ...], ...] = ()
    fused: bool = False
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> ChoiceScore:
        """The choice with the highest score."""
        return self.choices[self.predicted]

    def evidence(self, choice: str | None = None, limit: int | None = None) -> list[EvidencePath]:
        """Return the paths of one choice, by default the predicted one's, the most attended first."""
        label = self.best.label if choice is None else choice
        return [path for path in self.paths if path.choice == label][:limit]

    def attended_nodes(self, choice: str | None = None, limit: int | None = None) -> list[EvidenceNode]:
        """Return the nodes of one choice, by default the predicted one's, the most attended first."""
        label = self.best.label if choice is None else choice
        return [node for node in self.nodes if node.choice == label][:limit]

    def with_paths(self, limit: int) -> Answer:
        """Return the answer with only the ``limit`` most attended paths, and nodes, of each choice."""
        kept = {id(path) for choice in self.choices for path in self.evidence(choice.label, limit)}
        kept |= {id(node) for choice in self.choices for node in self.attended_nodes(choice.label, limit)}
        return replace(
            self,
            paths=tuple(path for path in self.paths if id(path) in kept),
            nodes=tuple(node for node in self.nodes if id(node) in kept),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, for JSON."""
        return {"answer": self.best.text, "answer_label": self.best.label, **asdict(self)}

    def __str__(self) -> str:
        return self.format()

    def format(self, max_paths: int = 5) -> str:
        """Return the answer for a terminal, with at most ``max_paths`` paths and nodes of the predicted choice."""
        width = max(len(choice.text) for choice in self.choices)
        lines = [self.question, ""]
        for index, choice in enumerate(self.choices):
            mark = "→" if index == self.predicted else " "
            bar = "█" * round(20 * choice.probability)
            lines.append(f" {mark} {choice.label}  {choice.text:<{width}}  {choice.probability:6.1%}  {bar}")
        paths = self.evidence(limit=max_paths)
        if paths:
            lines += ["", f"Evidence for '{self.best.text}' (share of attention):"]
            lines += [f"   {path.attention:5.1%}  {path.line}" for path in paths]
        nodes = self.attended_nodes(limit=max_paths)
        if nodes:
            lines += ["", f"Concepts looked at for '{self.best.text}' (share of attention):"]
            lines += [f"   {node.attention:5.1%}  {_describe(node)}" for node in nodes]
        if self.facts and self.facts[self.predicted]:
            lines += ["", f"Read with '{self.best.text}' (source, score):"]
            lines += [f"   {fact.text}  ({fact.source}, {fact.score:.3g})" for fact in self.facts[self.predicted]]
        read = [m for m in self.mentions if m.source in ("question", self.best.label)] if self.fused else []
        if read:
            lines += ["", f"Entities read with '{self.best.text}':"]
            lines += [f"   {', '.join(f'{m.text} → {m.entity}' for m in read)}"]
        lines += [""] * bool(self.notes) + [f"Note: {note}" for note in self.notes]
        return "\n".join(lines)


def _describe(node: EvidenceNode) -> str:
    role = {"question": " (in the question)", "choice": " (in the answer)"}.get(node.role, "")
    relevance = "" if node.relevance is None else f", relevance {node.relevance:.2f}"
    return f"{node.label}{role}{relevance}"
