"""The matcher: from the words of texts to the forms of a graph that they spell, in compiled code."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from kglm.linking.surface_trie import (
    ALL_SHOUTED,
    ALL_STOP,
    AMONG_STOPS,
    BASE,
    ENDS_POSSESSIVE,
    MOST_WORDS,
    WRITTEN,
    Trie,
    edge_key,
    is_content,
    stop_words_around,
)
from kglm.linking.tokenization import CAPITAL, JOINED, SHOUTED, RawTokens, hash_plain
from kglm.linking.word_table import ARTICLE, MAX_FORMS, PARTICLE, slot_of

INFLECTED, FROM_BASE, LOOSE, GAP = 1, 2, 4, 8
"""Bits of how a text spells a form, 0 for just as it is written (but for case): a word of the text is in another form
than the graph's; only base forms agree; the stop words differ; there are other words in between. Less is better."""

MOST_GAP = 3
# Of the walk, which goes deep first: every word of the longest form leaves at most two steps (alone, joined) of
# MAX_FORMS for each word that may be passed over.
_MOST_FRAMES = MOST_WORDS * 2 * MAX_FORMS * (MOST_GAP + 1) + 2 * MAX_FORMS


@numba.njit(inline="always")
def _push(
    stack: np.ndarray, top: Any, node: Any, last: Any, depth: Any, breaks: Any, gaps: Any, how: Any, by_stops: Any
) -> Any:
    stack[top, 0], stack[top, 1], stack[top, 2] = node, last, depth
    stack[top, 3], stack[top, 4], stack[top, 5], stack[top, 6] = breaks, gaps, how, by_stops
    return top + 1


@numba.njit(inline="always")
def _step(
    stack: np.ndarray,
    top: Any,
    edge_keys: np.ndarray,
    edge_values: np.ndarray,
    roots: np.ndarray,
    forms: np.ndarray,
    node: Any,
    word: Any,
    last: Any,
    depth: Any,
    breaks: Any,
    gaps: Any,
    how: Any,
    by_stops: Any,
) -> Any:
    """Push the nodes to which a word leads, in any of its forms, and return the new height of the stack."""
    for column in range(forms.shape[1]):
        form = forms[word, column]
        if form < 0:
            break
        if node == 0:
            child = roots[form] if form < len(roots) else np.int32(-1)
        else:
            slot = slot_of(edge_key(node, form), edge_keys)
            child = edge_values[slot] if edge_keys[slot] != np.uint64(0) else np.int32(-1)
        if child >= 0:
            other = how if column == 0 else how | INFLECTED
            top = _push(stack, top, child, last, depth + 1, breaks, gaps, other, by_stops)
    return top


@numba.njit(inline="always")
def _walk_on(
    stack: np.ndarray,
    top: Any,
    edge_keys: np.ndarray,
    edge_values: np.ndarray,
    roots: np.ndarray,
    forms: np.ndarray,
    segments: np.ndarray,
    ids: np.ndarray,
    joined: np.ndarray,
    content: np.ndarray,
    end: Any,
    node: Any,
    last: Any,
    depth: Any,
    breaks: Any,
    gaps: Any,
    how: Any,
    max_gap: Any,
) -> Any:
    """Push what follows ``node``, after the next content word, or after one that stands up to ``max_gap`` further."""
    at = last + 1
    while at < end:
        if not content[at]:
            at += 1
            continue
        crossed = breaks
        if segments[at] != segments[last]:
            crossed |= 1 << (depth - 1)
        top = _step(
            stack, top, edge_keys, edge_values, roots, forms, node, ids[at], at, depth, crossed, gaps, how, False
        )
        if joined[at] >= 0 and at + 1 < end:
            top = _step(
                stack,
                top,
                edge_keys,
                edge_values,
                roots,
                forms,
                node,
                joined[at],
                at + 1,
                depth,
                crossed,
                gaps,
                how | INFLECTED,
                False,
            )
        if gaps == max_gap or segments[at] != segments[last]:
            break
        gaps += 1
        how |= GAP
        at += 1
    return top


@numba.njit(nogil=True, cache=True)
def _is_written_as_name(
    flags: Any, plain: Any, points: np.ndarray, start: Any, end: Any, written: Any, depth: Any, strict: bool
) -> bool:
    """Return whether a phrase within a text spells a form that has stop words only, as a name is spelt.

    Args:
        flags: of the form.
        plain: hash of the form's characters.
        points: code points of all texts.
        start: where the phrase begins in them.
        end: where it ends.
        written: flags of its first word.
        depth: number of its words.
        strict: these count as stop words.
    """
    if not flags & ALL_STOP or (strict and depth == 1):
        return False
    if not strict and depth == 1 and flags & ALL_SHOUTED and written & (JOINED | SHOUTED):
        return True
    return hash_plain(points, start, end) == plain


