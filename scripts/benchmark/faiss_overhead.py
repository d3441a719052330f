"""What kglm's vector index costs over the bare faiss library, on the same index and threads.

    python scripts/benchmark/faiss_overhead.py --keep FOLDER

Vectors are synthetic: clusters in 64 dimensions, projected to --dim, with noise, of length 1 (seed 0). Searches of
kglm (ids, scores, hits on demand) and of bare faiss alternate; a ratio is the median over the pairs of kglm's
throughput by faiss's, so that what slows the machine slows both. The last line is JSON: ``ratio_flat``,
``ratio_hnsw``, ``ratio_ivf`` (1 is equal, above 1 kglm is faster), ``open_ms`` (the slowest of the three), recall@10
of both, exact search by batch size against faiss's stock setting (``exact_speedup``), and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import faiss
import numpy as np

from kglm.retrieval import VectorIndex

K = 10
LATENT, CLUSTERS = 64, 10_000
FLAT_BATCH = 512  # stock faiss compares by matrix products here, as kglm does: what is left is overhead
EXACT_BATCHES = (1, 32, 64, 256)
KINDS = ("flat", "hnsw", "ivf")


def clustered_vectors(count: int, dim: int, *, seed: int, part: int) -> Iterator[np.ndarray]:
    """Yield ``float32 [n, dim]`` vectors of length 1; parts of the same seed share their clusters."""
    shape = np.random.default_rng([seed, 0])
    centres = shape.standard_normal((CLUSTERS, LATENT), dtype=np.float32)
    spread = shape.standard_normal((LATENT, dim), dtype=np.float32)
    draw = np.random.default_rng([seed, part])
    for start in range(0, count, 50_000):
        n = min(50_000, count - start)
        chosen = centres[draw.integers(0, CLUSTERS, n)]
        near = chosen + np.float32(0.7) * draw.standard_normal((n, LATENT), dtype=np.float32)
        rows = near @ spread
        rows += draw.standard_normal(rows.shape, dtype=np.float32)
        yield rows / np.linalg.norm(rows, axis=1, keepdims=True)


def open_or_build(folder: Path, count: int, dim: int) -> dict[str, VectorIndex]:
    """Return the three indexes; those that a folder holds already are opened."""
    lists = 1 << max(2, round(4 * count**0.5).bit_length() - 1)
    options: dict[str, dict[str, Any]] = {
        "flat": {"preset": "exact"},
        "hnsw": {"factory": "HNSW32,Flat", "search": "efSearch=128"},
        "ivf": {"factory": f"IVF{lists},Flat", "search": f"nprobe={max(1, lists // 64)}"},
    }
    found = {}
    for kind in KINDS:
        place = folder / f"{kind}-{count}-{dim}"
        if not place.is_dir():
            started = time.perf_counter()
            made = clustered_vectors(count, dim, seed=0, part=1)
            VectorIndex.build(made, place, **options[kind])
            print(f"{kind}: built in {time.perf_counter() - started:.1f} s", flush=True)
        found[kind] = VectorIndex.open(place)
    return found


def bare_index(kind: str, index: VectorIndex) -> Any:
    """Return faiss's own index over the same files, mapped as kglm's is (the flat one in memory)."""
    if kind == "flat":
        bare = faiss.IndexFlatIP(index.dim)
        bare.add(np.load(index.folder / "vectors.npy", mmap_mode="r"))
        return bare
    flags = faiss.IO_FLAG_MMAP if kind == "ivf" else faiss.IO_FLAG_MMAP_IFC
    bare = faiss.read_index(str(index.folder / "index.faiss"), flags)
    faiss.ParameterSpace().set_index_parameters(bare, index.plan.search)
    return bare


def alternate(
    first: Callable[[], Any], second: Callable[[], Any], pairs: int, clock: Callable[[], float]
) -> list[float]:
    """Return, for each pair of runs, the second's time by the first's; the order alternates."""
    first(), second()
    ratios = []
    for pair in range(pairs):
        times = {}
        for run in (first, second) if pair % 2 else (second, first):
            started = clock()
            run()
            times[run] = clock() - started
        ratios.append(times[second] / times[first])
    return ratios


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of the true neighbours that were found."""
    return float(
        np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), truth.tolist(), strict=True)])
    )


