"""Names in running text that no alias of the graph spells: runs of words with capitals."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kglm.linking.normalization import STOP_WORDS

Span = tuple[int, int]

LONGEST = 6
"""Words of a run."""

_CAPITAL = r"[^\W\d_a-zß-öø-ÿ][\w'’&.-]*(?<![.'’-])"
_RUN = re.compile(rf"(?<!\w){_CAPITAL}(?:[ ]{_CAPITAL}){{0,{LONGEST - 1}}}")


def capital_runs(text: str, taken: Sequence[Span]) -> list[Span]:
    """Return runs of words with capitals that touch none of the spans taken, without stop words at their ends."""
    covered = bytearray(len(text))
    for start, end in taken:
        covered[start:end] = b"\1" * (end - start)
    runs = []
    for match in _RUN.finditer(text):
        start, end = _without_stop_words(text, match.start(), match.end())
        if start < end and not any(covered[start:end]) and any(letter.isupper() for letter in text[start:end]):
            runs.append((start, end))
    return runs


def _without_stop_words(text: str, start: int, end: int) -> Span:
    while start < end:
        word, _, _ = text[start:end].partition(" ")
        if word.lower().removesuffix("'s") not in STOP_WORDS:
            break
        start = min(end, start + len(word) + 1)
    while start < end:
        _, _, word = text[start:end].rpartition(" ")
        if word.lower() not in STOP_WORDS:
            break
        end = max(start, end - len(word) - 1)
    if text[start:end].endswith(("'s", "’s")):
        end -= 2
    return start, end
