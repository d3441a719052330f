"""From text to entities: mention detection and candidate generation."""

from kglm.linking.lexical import LexicalLinker, LexicalLinkerOptions
from kglm.linking.mention import Candidate, Mention

__all__ = ["Candidate", "LexicalLinker", "LexicalLinkerOptions", "Mention"]
