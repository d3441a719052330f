"""How the edges of each relation look: a colour and a dash, told apart also by people with a colour blindness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Paul Tol's "muted" scheme without its palest colours, which vanish as thin lines on white.
COLOURS = ("#332288", "#117733", "#cc6677", "#44aa99", "#882255", "#b8860b", "#4a90c2", "#aa4499")
DARK_COLOURS = ("#9a8cf0", "#5fbf72", "#f0909c", "#6fd6c8", "#e06fae", "#e3b341", "#7fbdf0", "#d68bd6")
"""The same for a dark ground."""

DASHES: tuple[tuple[float, ...], ...] = ((), (5.0, 2.0), (1.5, 1.8))
REST_COLOUR = "#8a8a8a"


@dataclass(frozen=True)
class RelationStyle:
    """The look of a relation's edges.

    Attributes:
        colour: of the line.
        dash: lengths of stroke and gap in points; empty for an unbroken line.
        own: False for the look that all relations share for which none of their own was left.
    """

    colour: str
    dash: tuple[float, ...] = ()
    own: bool = True


REST = RelationStyle(REST_COLOUR, (), own=False)


def relation_styles(relations: Sequence[str], most: int = len(COLOURS) * len(DASHES)) -> dict[str, RelationStyle]:
    """Return the look of each relation; the first ``most``, the most frequent, get one of their own.

    Args:
        relations: names, the most frequent first.
        most: how many looks are used; beyond the number of colours dashes tell them apart.
    """
    looks = [RelationStyle(colour, dash) for dash in DASHES for colour in COLOURS][:most]
    return {name: looks[number] if number < len(looks) else REST for number, name in enumerate(relations)}
