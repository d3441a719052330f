"""Markers around mentions, by which a classifier knows which of a text's mentions it is asked about."""

from __future__ import annotations

from collections.abc import Sequence

Span = tuple[int, int]


def insert_markers(text: str, spans: Sequence[Span], markers: Sequence[tuple[str, str]]) -> tuple[str, list[Span]]:
    """Put markers before and behind spans, apart by blanks, and return the new text and the spans' new places.

    Spans may touch, nest, overlap or be the same; of two that begin or end together the longer one's markers are
    outside, of two that are the same the first one's. A new place does not hold the span's own markers.

    Args:
        text: the text.
        spans: places in characters, none empty.
        markers: for each span what stands before and behind it; an empty one is not inserted.
    """
    numbers = range(len(spans))
    opening = [(spans[n][0], 1, -spans[n][1], n) for n in numbers]  # the one that ends last first
    closing = [(spans[n][1], 0, -spans[n][0], -n) for n in numbers]  # the one that began last first
    parts: list[str] = []
    starts, ends = [0] * len(spans), [0] * len(spans)
    at = length = 0
    for place, opens, _, number in sorted([*opening, *closing]):
        number = abs(number)
        parts.append(text[at:place])
        length += place - at
        at = place
        marker = markers[number][0 if opens else 1]
        if not opens:
            ends[number] = length
        inserted = (f"{marker} " if opens else f" {marker}") if marker else ""
        parts.append(inserted)
        length += len(inserted)
        if opens:
            starts[number] = length
    return "".join([*parts, text[at:]]), list(zip(starts, ends, strict=True))
