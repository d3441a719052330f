"""Text in, answer and evidence out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.data.pipeline import Knowledge, PreparedQuestions, QuestionPipeline
from kglm.encoders import default_device
from kglm.inference.answer import Answer, ChoiceScore, EvidenceNode, EvidencePath, LinkedMention, ReadFact
from kglm.inference.bundle import Bundle
from kglm.inference.evidence_scores import EvidenceScores, score_evidence
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.schema_graph import SchemaGraphs
from kglm.kg.verbalization import draw_path, verbalize_path
from kglm.models import KnowledgeQAForMultipleChoice

TEXT_MODEL = "this model takes in no graph; the answer comes from the text alone."
NOTHING_LINKED = "no concept of the question is in the graph; the answer comes from the text alone."
NOTHING_JOINED = "no path in the graph joins the question to a choice; there is no evidence to show."


class Answerer:
    """Answers multiple-choice questions with a trained model.

    Args:
        bundle: the model and its pipeline.
        device: where the model runs; by default a GPU if there is one.

    Example:
        >>> answerer = Answerer.from_pretrained("runs/demo/kagnet")  # doctest: +SKIP
        >>> print(answerer.answer("What do I dig with?", ["trowel", "pillow"]))  # doctest: +SKIP
    """

    def __init__(self, bundle: Bundle, device: torch.device | str | None = None) -> None:
        self.device = torch.device(device or default_device())
        self.model: KnowledgeQAForMultipleChoice = bundle.model.to(self.device).eval()  # type: ignore[arg-type]
        self.pipeline: QuestionPipeline = bundle.pipeline

    @classmethod
    def from_pretrained(
        cls, folder: Path | str, graph: KnowledgeGraph | None = None, device: torch.device | str | None = None
    ) -> Answerer:
        """Load a training run or a bundle; see :meth:`Bundle.load` for the errors."""
        return cls(Bundle.load(folder, graph), device)

    def answer(self, question: str, choices: Sequence[str]) -> Answer:
        """Answer one question.

        Raises:
            BadQuestionError: the question or a choice is empty, or there are too few or too many choices.
        """
        return next(self.answer_all([MultipleChoiceExample.from_texts(question, list(choices))]))

    def answer_all(
        self, examples: Sequence[MultipleChoiceExample], batch_size: int = 16, progress: bool = False
    ) -> Iterator[Answer]:
        """Yield the answers to many questions, in order."""
        if not examples:
            return
        prepared = self.pipeline.prepare(examples)
        bar = tqdm(total=len(examples), desc="answers", unit="question", disable=None if progress else True)
        for start in range(0, len(examples), batch_size):
            indices = range(start, min(start + batch_size, len(examples)))
            for index, scores in zip(
                indices, score_evidence(self.model, prepared, indices, self.device), strict=True
            ):
                yield self._answer(prepared, index, scores)
                bar.update()
        bar.close()

    def _answer(self, prepared: PreparedQuestions, index: int, scores: EvidenceScores) -> Answer:
        encoded = prepared.dataset[index]
        example = encoded.example
        probabilities = np.exp(scores.logits - scores.logits.max())
        probabilities /= probabilities.sum()
        notes = []
        if encoded.truncated:
            limit = self.pipeline.max_length
            notes.append(f"the question is longer than {limit} tokens; what lies beyond was not read.")
        mentions: list[LinkedMention] = []
        paths: list[EvidencePath] = []
        nodes: list[EvidenceNode] = []
        knowledge = self.pipeline.knowledge
        if knowledge is None:
            notes.append(TEXT_MODEL)
        else:
            mentions = _mentions(example, knowledge)
            graphs, first = prepared.graphs, encoded.first_graph
            if graphs is not None and scores.path_shares is not None:
                paths = _paths(example, graphs, first, scores.path_shares, knowledge.graph)
            if graphs is not None and scores.node_shares is not None:
                nodes = _nodes(example, graphs, first, scores, knowledge.graph)
            joins = knowledge.reasoning is not None or knowledge.facts is not None
            read = knowledge.fused is not None and bool(mentions)
            if not read and not any(mention.source == "question" for mention in mentions):
                notes.append(NOTHING_LINKED)
            elif joins and not paths and not nodes and not any(encoded.facts or ()):
                notes.append(NOTHING_JOINED)
        rows = zip(example.choice_labels, example.choices, scores.logits, probabilities, strict=True)
        return Answer(
            id=example.id,
            question=example.question,
            choices=tuple(ChoiceScore(label, text, float(z), float(p)) for label, text, z, p in rows),
            predicted=int(scores.logits.argmax()),
            mentions=tuple(mentions),
            paths=tuple(sorted(paths, key=lambda path: -path.attention)),
            nodes=tuple(sorted(nodes, key=lambda node: -node.attention)),
            facts=tuple(
                tuple(ReadFact(fact.sentence, fact.source, fact.score) for fact in behind)
                for behind in encoded.facts or ()
            ),
            fused=knowledge is not None and knowledge.fused is not None,
            notes=tuple(notes),
        )


def _mentions(example: MultipleChoiceExample, knowledge: Knowledge) -> list[LinkedMention]:
    texts = {"question": example.question, **dict(zip(example.choice_labels, example.choices, strict=True))}
    return [
        LinkedMention(
            source, m.start, m.end, m.text, knowledge.graph.entities[candidate.entity], candidate.probability
        )
        for source, text in texts.items()
        for m in knowledge.linker.link(text)
        for candidate in m.candidates
    ]


def _paths(
    example: MultipleChoiceExample, graphs: SchemaGraphs, first: int, shares: np.ndarray, graph: KnowledgeGraph
) -> list[EvidencePath]:
    """Return the paths of all choices; ``shares`` follows their order in the schema graphs."""
    found = []
    share = iter(shares.tolist())
    for offset, label in enumerate(example.choice_labels):
        at = first + offset
        entities = graphs.nodes[graphs.node_offsets[at] : graphs.node_offsets[at + 1]]
        for nodes, edges in graphs.paths(at):
            ids = [int(entities[node]) for node in nodes]
            relations = [_edge_relations(graphs, int(graphs.edge_offsets[at] + edge)) for edge in edges[:-1]]
            found.append(
                EvidencePath(
                    choice=label,
                    entities=tuple(graph.entities[i] for i in ids),
                    labels=tuple(graph.labels[i] for i in ids),
                    relations=tuple(tuple(_name(graph, r) for r in hop) for hop in relations),
                    attention=next(share),
                    line=draw_path(graph, ids, relations),
                    text=verbalize_path(graph, ids, relations),
                )
            )
    return found


def _nodes(
    example: MultipleChoiceExample, graphs: SchemaGraphs, first: int, scores: EvidenceScores, graph: KnowledgeGraph
) -> list[EvidenceNode]:
    """Return the attended nodes of all choices; the scores follow their order in the schema graphs."""
    assert scores.node_shares is not None
    found = []
    shares = iter(scores.node_shares.tolist())
    relevance = iter([None] * len(scores.node_shares) if scores.node_relevance is None else scores.node_relevance)
    for at, label in enumerate(example.choice_labels, start=first):
        entities = graphs.nodes[graphs.node_offsets[at] : graphs.node_offsets[at + 1]].tolist()
        questions, choices = int(graphs.question_counts[at]), int(graphs.choice_counts[at])
        roles = ["question"] * questions + ["choice"] * choices + ["other"] * (len(entities) - questions - choices)
        for entity, role in zip(entities, roles, strict=True):
            share, told = next(shares), next(relevance)
            if share > 0:
                name, text = graph.entities[entity], graph.labels[entity]
                found.append(EvidenceNode(label, name, text, role, share, None if told is None else float(told)))
    return found


def _edge_relations(graphs: SchemaGraphs, edge: int) -> list[int]:
    start, end = graphs.edge_relation_offsets[edge], graphs.edge_relation_offsets[edge + 1]
    return [int(relation) for relation in graphs.edge_relations[start:end]]


def _name(graph: KnowledgeGraph, relation: int) -> str:
    count = graph.num_relations
    return graph.relations[relation] if relation < count else "^" + graph.relations[relation - count]
