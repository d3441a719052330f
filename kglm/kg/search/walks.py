"""Random walks, of entities and relations, that depend on the seed alone and not on threads or batches.

A walk draws its numbers from SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), started from (seed, entity it
starts at, number of the walk among those of its entity). So the walks of an entity are the same whether it is
asked for alone, in a batch, or with all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np

from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.search.bulk import join, run_chunks
from kglm.kg.search.inputs import (
    Direction,
    EdgeFilter,
    Entities,
    LinkRows,
    Relations,
    Rows,
    edge_filter,
    entity_array,
    incoming_rows,
    int64,
    link_rows,
    outgoing_rows,
    require_at_least,
    uint64,
    weight_values,
)

# At an entity with more edges than this, one is first sought by drawing any and accepting it or not, which spares
# reading a hub's edges; after refusals for an eighth of them, all edges are read. The distribution is the same.
FEW_EDGES = 16
GOLDEN = uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = uint64(0xBF58476D1CE4E5B9), uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class RandomWalks:
    """W walks.

    Attributes:
        offsets: ``int64 [W + 1]``.
        entities: ``int32 [S]``, the entities along each walk, the start included.
        relations: ``int32 [S]``, the relation that leaves each entity, ``r + R`` where the edge is walked from
            tail to head; -1 where none is walked: at a walk's last entity, and before a jump back to its start.
    """

    offsets: np.ndarray
    entities: np.ndarray
    relations: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the entities and relations of one walk, of equal length."""
        index = range(len(self))[index]
        span = slice(self.offsets[index], self.offsets[index + 1])
        return self.entities[span], self.relations[span]

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return (self[index] for index in range(len(self)))


def random_walks(
    graph: KnowledgeGraph,
    starts: Entities | None = None,
    *,
    length: int = 8,
    walks_per_start: int = 1,
    weighted: bool = False,
    backtrack: bool = True,
    restart: float = 0.0,
    direction: Direction = "both",
    relations: Relations = None,
    min_weight: float = 0.0,
    seed: int = 0,
    workers: int = 1,
) -> RandomWalks:
    """Return random walks, those of each start together; walk ``i`` starts at ``starts[i // walks_per_start]``.

    Each step takes one of the entity's permitted edges; self-loops, which lead nowhere, are not walked. A walk
    that has no edge to take ends before its length, or, with ``restart``, jumps back unless it is at its start.

    A step costs O(1) where most edges are permitted and weights are alike, and at most O(degree).

    Args:
        graph: the graph.
        starts: entities, ids or names; None for all. A start that stands twice gets the same walks twice.
        length: steps of a walk, jumps included.
        walks_per_start: walks from each start.
        weighted: take an edge with probability proportional to its weight; otherwise uniformly.
        backtrack: whether a step may lead to the entity that the step before came from.
        restart: probability of jumping back to the start instead of a step, 0 (never) or more and below 1.
        direction: how edges are walked: "out" from head to tail, "in" from tail to head, or "both".
        relations: names or ids of the relations permitted; None for all.
        min_weight: the smallest weight permitted.
        seed: a whole number of 0 to 2**64 - 1.
        workers: threads; the result is the same for any number.

    Raises:
        ConfigError: an option has a value that is not allowed.
        UnknownNameError: an entity or relation is given by a name that the graph does not have.
        ValueError: an entity id is outside the graph.
    """
    begin = np.arange(graph.num_entities, dtype=np.int32) if starts is None else entity_array(graph, starts)
    permitted = edge_filter(graph, relations, min_weight, direction)
    require_at_least("length", length, 1)
    require_at_least("walks_per_start", walks_per_start, 1)
    require_at_least("seed", seed, 0)
    if seed >= 2**64:
        raise ConfigError(f"seed is {seed}, expected a whole number below 2**64")
    if not 0 <= restart < 1:
        raise ConfigError(f"restart is {restart!r}, expected a number of at least 0 and below 1")
    outgoing, incoming, links = outgoing_rows(graph), incoming_rows(graph), link_rows(graph)
    values = weight_values(graph).astype(np.float64)
    weights = values if weighted else np.ones_like(values)

    def run(start: int, stop: int) -> RandomWalks:
        offsets, entities, kinds = _walk_all(
            outgoing, incoming, links, permitted, weights, begin[start:stop], length, walks_per_start,
            bool(backtrack), float(restart), uint64(seed),
        )  # fmt: skip
        return RandomWalks(offsets, entities.copy(), kinds.copy())

    return join(RandomWalks, run_chunks(len(begin), workers, run))


