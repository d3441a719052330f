"""Which words count: stop words, particles, articles, and the version of all that decides what a mention is.

Stop words and pronouns are passed over, in a form of the graph as in a text: "schools of the law" is a form of
"school of law". By itself a stop word is a mention only of a text that has no other words ("to be"), or where
it is written
as a name is that the graph has ("The Who", "WHO", "U.S."). A particle counts within a mention and is none by itself.
"""

from __future__ import annotations

from kglm.linking import inflection

# Named in every cache key; raise it with any change of what is a word, which words count, and what is a mention.
VERSION = 4

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

ARTICLES = frozenset({"a", "an", "the"})


def versions() -> dict[str, int | str]:
    """Return what the normalisation depends on: its own version, and those of the base forms of words."""
    return {"normalization": VERSION, **inflection.versions()}