@numba.njit(nogil=True, cache=True)
def _sort_best_first(found: np.ndarray, count: int) -> int:
    """Sort the forms of a span by how they are spelt, each once, and return how many there are."""
    if count == 1:
        return count
    if count > 40:
        found[:count] = found[np.argsort(found[:count, 0] << 8 | found[:count, 1])]
    else:
        _insertion_sort(found, count, 0)
    kept = 1
    for i in range(1, count):
        if found[i, 0] != found[kept - 1, 0]:
            found[kept, 0], found[kept, 1] = found[i, 0], found[i, 1]
            kept += 1
    if kept > 40:
        found[:kept] = found[np.argsort(found[:kept, 1] << 32 | found[:kept, 0])]
    else:
        _insertion_sort(found, kept, 1)
    return kept


@numba.njit(inline="always")
def _insertion_sort(found: np.ndarray, count: Any, by: Any) -> None:
    """Sort rows by one column and then by the other."""
    for i in range(1, count):
        here, there = found[i, by], found[i, 1 - by]
        at = i
        while at > 0 and (found[at - 1, by] > here or (found[at - 1, by] == here and found[at - 1, 1 - by] > there)):
            found[at, 0], found[at, 1] = found[at - 1, 0], found[at - 1, 1]
            at -= 1
        found[at, by], found[at, 1 - by] = here, there


@numba.njit(nogil=True, cache=True)
def _extent(
    leadings: np.ndarray,
    plains: np.ndarray,
    form_flags: np.ndarray,
    points: np.ndarray,
    word_starts: np.ndarray,
    word_ends: np.ndarray,
    bare_ends: np.ndarray,
    word_flags: np.ndarray,
    found: np.ndarray,
    count: int,
    begin: int,
    first: Any,
    last: Any,
    reached: Any,
) -> tuple[int, int]:
    """Return where a span begins and ends: a name begins with its article, and ends with ``'s``, if the form does."""
    best = found[0, 1]
    start, end = word_starts[first], bare_ends[last]
    for item in range(count):
        if found[item, 1] != best:
            break
        form = found[item, 0]
        if form_flags[form] & ENDS_POSSESSIVE:
            end = word_ends[last]
        lead = first - leadings[form]
        if best or lead == first or lead < begin or word_starts[lead] < reached:
            continue
        if word_flags[lead] & CAPITAL and hash_plain(points, word_starts[lead], end) == plains[form]:
            start = min(start, word_starts[lead])
    return start, end


@numba.njit(inline="always")
def _grown(array: np.ndarray) -> np.ndarray:
    out = np.empty(2 * len(array), dtype=array.dtype)
    out[: len(array)] = array
    return out


