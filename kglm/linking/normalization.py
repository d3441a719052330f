"""Text as a sequence of normalised tokens that keep their place in the original."""

from __future__ import annotations

import importlib.metadata
import re
from functools import lru_cache
from typing import NamedTuple

import simplemma

# Named in every cache key; raise it with any change of what this module returns.
VERSION = 3

STOP_WORDS = frozenset(
    """
    a an the this that these those such some any each every no not nor and or but if then than so as because
    i me my mine myself you your yours yourself he him his himself she her hers herself it its itself we us our
    ours ourselves they them their theirs themselves someone somebody something anyone anybody anything
    who whom whose which what when where why how while until
    is am are was were be been being do does did done doing have has had having
    can could may might must shall should will would ought
    in on at by for with from of to into onto about under through between against during
    before after above below again further once here there both all only own same too very just also
    don't doesn't didn't isn't aren't wasn't weren't can't couldn't won't wouldn't shouldn't i'm you're he's she's
    it's we're they're i've you've we've they've i'd you'd he'd she'd we'd they'd i'll you'll he'll she'll we'll
    they'll that's what's there's
    """.split()
)

# They change what a verb means ("cheer up", "lie down"), so they count within a mention, but are none by themselves.
PARTICLES = frozenset({"up", "down", "off", "out", "over"})

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[.,;:!?()\[\]{}\"“”„«»…–—]")


class Token(NamedTuple):
    """A word of a text."""

    start: int
    end: int
    surface: str
    lemma: str
    segment: int
    """Number of punctuation marks before the word; a mention does not reach across one."""


def versions() -> dict[str, int | str]:
    """Return what the normalisation depends on: its own version, and that of the lemmatiser."""
    return {"normalization": VERSION, "simplemma": importlib.metadata.version("simplemma")}


@lru_cache(maxsize=500_000)
def lemma(word: str) -> str:
    """Return the English base form of a lower-case word."""
    return simplemma.lemmatize(word, lang="en").lower()


def tokenize(text: str) -> list[Token]:
    """Return the content words of ``text``, or all words where there are only stop words.

    Words are lower-cased and lose a possessive ``'s``; hyphens and underscores separate words.
    """
    tokens, stops, segment = [], [], 0
    for match in _TOKEN.finditer(text):
        word = match.group().lower().replace("’", "'")
        if not word[0].isalnum():
            segment += 1
            continue
        bare = word.removesuffix("'s")
        if word not in STOP_WORDS and bare not in STOP_WORDS:
            word = bare
            tokens.append(Token(match.start(), match.end(), word, lemma(word), segment))
        else:
            stops.append(Token(match.start(), match.end(), word, word, segment))
    return tokens or stops


def keys(tokens: list[Token]) -> tuple[str, str]:
    """Return the two forms under which a phrase is looked up: as written, and lemmatised."""
    return " ".join(token.surface for token in tokens), " ".join(token.lemma for token in tokens)