@numba.njit(nogil=True, cache=True)
def _walk_all(
    outgoing: Rows,
    incoming: Rows,
    links: LinkRows,
    permitted: EdgeFilter,
    weights: np.ndarray,
    starts: np.ndarray,
    length: int,
    walks_per_start: int,
    backtrack: bool,
    restart: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return offsets, entities and relations."""
    num_walks = len(starts) * walks_per_start
    offsets = np.zeros(num_walks + 1, dtype=np.int64)
    entities = np.empty(num_walks * (length + 1), dtype=np.int32)
    relations = np.empty(num_walks * (length + 1), dtype=np.int32)
    s = 0
    for walk in range(num_walks):
        start = int64(starts[walk // walks_per_start])
        state = _mix(_mix(_mix(seed + GOLDEN) ^ uint64(start)) + uint64(walk % walks_per_start) * GOLDEN)
        here, previous = start, int64(-1)
        entities[s], relations[s] = start, -1
        s += 1
        for _ in range(length):
            relation, following = int64(-1), int64(-1)
            jump = False
            if restart > 0.0:
                state += GOLDEN
                jump = here != start and _unit(state) < restart
            if not jump:
                barred = int64(-1) if backtrack else previous
                relation, following, state = _step(outgoing, incoming, links, permitted, weights, here, barred, state)
            if following < 0:
                if restart == 0.0 or here == start:
                    break
                following, here = start, int64(-1)
            relations[s - 1] = relation
            entities[s], relations[s] = following, -1
            s += 1
            previous, here = here, following
        offsets[walk + 1] = s
    return offsets, entities[:s], relations[:s]


@numba.njit(nogil=True, cache=True)
def _step(
    outgoing: Rows,
    incoming: Rows,
    links: LinkRows,
    permitted: EdgeFilter,
    weights: np.ndarray,
    here: int,
    barred: int,
    state: int,
) -> tuple[int, int, int]:
    """Draw an edge; return its relation, its other end (-1 where no edge is permitted), and the generator's state.

    The edges at an entity are numbered, the outgoing ones first. The first of its links tells its largest weight.
    """
    out_first, in_first = int64(outgoing.indptr[here]), int64(incoming.indptr[here])
    out_count = int64(outgoing.indptr[here + 1]) - out_first if permitted.outgoing else int64(0)
    in_count = int64(incoming.indptr[here + 1]) - in_first if permitted.incoming else int64(0)
    count = out_count + in_count
    chosen = int64(-1)
    if count > FEW_EDGES and links.indptr[here] < links.indptr[here + 1]:
        heaviest = weights[links.weight_codes[int64(links.indptr[here])]]
        for _ in range(count // 8):
            k = int64(_unit(state + GOLDEN) * count)
            if k < out_count:
                share = _share(outgoing, out_first + k, permitted, weights, barred, here)
            else:
                share = _share(incoming, in_first + k - out_count, permitted, weights, barred, here)
            state += GOLDEN + GOLDEN
            if _unit(state) * heaviest < share:
                chosen = k
                break
    if chosen < 0:
        total = 0.0
        for k in range(out_count):
            total += _share(outgoing, out_first + k, permitted, weights, barred, here)
        for k in range(in_count):
            total += _share(incoming, in_first + k, permitted, weights, barred, here)
        state += GOLDEN
        wanted = _unit(state) * total
        passed = 0.0
        for k in range(count):
            if k < out_count:
                share = _share(outgoing, out_first + k, permitted, weights, barred, here)
            else:
                share = _share(incoming, in_first + k - out_count, permitted, weights, barred, here)
            if share > 0.0:
                chosen = int64(k)
                passed += share
                if passed > wanted:
                    break
    if chosen < 0:
        return int64(-1), int64(-1), state
    if chosen < out_count:
        k = out_first + chosen
        return int64(outgoing.relations[k]), int64(outgoing.neighbors[k]), state
    k = in_first + chosen - out_count
    return int64(incoming.relations[k]) + len(permitted.relations), int64(incoming.neighbors[k]), state


@numba.njit(nogil=True, cache=True)
def _share(row: Rows, k: int, permitted: EdgeFilter, weights: np.ndarray, barred: int, here: int) -> float:
    """Return what the probability of taking an edge of ``here`` is proportional to."""
    if (
        row.weight_codes[k] < permitted.min_code
        or not permitted.relations[row.relations[k]]
        or row.neighbors[k] == barred
        or row.neighbors[k] == here
    ):
        return 0.0
    return weights[row.weight_codes[k]]


@numba.njit(nogil=True, cache=True)
def _mix(state: int) -> int:
    """Return 64 well-mixed bits of a state."""
    state = (state ^ (state >> uint64(30))) * MIX_1
    state = (state ^ (state >> uint64(27))) * MIX_2
    return state ^ (state >> uint64(31))


@numba.njit(nogil=True, cache=True)
def _unit(state: int) -> float:
    """Return a number of at least 0 and below 1."""
    return np.float64(_mix(state) >> uint64(11)) * (1.0 / 9007199254740992.0)
