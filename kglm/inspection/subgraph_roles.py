"""What a node's role looks like and is called, in pictures and on pages alike."""

from __future__ import annotations

from kglm.inspection.evidence_canvas import BLUE, INK, ORANGE, Look
from kglm.inspection.evidence_text import clean
from kglm.inspection.subgraph import Role, SubgraphNode

GREEN = "#00684a"

LOOKS: dict[Role, Look] = {
    "question": Look(BLUE, BLUE, "white", rounding=20, bold=True),
    "choice": Look(ORANGE, ORANGE, "white", rounding=2, bold=True),
    "seed": Look(GREEN, GREEN, "white", rounding=20, bold=True),
    "other": Look("white", "#5a5a5a", INK, rounding=5, width=0.9),
}
MEANINGS: dict[Role, str] = {
    "question": "concept of the question",
    "choice": "concept of the choice",
    "seed": "asked for",
    "other": "any other",
}


def label_of(node: SubgraphNode) -> str:
    """Return what is written at a node: its label in one line, or its name where that is empty."""
    return clean(node.label) or clean(node.name) or "(no name)"
