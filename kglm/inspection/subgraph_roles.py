"""What a node's role looks like and is called, in pictures and on pages alike."""

from __future__ import annotations

from kglm.inspection.evidence_canvas import BLUE, INK, ORANGE, Look
from kglm.inspection.subgraph import Role

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
