"""Rectangles that do not overlap, found quickly: which of several places for a label is still free."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from kglm.inspection.evidence_layout import Box

CELL = 40.0


class TakenPlaces:
    """The rectangles that stand already, in a grid of square cells."""

    def __init__(self, boxes: Iterable[Box] = ()) -> None:
        self._cells: dict[tuple[int, int], list[Box]] = defaultdict(list)
        for box in boxes:
            self.take(box)

    def take(self, box: Box) -> None:
        """Let a rectangle stand, whether or not its place is free."""
        for cell in _cells(box):
            self._cells[cell].append(box)

    def is_free(self, box: Box) -> bool:
        """Whether a rectangle overlaps none that stands."""
        return not any(box.overlaps(other) for cell in _cells(box) for other in self._cells.get(cell, ()))

    def take_first_free(self, boxes: Iterable[Box]) -> Box | None:
        """Let the first rectangle whose place is free stand, and return it; None if no place is."""
        for box in boxes:
            if self.is_free(box):
                self.take(box)
                return box
        return None


def _cells(box: Box) -> Iterable[tuple[int, int]]:
    top, bottom = box.y - box.height / 2, box.y + box.height / 2
    for column in range(int(box.left // CELL), int(box.right // CELL) + 1):
        for row in range(int(top // CELL), int(bottom // CELL) + 1):
            yield column, row
