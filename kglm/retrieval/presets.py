"""Which kind of index: three presets, and the rule by which ``auto`` chooses among them.

==========  ====================================  ======================================================
preset      what is held in memory while searched  when ``auto`` chooses it
==========  ====================================  ======================================================
exact       4 N D bytes                           up to 20,000 vectors
hnsw        N (4 D + 8 M + 16) bytes, M = 32      more, if that fits the memory budget
ivf_pq      N (D / 4 + 8) bytes, + 4 nlist D      more, if it does not; and the vectors stay on disk, where
                                                  the best ``refine`` k of each query are compared exactly
==========  ====================================  ======================================================

All three are mapped from disk: the numbers are what a search would like to find in memory, not what opening takes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from kglm.errors import ConfigError

PRESETS = ("auto", "exact", "hnsw", "ivf_pq")
EXACT_UP_TO = 20_000
IVF_PQ_FROM = 1_000
HNSW_LINKS = 32
REFINE = 10
POINTS_PER_LIST = 39  # below it faiss warns that k-means has too few points


@dataclass(frozen=True, kw_only=True)
class IndexPlan:
    """How an index is built and searched.

    Attributes:
        preset: one of :data:`PRESETS` but ``auto``, or ``factory``.
        factory: faiss's factory string; empty for exact search.
        search: faiss's search parameters, such as ``nprobe=16``; empty for none.
        refine: the best ``refine * k`` are compared again by their whole vectors; 0 for no such step.
    """

    preset: str
    factory: str = ""
    search: str = ""
    refine: int = 0


def plan_index(
    count: int, dim: int, *, preset: str = "auto", factory: str | None = None, memory: int | None = None,
    search: str | None = None, refine: int | None = None,
) -> IndexPlan:  # fmt: skip
    """Return how an index is built; see the module for the rule.

    Args:
        count: N, the number of vectors.
        dim: D, their size.
        preset: one of :data:`PRESETS`; not looked at where ``factory`` is given.
        factory: faiss's factory string, such as ``IVF1024,SQ8``; ``Flat`` means exact search.
        memory: budget in bytes for what a search would like to find in memory; None takes half of the machine's.
        search: faiss's search parameters instead of the preset's, such as ``efSearch=128``.
        refine: how many times k candidates are compared exactly, instead of the preset's.

    Raises:
        ConfigError: an unknown preset, or one that needs more vectors.
    """
    if preset not in PRESETS:
        raise ConfigError(f"preset is {preset!r}; allowed: {', '.join(PRESETS)}")
    if refine is not None and refine < 0:
        raise ConfigError(f"refine is {refine}; allowed: 0 (no refinement) or more")
    if factory is not None:
        plan = IndexPlan(preset="factory", factory="" if factory == "Flat" else factory)
    else:
        chosen = choose_preset(count, dim, memory) if preset == "auto" else preset
        plan = {"exact": _exact, "hnsw": _hnsw, "ivf_pq": _ivf_pq}[chosen](count, dim)
    if not plan.factory:
        return IndexPlan(preset=plan.preset)
    return IndexPlan(
        preset=plan.preset,
        factory=plan.factory,
        search=plan.search if search is None else search,
        refine=plan.refine if refine is None else refine,
    )


def choose_preset(count: int, dim: int, memory: int | None = None) -> str:
    """Return the preset that ``auto`` stands for."""
    if count <= EXACT_UP_TO:
        return "exact"
    budget = machine_memory() // 2 if memory is None else memory
    return "hnsw" if hnsw_bytes(count, dim) <= budget else "ivf_pq"


def hnsw_bytes(count: int, dim: int) -> int:
    """Return the size of an HNSW index (vectors, two lists of M neighbours in the lowest layer, levels)."""
    return count * (4 * dim + 8 * HNSW_LINKS + 16)


def machine_memory() -> int:
    """Return the machine's memory in bytes."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 8 << 30  # Windows: what nearly every machine has


def number_of_lists(count: int) -> int:
    """Return nlist: a power of two near 4 sqrt(N), with enough points to train each list."""
    wanted = 4 * count**0.5
    lists = 1 << max(0, round(wanted).bit_length() - 1)
    while lists > 1 and lists * POINTS_PER_LIST > count:
        lists //= 2
    return lists


def _exact(count: int, dim: int) -> IndexPlan:
    return IndexPlan(preset="exact")


def _hnsw(count: int, dim: int) -> IndexPlan:
    return IndexPlan(preset="hnsw", factory=f"HNSW{HNSW_LINKS},Flat", search="efSearch=128")


def _ivf_pq(count: int, dim: int) -> IndexPlan:
    if count < IVF_PQ_FROM:
        raise ConfigError(f"the preset 'ivf_pq' needs at least {IVF_PQ_FROM:,} vectors; found {count:,}")
    lists = number_of_lists(count)
    parts = next(parts for parts in range(max(1, dim // 2), 0, -1) if dim % parts == 0)
    return IndexPlan(
        preset="ivf_pq",
        factory=f"IVF{lists},PQ{parts}x4fs",
        search=f"nprobe={max(1, lists // 16)}",
        refine=REFINE,
    )
