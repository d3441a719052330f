"""A text with the mentions found in it, whoever found them: a linker, an annotator, the makers of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kglm.errors import DataError
from kglm.linking.mention import Candidate, Mention


@dataclass(frozen=True)
class LinkedText:
    """A text and its mentions, which may touch, repeat, nest and overlap, in any order."""

    text: str
    mentions: tuple[Mention, ...] = ()

    def __post_init__(self) -> None:
        for mention in self.mentions:
            if not 0 <= mention.start < mention.end <= len(self.text):
                raise DataError(
                    f"a mention spans the characters {mention.start} to {mention.end} of a text of "
                    f"{len(self.text)}; expected 0 <= start < end <= {len(self.text)}"
                )


def certain_mention(text: str, start: int, end: int, entity: int) -> Mention:
    """Return the mention ``text[start:end]`` of an entity that is known."""
    return Mention(start, end, text[start:end], (Candidate(entity, 1.0),))


@dataclass(frozen=True)
class JoinedTokens:
    """Words joined to a text.

    Attributes:
        text: the words with one blank between them.
        places: ``(start, end)`` of each word in it.
    """

    text: str
    places: tuple[tuple[int, int], ...]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return the characters of the words ``first`` to ``last - 1``.

        Raises:
            DataError: there are no such words.
        """
        if not 0 <= first < last <= len(self.places):
            raise DataError(
                f"a mention spans the words {first} to {last} of {len(self.places)}; expected "
                f"0 <= first < last <= {len(self.places)}"
            )
        return self.places[first][0], self.places[last - 1][1]


def join_tokens(words: Iterable[str]) -> JoinedTokens:
    """Join words by blanks; white space within and around a word becomes one blank or none."""
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    at = 0
    for word in words:
        clean = " ".join(word.split())
        places.append((at, at + len(clean)))
        if clean:
            parts.append(clean)
            at += len(clean) + 1
    return JoinedTokens(" ".join(parts), _within(places, max(at - 1, 0)))


def _within(places: Sequence[tuple[int, int]], length: int) -> tuple[tuple[int, int], ...]:
    """Return places cut to the text: words of white space alone behind the last one begin beyond it."""
    return tuple((min(start, length), min(end, length)) for start, end in places)
