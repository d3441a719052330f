"""Many queries at once: cut into chunks, run by threads, joined in order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import TypeVar

import numpy as np

from kglm.kg.search.inputs import require_at_least

CHUNK = 256

Part = TypeVar("Part")


def run_chunks(count: int, workers: int, run: Callable[[int, int], Part]) -> list[Part]:
    """Return ``run(start, stop)`` for consecutive chunks of ``count`` queries, in order.

    Compiled code releases the interpreter lock, so threads share the cores. One worker gets a single chunk,
    and so makes its scratch memory once.
    """
    require_at_least("workers", workers, 1)
    if workers == 1 or count <= CHUNK:
        return [run(0, count)]
    bounds = [(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(lambda bound: run(*bound), bounds))


def join(cls: type[Part], parts: list[Part]) -> Part:
    """Join ragged results, dataclasses of arrays, whose offsets bear names ending in ``offsets``."""
    if len(parts) == 1:
        return parts[0]
    joined = {}
    for field in fields(cls):  # type: ignore[arg-type]
        arrays = [getattr(part, field.name) for part in parts]
        joined[field.name] = _join_offsets(arrays) if field.name.endswith("offsets") else np.concatenate(arrays, -1)
    return cls(**joined)


def _join_offsets(arrays: list[np.ndarray]) -> np.ndarray:
    starts = np.cumsum([0, *(array[-1] for array in arrays)])
    moved = [array[1:] + start for array, start in zip(arrays, starts, strict=False)]
    return np.concatenate([np.zeros(1, dtype=np.int64), *moved])
