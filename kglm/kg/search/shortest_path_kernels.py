"""Compiled code: cheapest paths by a search from both ends.

All compiled functions that call each other stand in this one file: numba keeps compiled code by the file of the
outermost function, and would not notice a change in another.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from kglm.kg.search.inputs import EdgeFilter, LinkRows, Rows, int64


class Side(NamedTuple):
    """What one side of the search knows, by place: entities are numbered as they are reached.

    ``local [entities]`` holds 0, or an entity's place plus 1. The heap holds places; ``where`` tells a place's
    position in it, or -1 once it is settled.
    """

    local: np.ndarray
    entities: np.ndarray
    costs: np.ndarray
    parents: np.ndarray
    heap: np.ndarray
    where: np.ndarray


@numba.njit(nogil=True, cache=True)
def search_all(
    outgoing: Rows,
    incoming: Rows,
    links: LinkRows,
    permitted: EdgeFilter,
    prices: np.ndarray,
    sources: np.ndarray,
    targets: np.ndarray,
    max_cost: float,
    forward: Side,
    backward: Side,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return offsets, entities, relations and costs."""
    offsets, costs = np.zeros(len(sources) + 1, dtype=np.int64), np.full(len(sources), np.inf)
    entities, relations = np.empty(64, dtype=np.int32), np.empty(64, dtype=np.int32)
    s = 0
    for q in range(len(sources)):
        meeting, ahead, behind = _search(
            outgoing, incoming, links, permitted, prices, sources[q], targets[q], max_cost, forward, backward
        )
        if meeting >= 0:
            first = s
            place = int64(forward.local[meeting]) - 1
            while place >= 0:
                entities = _grow(entities, s + 1)
                entities[s] = forward.entities[place]
                s += 1
                place = int64(forward.parents[place])
            for i in range((s - first) // 2):
                other = s - 1 - i
                entities[first + i], entities[other] = entities[other], entities[first + i]
            place = int64(backward.parents[int64(backward.local[meeting]) - 1])
            while place >= 0:
                entities = _grow(entities, s + 1)
                entities[s] = backward.entities[place]
                s += 1
                place = int64(backward.parents[place])
            relations = _grow(relations, len(entities))
            cost = 0.0
            for i in range(first, s - 1):
                relations[i], price = _cheapest(outgoing, incoming, permitted, prices, entities[i], entities[i + 1])
                cost += price
            relations[s - 1] = -1
            costs[q] = cost
        offsets[q + 1] = s
        for place in range(ahead):
            forward.local[forward.entities[place]] = 0
        for place in range(behind):
            backward.local[backward.entities[place]] = 0
    return offsets, entities[:s], relations[:s], costs


@numba.njit(nogil=True, cache=True)
def _search(
    outgoing: Rows,
    incoming: Rows,
    links: LinkRows,
    permitted: EdgeFilter,
    prices: np.ndarray,
    source: int,
    target: int,
    max_cost: float,
    forward: Side,
    backward: Side,
) -> tuple[int, int, int]:
    """Return the entity where the halves of a cheapest path meet, or -1, and how many entities each side reached."""
    _open(forward, source)
    _open(backward, target)
    meeting, best = (int64(source), 0.0) if source == target else (int64(-1), np.inf)
    # Not plain 1: numba would compile what takes them a second time, for that number alone.
    ahead = behind = ahead_open = behind_open = int64(1)
    while ahead_open and behind_open:
        near, far = forward.costs[forward.heap[0]], backward.costs[backward.heap[0]]
        if near + far >= best or near + far > max_cost:
            break
        if ahead_open <= behind_open:
            ahead, ahead_open, meeting, best = _extend(
                outgoing, incoming, links, permitted, permitted.outgoing, permitted.incoming, prices,
                forward, backward, ahead, ahead_open, far, meeting, best,
            )  # fmt: skip
        else:
            behind, behind_open, meeting, best = _extend(
                outgoing, incoming, links, permitted, permitted.incoming, permitted.outgoing, prices,
                backward, forward, behind, behind_open, near, meeting, best,
            )  # fmt: skip
    return (meeting if best <= max_cost else int64(-1)), ahead, behind


@numba.njit(nogil=True, cache=True)
def _open(side: Side, entity: int) -> None:
    """Start a side at one entity."""
    side.local[entity] = 1
    side.entities[0], side.costs[0], side.parents[0], side.heap[0], side.where[0] = entity, 0.0, -1, 0, 0


@numba.njit(nogil=True, cache=True)
def _extend(
    outgoing: Rows,
    incoming: Rows,
    links: LinkRows,
    permitted: EdgeFilter,
    along: bool,
    against: bool,
    prices: np.ndarray,
    side: Side,
    other: Side,
    reached: int,
    size: int,
    other_nearest: float,
    meeting: int,
    best: float,
) -> tuple[int, int, int, float]:
    """Settle the nearest open entity of a side; return entities reached, open, the meeting place and its cost."""
    place = int64(side.heap[0])
    size -= 1
    side.heap[0] = side.heap[size]
    side.where[side.heap[0]] = 0
    side.where[place] = -1
    _sink(side, size)
    entity = side.entities[place]
    if permitted.whole:
        for k in range(int64(links.indptr[entity]), int64(links.indptr[entity + 1])):
            if links.weight_codes[k] < permitted.min_code:
                break
            reached, size, meeting, best = _relax(
                links.neighbors[k], side.costs[place] + prices[links.weight_codes[k]], place,
                side, other, reached, size, other_nearest, meeting, best,
            )  # fmt: skip
        return reached, size, meeting, best
    for direction in range(2):
        if not (along if direction == 0 else against):
            continue
        row = outgoing if direction == 0 else incoming
        for k in range(int64(row.indptr[entity]), int64(row.indptr[entity + 1])):
            if row.weight_codes[k] >= permitted.min_code and permitted.relations[row.relations[k]]:
                reached, size, meeting, best = _relax(
                    row.neighbors[k], side.costs[place] + prices[row.weight_codes[k]], place,
                    side, other, reached, size, other_nearest, meeting, best,
                )  # fmt: skip
    return reached, size, meeting, best


@numba.njit(nogil=True, cache=True)
def _relax(
    entity: int,
    cost: float,
    parent: int,
    side: Side,
    other: Side,
    reached: int,
    size: int,
    other_nearest: float,
    meeting: int,
    best: float,
) -> tuple[int, int, int, float]:
    """Let an entity be reached at a cost, if that is news; see :func:`_extend` for what is returned."""
    place = int64(side.local[entity]) - 1
    if place >= 0 and side.costs[place] <= cost:
        return reached, size, meeting, best
    across = int64(other.local[entity]) - 1
    if across >= 0 and cost + other.costs[across] < best:
        meeting, best = int64(entity), cost + other.costs[across]
    elif cost + other_nearest >= best:
        # The other side has settled all that is nearer to it: no better path leads through here.
        return reached, size, meeting, best
    if place < 0:
        place = reached
        reached += 1
        side.local[entity] = reached
        side.entities[place] = entity
        side.heap[size], side.where[place] = place, size
        size += 1
    side.costs[place], side.parents[place] = cost, parent
    _rise(side, side.where[place])
    return reached, size, meeting, best


@numba.njit(nogil=True, cache=True)
def _rise(side: Side, at: int) -> None:
    """Move a place towards the root of the heap, as far as its cost is smaller; ties by place."""
    place = side.heap[at]
    while at > 0:
        above = (at - 1) // 2
        if not _before(side, place, side.heap[above]):
            break
        side.heap[at] = side.heap[above]
        side.where[side.heap[at]] = at
        at = above
    side.heap[at], side.where[place] = place, at


@numba.njit(nogil=True, cache=True)
def _sink(side: Side, size: int) -> None:
    """Move the place at the root down to where it belongs."""
    if size == 0:
        return
    at, place = 0, side.heap[0]
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and _before(side, side.heap[child + 1], side.heap[child]):
            child += 1
        if not _before(side, side.heap[child], place):
            break
        side.heap[at] = side.heap[child]
        side.where[side.heap[at]] = at
        at = child
    side.heap[at], side.where[place] = place, at


@numba.njit(nogil=True, cache=True)
def _before(side: Side, one: int, other: int) -> bool:
    return side.costs[one] < side.costs[other] or (side.costs[one] == side.costs[other] and one < other)


@numba.njit(nogil=True, cache=True)
def _cheapest(
    outgoing: Rows, incoming: Rows, permitted: EdgeFilter, prices: np.ndarray, source: int, target: int
) -> tuple[int, float]:
    """Return the relation and the cost of the cheapest permitted edge from source to target."""
    relation, price = int64(-1), np.inf
    num_relations = len(permitted.relations)
    for direction in range(2):
        if not (permitted.outgoing if direction == 0 else permitted.incoming):
            continue
        row = outgoing if direction == 0 else incoming
        low, end = int64(row.indptr[source]), int64(row.indptr[source + 1])
        high = end
        while low < high:
            middle = (low + high) // 2
            if row.neighbors[middle] < target:
                low = middle + 1
            else:
                high = middle
        while low < end and row.neighbors[low] == target:
            if (
                permitted.relations[row.relations[low]]
                and row.weight_codes[low] >= permitted.min_code
                and prices[row.weight_codes[low]] < price
            ):
                relation = int64(row.relations[low]) + direction * num_relations
                price = prices[row.weight_codes[low]]
            low += 1
    return relation, price


@numba.njit(nogil=True, cache=True)
def _grow(array: np.ndarray, needed: int) -> np.ndarray:
    """Return ``array``, or a larger copy that holds at least ``needed`` elements."""
    if needed <= len(array):
        return array
    larger = np.empty(max(needed, 2 * len(array)), dtype=array.dtype)
    for k in range(len(array)):  # a slice assignment would take seconds to compile
        larger[k] = array[k]
    return larger
