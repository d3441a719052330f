"""Compiled code of ``synthetic_conceptnet.py``: draws assertions and writes them as lines.

Every number is a hash of the seed, the line and what it is for, so that the file does not depend on how it is cut
into pieces. The functions call each other and therefore stand in one file.
"""

import numba as nb
import numpy as np

# What a draw is for; the second factor of its hash.
FRESH_HEAD, FRESH_TAIL, HEAD, TAIL, TEMPLATE, WEIGHT, PERSON, SENSES, REPEATED, MALFORMED, KIND = range(11)
MAX_LINE_BYTES = 1200
NUM_DEFECTS = 6
ZIPF_SHIFT = 8.0


@nb.njit(cache=True, nogil=True)
def mix(value: int) -> int:
    """Return 64 well-mixed bits (the finaliser of SplitMix64)."""
    z = np.uint64(value) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@nb.njit(cache=True, nogil=True)
def uniform(seed: int, line: int, purpose: int) -> float:
    """Return a number in [0, 1)."""
    bits = mix(mix(np.uint64(seed) * np.uint64(16) + np.uint64(purpose)) ^ np.uint64(line))
    return (bits >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@nb.njit(cache=True, nogil=True)
def uniforms(seed, first, count, purpose):
    """Return the numbers of ``count`` lines."""
    found = np.empty(count)
    for i in range(count):
        found[i] = uniform(seed, first + i, purpose)
    return found


@nb.njit(cache=True, nogil=True)
def draw_ends(seed, first, heads, tails, head_languages, tail_languages, vocabulary, fresh_head, fresh_tail, total):
    """Draw head and tail of each line ``first + i`` as ids within their languages.

    Ids below ``vocabulary[language]`` are drawn with a probability that falls as 1 / (id + 8); above it stand those
    that occur once, as the inflected forms of Wiktionary do.
    """
    for i in range(heads.size):
        line = first + i
        size = vocabulary[head_languages[i]]
        if uniform(seed, line, FRESH_HEAD) < fresh_head[head_languages[i]]:
            heads[i] = size + line
        else:
            heads[i] = ranked(uniform(seed, line, HEAD), size)
        size = vocabulary[tail_languages[i]]
        if uniform(seed, line, FRESH_TAIL) < fresh_tail[tail_languages[i]]:
            tails[i] = size + total + line
        else:
            tails[i] = ranked(uniform(seed, line, TAIL), size)


@nb.njit(cache=True, nogil=True)
def ranked(u, size):
    """Return a rank below ``size`` by the inverse of the distribution function of 1 / (rank + 8)."""
    rank = np.int64(ZIPF_SHIFT * (np.exp(u * np.log(size / ZIPF_SHIFT + 1.0)) - 1.0))
    return min(rank, size - 1)


@nb.njit(cache=True, nogil=True)
def put(out, at, pool, offsets, index):
    """Append text ``index`` of a pool; return the position behind it."""
    for k in range(offsets[index], offsets[index + 1]):
        out[at] = pool[k]
        at += 1
    return at


@nb.njit(cache=True, nogil=True)
def put_word(out, at, number, syllables, offsets, begin, end):
    """Append the number written with the syllables ``begin`` to ``end`` as digits: another word for each number."""
    base = end - begin
    digits = np.empty(24, dtype=np.int64)
    count = 0
    number += base  # at least two syllables
    while True:
        digits[count] = number % base
        count += 1
        number = number // base - 1
        if number < 0:
            break
    for k in range(count - 1, -1, -1):
        at = put(out, at, syllables, offsets, begin + digits[k])
    return at


@nb.njit(cache=True, nogil=True)
def put_text(out, at, language, concept, blank, syllables, offsets, bounds, scripts):
    """Append the words of a concept, with ``blank`` (a blank or an underscore) between them."""
    begin, end = bounds[scripts[language]], bounds[scripts[language] + 1]
    at = put_word(out, at, concept, syllables, offsets, begin, end)
    bits = mix(np.uint64(concept) * np.uint64(512) + np.uint64(language))
    extra = 2 if bits % np.uint64(100) < 8 else (1 if bits % np.uint64(100) < 30 else 0)
    for k in range(extra):
        out[at] = blank
        word = np.int64((bits >> np.uint64(8 + 16 * k)) % np.uint64(4000))
        at = put_word(out, at + 1, word, syllables, offsets, begin, end)
    return at


@nb.njit(cache=True, nogil=True)
def put_concept(out, at, language, concept, sensed, names, name_offsets, places, syllables, offsets, bounds, scripts):
    """Append ``/c/LANGUAGE/CONCEPT``, with part of speech and sense where ``sensed``."""
    at = put(out, at, names, name_offsets, places[0])
    at = put(out, at, names, name_offsets, places[2] + language)
    out[at] = 47
    at = put_text(out, at + 1, language, concept, 95, syllables, offsets, bounds, scripts)
    if sensed:
        bits = mix(np.uint64(concept) * np.uint64(1024) + np.uint64(language))
        sense = np.int64(bits % np.uint64(places[4]))
        at = put(out, at, names, name_offsets, places[3] + sense)
    return at


@nb.njit(cache=True, nogil=True)
def put_lines(
    out, seed, first, order, relations, head_languages, tail_languages, heads, tails, external, templates, weights,
    surfaced, defects, names, name_offsets, places, pieces, syllables, offsets, bounds, scripts, phrases,
):  # fmt: skip
    """Write the lines in ``order``; return the number of bytes.

    ``places`` names where in ``names`` the kinds of text begin: ``/c/``, relations, languages, senses, the number of
    senses, templates (three texts each), weights. ``pieces`` gives the places of the JSON between them.
    """
    at = 0
    for position in range(order.size):
        i = order[position]
        if at + MAX_LINE_BYTES > out.size:
            return -1
        begin = at
        line = first + i
        sensed = uniform(seed, line, SENSES)
        # /a/[/r/X/,/c/en/a/,/c/en/b/]
        at = put(out, at, names, name_offsets, pieces[0])
        at = put(out, at, names, name_offsets, places[1] + relations[i])
        at = put(out, at, names, name_offsets, pieces[1])
        head_begin = at
        at = put_concept(
            out, at, head_languages[i], heads[i], sensed < 0.6, names, name_offsets, places, syllables, offsets,
            bounds, scripts,
        )  # fmt: skip
        head_end = at
        at = put(out, at, names, name_offsets, pieces[1])
        tail_begin = at
        if external[i]:
            out[at] = 47
            tail_begin = at + 1
            at = put(out, at + 1, names, name_offsets, pieces[9])
            at = put_text(out, at, head_languages[i], heads[i], 95, syllables, offsets, bounds, scripts)
        else:
            at = put_concept(
                out, at, tail_languages[i], tails[i], 0.4 < sensed < 0.7, names, name_offsets, places, syllables,
                offsets, bounds, scripts,
            )  # fmt: skip
        tail_end = at
        at = put(out, at, names, name_offsets, pieces[2])
        # relation, start, end
        defect = defects[i]
        out[at] = 9
        at += 1
        if defect == 1:
            out[at] = 120  # "x/r/IsA"
            at += 1
        at = put(out, at, names, name_offsets, places[1] + relations[i])
        out[at] = 9
        at += 1
        for k in range(head_begin, head_end):
            out[at] = out[k]
            at += 1
        if defect == 2:
            out[at] = 255  # never a byte of UTF-8
            at += 1
        out[at] = 9
        at += 1
        if defect != 3:  # an empty end
            for k in range(tail_begin, tail_end):
                out[at] = out[k]
                at += 1
        if defect == 4:  # the last column is missing
            out[at] = 10
            at += 1
            continue
        out[at] = 9
        at += 1
        # metadata
        template = places[5] + 3 * templates[i]
        at = put(out, at, names, name_offsets, template)
        if name_offsets[template + 1] < name_offsets[template + 2]:
            at = put(out, at, names, name_offsets, template + 1)
            person = np.int64(1e5 * uniform(seed, line, PERSON) ** 3)
            at = put_word(out, at, person, syllables, offsets, bounds[0], bounds[1])
        at = put(out, at, names, name_offsets, template + 2)
        if surfaced[templates[i]] and not external[i]:
            for piece, language, concept in (
                (3, tail_languages[i], tails[i]), (4, head_languages[i], heads[i]), (5, head_languages[i], heads[i]),
                (6, tail_languages[i], tails[i]),
            ):  # fmt: skip
                if piece == 6:
                    at = put(out, at, names, name_offsets, phrases[relations[i]])
                else:
                    at = put(out, at, names, name_offsets, pieces[piece])
                at = put_text(out, at, language, concept, 32, syllables, offsets, bounds, scripts)
            at = put(out, at, names, name_offsets, pieces[7])
        if defect == 5:  # the metadata end in the middle
            out[at] = 10
            at += 1
            continue
        at = put(out, at, names, name_offsets, pieces[8])
        if defect == 6:
            out[at] = 45  # a negative weight
            at += 1
        at = put(out, at, names, name_offsets, places[6] + weights[i])
        out[at] = 125
        out[at + 1] = 10
        at += 2
        if at - begin > MAX_LINE_BYTES:
            return -1
    return at
