"""kglm: knowledge-graph-augmented language models.

Names are imported when first used, so that ``import kglm`` costs nothing and needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kglm.inference import Answer, Answerer
    from kglm.kg import GraphRecipe, KnowledgeGraph
    from kglm.linking import EntityLinker, LexicalLinker
    from kglm.retrieval import TextIndex, VectorIndex

__version__ = "0.1.0"

_HOMES = {
    "Answer": "kglm.inference",
    "Answerer": "kglm.inference",
    "EntityLinker": "kglm.linking",
    "GraphRecipe": "kglm.kg",
    "KnowledgeGraph": "kglm.kg",
    "LexicalLinker": "kglm.linking",
    "TextIndex": "kglm.retrieval",
    "VectorIndex": "kglm.retrieval",
}

__all__ = [
    "Answer",
    "Answerer",
    "EntityLinker",
    "GraphRecipe",
    "KnowledgeGraph",
    "LexicalLinker",
    "TextIndex",
    "VectorIndex",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kglm' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
