"""Text in, answer and evidence out."""

from kglm.inference.answer import Answer, ChoiceScore, EvidenceNode, EvidencePath, LinkedMention, ReadFact
from kglm.inference.answerer import Answerer
from kglm.inference.bundle import Bundle

__all__ = [
    "Answer",
    "Answerer",
    "Bundle",
    "ChoiceScore",
    "EvidenceNode",
    "EvidencePath",
    "LinkedMention",
    "ReadFact",
]
