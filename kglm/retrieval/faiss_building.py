"""A faiss index from vectors on disk: trained on a sample, filled in pieces, merged on disk where faiss can."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from kglm.errors import ConfigError
from kglm.retrieval.faiss_library import faiss_metric, require_faiss
from kglm.retrieval.presets import IndexPlan
from kglm.retrieval.vector_file import chunks_of

logger = logging.getLogger(__name__)

INDEX = "index.faiss"
LISTS = "lists.ivfdata"
LIST_SIZES = "list_sizes.npy"
SAMPLE_PER_LIST = 64
LEAST_SAMPLE = 20_000


def build_faiss(
    vectors: np.ndarray,
    folder: Path,
    plan: IndexPlan,
    metric: str,
    *,
    train_size: int | None,
    shard_size: int | None,
    seed: int,
) -> list[str]:
    """Build an index and return the names of its files.

    Without ``shard_size`` the index grows in memory, fed in pieces. With it, shards of that many vectors are written
    one by one, and their inverted lists merged into a file that is never held in memory.

    Raises:
        ConfigError: faiss does not know the factory string, has too few vectors to train it, or cannot merge
            such an index on disk.
        MissingExtraError: faiss is not installed.
    """
    faiss = require_faiss()
    index = _make(plan.factory, vectors.shape[1], metric)
    _train(index, vectors, plan.factory, train_size, seed)
    if shard_size is None or shard_size >= len(vectors):
        for chunk in chunks_of(vectors):
            index.add(chunk)
        faiss.write_index(index, str(folder / INDEX))
        return [INDEX]
    _require_mergeable(index, plan.factory)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        shards = _write_shards(index, vectors, Path(temporary), shard_size)
        return _merge(index, shards, folder)


def _make(factory: str, dim: int, metric: str) -> Any:
    try:
        return require_faiss().index_factory(dim, factory, faiss_metric(metric))
    except RuntimeError as error:
        raise ConfigError(
            f"faiss cannot make an index '{factory}' of {dim} dimensions: {_reason(error)}. Examples: Flat, "
            "HNSW32,Flat, IVF1024,SQ8, OPQ48,IVF1024,PQ48"
        ) from error


def _train(index: Any, vectors: np.ndarray, factory: str, train_size: int | None, seed: int) -> None:
    """Train on a sample, drawn without replacement; what needs no training is left alone."""
    faiss = require_faiss()
    if index.is_trained:
        return
    ivf = faiss.try_extract_index_ivf(index)
    lists = 0 if ivf is None else ivf.nlist
    wanted = max(LEAST_SAMPLE, SAMPLE_PER_LIST * lists) if train_size is None else train_size
    sample = np.random.default_rng(seed).permutation(len(vectors))[:wanted]
    sample.sort()  # read in the order in which they lie on the disk
    logger.info("training '%s' on %d of %d vectors", factory, len(sample), len(vectors))
    try:
        index.train(vectors[sample])
    except RuntimeError as error:
        raise ConfigError(f"'{factory}' cannot be trained on {len(sample):,} vectors: {_reason(error)}") from error


def _require_mergeable(index: Any, factory: str) -> None:
    faiss = require_faiss()
    ivf = faiss.try_extract_index_ivf(index)
    fast_scan = ivf is not None and isinstance(faiss.downcast_index(ivf), faiss.IndexIVFFastScan)
    refined = isinstance(index, faiss.IndexRefine)
    if ivf is None or fast_scan or refined:
        raise ConfigError(
            f"shard_size is given, but faiss cannot merge '{factory}' on disk; allowed: IVF with Flat, SQ or PQ "
            "codes (such as IVF1024,SQ8 or IVF1024,PQ48), or no shard_size"
        )


def _write_shards(index: Any, vectors: np.ndarray, folder: Path, shard_size: int) -> list[Path]:
    faiss = require_faiss()
    shards: list[Path] = []
    empty = folder / "empty.faiss"
    faiss.write_index(index, str(empty))
    for start in range(0, len(vectors), shard_size):
        shard = faiss.read_index(str(empty))
        for at in range(start, min(start + shard_size, len(vectors)), 1 << 15):
            rows = vectors[at : min(at + (1 << 15), start + shard_size)]
            shard.add_with_ids(rows, np.arange(at, at + len(rows)))
        shards.append(folder / f"shard{len(shards)}.faiss")
        faiss.write_index(shard, str(shards[-1]))
        logger.info("shard %d: %d vectors in all", len(shards), min(start + shard_size, len(vectors)))
    return shards


def _merge(index: Any, shards: list[Path], folder: Path) -> list[str]:
    """Write the shards' inverted lists into one file, list by list; the index keeps all but them.

    The file is laid out as faiss maps it (``OnDiskInvertedLists``): of each list all codes, then all ids. faiss's own
    merging would print on standard output and keep the path in the index.
    """
    faiss = require_faiss()
    from faiss.contrib.inspect_tools import get_invlist

    mapped = [faiss.read_index(str(shard), faiss.IO_FLAG_MMAP_IFC) for shard in shards]
    parts = [faiss.extract_index_ivf(shard).invlists for shard in mapped]
    ivf = faiss.extract_index_ivf(index)
    sizes = np.zeros(ivf.nlist, dtype=np.uint64)
    with open(folder / LISTS, "xb") as handle:
        for number in range(ivf.nlist):
            found = [get_invlist(part, number) for part in parts]
            for _, codes in found:
                handle.write(np.ascontiguousarray(codes).data)
            for ids, _ in found:
                handle.write(np.ascontiguousarray(ids, dtype=np.int64).data)
            sizes[number] = sum(len(ids) for ids, _ in found)
    np.save(folder / LIST_SIZES, sizes)
    index.ntotal = ivf.ntotal = int(sizes.sum())
    faiss.write_index(index, str(folder / INDEX))
    return [INDEX, LISTS, LIST_SIZES]


def _reason(error: RuntimeError) -> str:
    """Return what faiss complains of, without its own source's place."""
    text = str(error).split("Error: ")[-1] if "Error: " in str(error) else str(error)
    return " ".join(text.split())
