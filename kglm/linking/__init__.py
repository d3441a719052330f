"""From text to entities: mention detection, candidate generation, disambiguation.

Names are imported when first used: the lexical linker and mentions need no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kglm.linking.lexical import LexicalLinker, LexicalLinkerOptions
from kglm.linking.mention import Candidate, Mention

if TYPE_CHECKING:
    from kglm.linking.entity_linker import EntityLinker, LinkingProblem
    from kglm.linking.options import EntityLinkerOptions
    from kglm.linking.scorer import LogLinearScorer, fit_scorer
    from kglm.linking.weights import LinkerWeights

_HOMES = {
    "EntityLinker": "kglm.linking.entity_linker",
    "EntityLinkerOptions": "kglm.linking.options",
    "LinkerWeights": "kglm.linking.weights",
    "LinkingProblem": "kglm.linking.entity_linker",
    "LogLinearScorer": "kglm.linking.scorer",
    "fit_scorer": "kglm.linking.scorer",
}

__all__ = [
    "Candidate",
    "EntityLinker",
    "EntityLinkerOptions",
    "LexicalLinker",
    "LexicalLinkerOptions",
    "LinkerWeights",
    "LinkingProblem",
    "LogLinearScorer",
    "Mention",
    "fit_scorer",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kglm.linking' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
