"""From spans of characters to tokens, through the places that a fast tokenizer keeps.

Dimensions: T tokens of one text with its special tokens, M spans.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class TokenPlaces:
    """Where the tokens of one text stand in it.

    White space at a token's edges does not count: byte-level BPE and SentencePiece let a token begin with the blank
    before its word, and may make a token of the blank alone, which then stands for no character.

    Args:
        text: the text.
        offsets: of each token its first character and the one behind its last, in order of the text; an empty
            place for special tokens.
        first_token: what is added to the numbers of tokens.
    """

    def __init__(self, text: str, offsets: Sequence[tuple[int, int]], first_token: int = 0) -> None:
        trimmed = [_trim(text, start, end) for start, end in offsets]
        places = np.array([place for place in trimmed if place[0] < place[1]], dtype=np.int64).reshape(-1, 2)
        self._tokens = first_token + np.array(
            [number for number, (start, end) in enumerate(trimmed) if start < end], dtype=np.int64
        )
        # Bytes of one character share its place, so that starts and ends ascend, if not strictly.
        self._starts, self._ends = places.T

    def find(self, spans: Sequence[tuple[int, int]]) -> np.ndarray:
        """Return of each span its first token and the one behind its last, ``int64 [M, 2]``.

        A token belongs to a span if it shares a character with it, so that no span gets lost because it begins or
        ends within a token, touches another, or repeats it. A span of white space, or in a part of the text that was
        cut off, has ``(0, 0)``; one that is partly cut off has the tokens that are left.
        """
        wanted = np.asarray(spans, dtype=np.int64).reshape(-1, 2)
        first = np.searchsorted(self._ends, wanted[:, 0], side="right")
        behind = np.searchsorted(self._starts, wanted[:, 1], side="left")
        found = np.zeros((len(wanted), 2), dtype=np.int64)
        real = first < behind
        found[real, 0] = self._tokens[first[real]]
        found[real, 1] = self._tokens[behind[real] - 1] + 1
        return found


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without white space at its edges; an empty one where there is nothing else."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end