@numba.njit(forceinline=True)  # a call would pass some hundred words, for each array is nine of them
def _walk(
    edge_keys: np.ndarray,
    edge_values: np.ndarray,
    roots: np.ndarray,
    opened: np.ndarray,
    firsts: np.ndarray,
    segments: np.ndarray,
    ids: np.ndarray,
    joined: np.ndarray,
    content: np.ndarray,
    forms: np.ndarray,
    first: Any,
    end: Any,
    strict: bool,
    only_joined: bool,
    max_gap: Any,
    stack: np.ndarray,
    reach: np.ndarray,
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Collect the nodes in which forms end that begin with word ``first``; return how many, and the arrays."""
    top, ways = 0, 0
    if not only_joined:
        top = _step(stack, top, edge_keys, edge_values, roots, forms, 0, ids[first], first, 0, 0, 0, 0, strict)
    if joined[first] >= 0 and first + 1 < end:
        top = _step(
            stack, top, edge_keys, edge_values, roots, forms, 0, joined[first], first + 1, 0, 0, 0, INFLECTED, False
        )
    while top > 0:
        top -= 1
        node, last, depth, breaks = stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3]
        gaps, how, by_stops = stack[top, 4], stack[top, 5], stack[top, 6]
        if max(firsts[node, WRITTEN], firsts[node, BASE], firsts[node, AMONG_STOPS]) >= 0:
            if ways == len(reach):
                larger = np.empty((2 * ways, 7), dtype=np.int64)
                larger[:ways] = reach
                reach = larger
            for column in range(7):
                reach[ways, column] = stack[top, column]
            ways += 1
        if not opened[node]:
            continue
        if by_stops:
            at = last + 1
            if at < end and not content[at] and segments[at] == segments[last]:
                top = _step(
                    stack, top, edge_keys, edge_values, roots, forms, node, ids[at], at, depth, 0, 0, how, True
                )
        else:
            top = _walk_on(
                stack,
                top,
                edge_keys,
                edge_values,
                roots,
                forms,
                segments,
                ids,
                joined,
                content,
                end,
                node,
                last,
                depth,
                breaks,
                gaps,
                how,
                max_gap,
            )
    return ways, stack, reach


@numba.njit(inline="always")
def _next_end(reach: np.ndarray, ways: Any, last: Any, ascending: Any) -> Any:
    """Return the last word of the longest way shorter than ``last``, or the shortest longer one; -1 for none."""
    best = np.int64(-1)
    for way in range(ways):
        there = reach[way, 1]
        if ascending:
            if there > last and (best < 0 or there < best):
                best = there
        elif (last < 0 or there < last) and there > best:
            best = there
    return best


@numba.njit(inline="always")
def _begins_form(roots: np.ndarray, forms: np.ndarray, word: Any) -> bool:
    """Return whether a form begins with a word, in any of its forms."""
    for column in range(forms.shape[1]):
        form = forms[word, column]
        if form < 0:
            return False
        if form < len(roots) and roots[form] >= 0:
            return True
    return False


@numba.njit(inline="always")
def _stands_by_stop_word(
    ids: np.ndarray, content: np.ndarray, kinds: np.ndarray, at: Any, end: Any, step: Any
) -> bool:
    """Return whether the next word in a direction, articles left out, is a stop word."""
    while at != end and not content[at] and kinds[ids[at]] & ARTICLE:
        at += step
    return at != end and not content[at]


@numba.njit(forceinline=True)  # as _walk
def _forms_of_span(
    firsts: np.ndarray,
    paths: np.ndarray,
    plains: np.ndarray,
    points: np.ndarray,
    word_starts: np.ndarray,
    word_ends: np.ndarray,
    word_flags: np.ndarray,
    ids: np.ndarray,
    content: np.ndarray,
    kinds: np.ndarray,
    reach: np.ndarray,
    ways: Any,
    begin: Any,
    end: Any,
    first: Any,
    last: Any,
    only_stops: bool,
    loose: bool,
    found: np.ndarray,
) -> tuple[Any, np.ndarray]:
    """Collect the forms that the words ``first`` to ``last`` spell, by base forms or loosely where by none."""
    count = 0
    stops = stop_words_around(ids, content, kinds, begin, end, first, last, 0, 0)
    before = _stands_by_stop_word(ids, content, kinds, first - 1, begin - 1, -1)
    after = _stands_by_stop_word(ids, content, kinds, last + 1, end, 1)
    written, base, among_stops = 1 << WRITTEN, 1 << BASE, 1 << AMONG_STOPS
    passes = (
        (0, written | (among_stops if before or after else 0)),
        (0, base),
        (LOOSE, written | base | among_stops),
    )
    for bit, groups in passes:
        for way in range(ways):
            if reach[way, 1] != last:
                continue
            depth, breaks, how, strict = reach[way, 2], reach[way, 3], reach[way, 5], reach[way, 6] != 0
            for group in range(AMONG_STOPS + 1):
                if not groups & 1 << group:
                    continue
                path = firsts[reach[way, 0], group]
                while path >= 0:
                    here = paths[path]
                    path, form, flags = here.next, here.form, here.flags
                    if breaks & ~np.int64(here.breaks):
                        continue
                    if only_stops:
                        wanted = bit == 0 and flags & ALL_STOP != 0
                    elif strict or flags & ALL_STOP:
                        wanted = bit == 0 and _is_written_as_name(
                            flags,
                            plains[form],
                            points,
                            word_starts[first],
                            word_ends[last],
                            word_flags[first],
                            depth,
                            strict,
                        )
                    else:
                        leading, trailing = here.leading, here.trailing
                        agree = False
                        if leading == 0 and trailing == 0:
                            agree = stops == here.stops
                        elif (leading == 0 or before) and (trailing == 0 or after):
                            around = stop_words_around(
                                ids, content, kinds, begin, end, first, last, leading, trailing
                            )
                            agree = around == here.stops
                        wanted = agree == (bit == 0)
                    if not wanted:
                        continue
                    if count == len(found):
                        larger = np.empty((2 * count, 2), dtype=np.int64)
                        larger[:count] = found
                        found = larger
                    found[count, 0], found[count, 1] = form, bit | how | (FROM_BASE if here.kind == BASE else 0)
                    count += 1
        if count or (groups == base and not loose):
            break
    return (_sort_best_first(found, count) if count else 0), found


@numba.njit(nogil=True, cache=True)
def match(
    trie: Trie,
    points: np.ndarray,
    text_offsets: np.ndarray,
    tokens: RawTokens,
    ids: np.ndarray,
    joined: np.ndarray,
    forms: np.ndarray,
    kinds: np.ndarray,
    overlapping: bool,
    loose: bool,
    max_gap: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Find the forms in texts.

    Args:
        trie: the forms.
        points: code points of all texts.
        text_offsets: ``int64 [texts + 1]``, where each text begins.
        tokens: the words of all texts.
        ids: their numbers.
        joined: the numbers of hyphened pairs in one.
        forms: what each word may be looked up as.
        kinds: the kinds of words.
        overlapping: all spans are wanted, not only the leftmost longest.
        loose: stop words need not agree.
        max_gap: other content words that may stand within a mention.

    Returns:
        span offsets ``int64 [texts + 1]``, starts and ends ``int64 [M]`` within their texts, form offsets
        ``int64 [M + 1]``, forms ``int32``, and how each is spelt, ``uint8``; the best of a span first.
    """
    texts = len(text_offsets) - 1
    # Unpacked once: an array that is taken out of a tuple within a loop costs a count of its references each time.
    edge_keys, edge_values, roots, opened, firsts = (
        trie.edge_keys,
        trie.edge_values,
        trie.roots,
        trie.open,
        trie.first,
    )
    paths, leadings, plains, form_flags = trie.paths, trie.leading, trie.plain, trie.flags
    word_starts, word_ends, bare_ends = tokens.starts, tokens.ends, tokens.bare_ends
    segments, word_flags, word_offsets, has_lower = tokens.segments, tokens.flags, tokens.offsets, tokens.lower
    content = np.empty(len(ids), dtype=np.bool_)
    stack = np.empty((_MOST_FRAMES, 7), dtype=np.int64)
    reach = np.empty((64, 7), dtype=np.int64)  # the nodes that a walk comes to
    found = np.empty((64, 2), dtype=np.int64)  # form, how it is spelt
    span_offsets = np.zeros(texts + 1, dtype=np.int64)
    starts, ends = np.empty(len(ids) // 2 + 16, dtype=np.int64), np.empty(len(ids) // 2 + 16, dtype=np.int64)
    form_offsets = np.zeros(len(starts) + 1, dtype=np.int64)
    out_forms, out_how = np.empty(len(starts), dtype=np.int32), np.empty(len(starts), dtype=np.uint8)
    spans, outs = 0, 0
    for text in range(texts):
        begin, end, origin = word_offsets[text], word_offsets[text + 1], text_offsets[text]
        lower = has_lower[text]
        only_stops, says_more = True, False  # a particle counts by itself where nothing else does
        for at in range(begin, end):
            content[at] = is_content(kinds[ids[at]], word_flags[at], lower)
            only_stops &= not content[at]
            says_more |= content[at] and not kinds[ids[at]] & PARTICLE
        if only_stops:
            content[begin:end] = True
        at = begin
        reached: Any = 0
        while at < end:
            strict = not content[at]
            if strict and joined[at] < 0 and not (word_flags[at] & CAPITAL and lower):
                at += 1
                continue
            if joined[at] < 0 and not _begins_form(roots, forms, ids[at]):
                at += 1
                continue
            ways, stack, reach = _walk(
                edge_keys,
                edge_values,
                roots,
                opened,
                firsts,
                segments,
                ids,
                joined,
                content,
                forms,
                at,
                end,
                strict,
                strict and not lower,
                max_gap,
                stack,
                reach,
            )
            last: Any = -1
            following = at + 1
            while ways > 0:
                last = _next_end(reach, ways, last, overlapping)
                if last < 0:
                    break
                count = 0
                if last > at or not says_more or not kinds[ids[at]] & PARTICLE:
                    count, found = _forms_of_span(
                        firsts,
                        paths,
                        plains,
                        points,
                        word_starts,
                        word_ends,
                        word_flags,
                        ids,
                        content,
                        kinds,
                        reach,
                        ways,
                        begin,
                        end,
                        at,
                        last,
                        only_stops,
                        loose,
                        found,
                    )
                if count == 0:
                    continue
                if spans + 1 >= len(starts):
                    starts, ends, form_offsets = _grown(starts), _grown(ends), _grown(form_offsets)
                while outs + count > len(out_forms):
                    out_forms, out_how = _grown(out_forms), _grown(out_how)
                start, limit = _extent(
                    leadings,
                    plains,
                    form_flags,
                    points,
                    word_starts,
                    word_ends,
                    bare_ends,
                    word_flags,
                    found,
                    count,
                    begin,
                    at,
                    last,
                    np.int64(0) if overlapping else reached,
                )
                starts[spans], ends[spans] = start - origin, limit - origin
                spans += 1
                for item in range(count):
                    out_forms[outs], out_how[outs] = found[item, 0], found[item, 1]
                    outs += 1
                form_offsets[spans] = outs
                if not overlapping:
                    reached, following = limit, last + 1
                    break
            at = following
        span_offsets[text + 1] = spans
    return (
        span_offsets,
        starts[:spans].copy(),
        ends[:spans].copy(),
        form_offsets[: spans + 1].copy(),
        out_forms[:outs].copy(),
        out_how[:outs].copy(),
    )