def resident_mb() -> dict[str, float]:
    """Return the process's own memory and what it has mapped from files, in MB (Linux; empty elsewhere)."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    kilobytes = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("RssAnon", "RssFile"))}
    return {name: round(int(value) / 1e3, 1) for name, value in kilobytes.items()}


def memory_of_opening(folder: Path) -> dict[str, float]:
    """Return what opening an index adds to the process's memory, in MB; nothing has been searched yet."""
    before = resident_mb()
    index = VectorIndex.open(folder)
    after = resident_mb()
    del index
    return {name: round(after[name] - before[name], 1) for name in after}


def time_opening(folder: Path, clock: Callable[[], float]) -> float:
    """Return the median of five openings in ms; faiss is loaded already."""
    times = []
    for _ in range(5):
        started = clock()
        VectorIndex.open(folder)
        times.append(1e3 * (clock() - started))
    return median(times)


def measure(indexes: dict[str, VectorIndex], queries: np.ndarray, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return all figures, and print them as they come."""
    clock = time.process_time if arguments.clock == "cpu" else time.perf_counter
    result: dict[str, Any] = {}
    memory = {kind: memory_of_opening(index.folder) for kind, index in indexes.items()}
    opening = {kind: round(time_opening(index.folder, clock), 2) for kind, index in indexes.items()}
    truth = indexes["flat"].search(queries, K).ids
    for kind, index in indexes.items():
        opened = VectorIndex.open(index.folder)
        bare = bare_index(kind, index)
        batch = queries[:FLAT_BATCH] if kind == "flat" else queries
        ratios = alternate(
            lambda opened=opened, batch=batch: opened.search(batch, K).hits(0),
            lambda bare=bare, batch=batch: bare.search(batch, K),
            arguments.pairs,
            clock,
        )
        started = time.perf_counter()
        ours = opened.search(batch, K).ids
        seconds = time.perf_counter() - started
        theirs = bare.search(batch, K)[1]
        result[f"ratio_{kind}"] = round(median(ratios), 4)
        result[f"recall_{kind}"] = [round(recall(found, truth[: len(batch)]), 4) for found in (ours, theirs)]
        result[f"queries_per_s_{kind}"] = round(len(batch) / seconds, 1)
        result[f"open_ms_{kind}"] = opening[kind]
        result[f"memory_of_opening_mb_{kind}"] = memory[kind]
        print(kind, {name: value for name, value in result.items() if name.endswith(kind)}, flush=True)
        if kind == "flat":
            result["exact_speedup"] = exact_speedups(opened, bare, queries, arguments.pairs, clock)
            print("exact search against the stock setting", result["exact_speedup"], flush=True)
    result["open_ms"] = max(opening.values())
    result["memory_at_end_mb"] = resident_mb()
    return result


def exact_speedups(
    index: VectorIndex, bare: Any, queries: np.ndarray, pairs: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Return, by batch size, how many times as fast exact search is as faiss's with its stock setting."""
    found = {}
    for size in EXACT_BATCHES:
        batch = queries[:size]
        # The stock setting takes a second for each five queries of a million vectors.
        count = pairs if size == 1 else min(pairs, 3)
        ratios = alternate(lambda b=batch: index.search(b, K), lambda b=batch: bare.search(b, K), count, clock)
        found[str(size)] = round(median(ratios), 3)
    return found


def main() -> None:
    """Measure, and print one JSON document as the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--queries", type=int, default=1000, help="at once, for HNSW and IVF; 512 for Flat")
    parser.add_argument("--pairs", type=int, default=7, help="runs of each, alternating")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu where others use the machine")
    parser.add_argument(
        "--keep", type=Path, help="folder that keeps the indexes for the next time (HNSW takes longest)"
    )
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as temporary:
        indexes = open_or_build(arguments.keep or Path(temporary), arguments.vectors, arguments.dim)
        queries = np.concatenate(list(clustered_vectors(arguments.queries, arguments.dim, seed=0, part=2)))
        result = measure(indexes, queries, arguments)
    about = {"vectors": arguments.vectors, "dim": arguments.dim, "queries": arguments.queries, "k": K}
    about |= {
        "threads": arguments.threads,
        "clock": arguments.clock,
        "pairs": arguments.pairs,
        "cores": os.cpu_count(),
    }
    print(json.dumps({**{name: result.pop(name) for name in ("ratio_flat", "ratio_hnsw", "ratio_ivf", "open_ms")},
                      **result, **about, "faiss": faiss.__version__, "data": "synthetic, clustered"}))  # fmt: skip


if __name__ == "__main__":
    main()
