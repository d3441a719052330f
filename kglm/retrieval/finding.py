"""What finds the nearest of an index: exact search, faiss, faiss and a second look, on the processor or a GPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kglm.errors import ConfigError, RetrievalIndexError
from kglm.retrieval.exact_search import search_exactly
from kglm.retrieval.faiss_building import INDEX
from kglm.retrieval.faiss_library import faiss_metric, require_faiss, require_gpu
from kglm.retrieval.faiss_opening import open_faiss, set_search_parameters
from kglm.retrieval.presets import IndexPlan
from kglm.retrieval.refinement import refine
from kglm.retrieval.vector_file import map_array

VECTORS = "vectors.npy"

Finder = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def make_finder(folder: Path, manifest: Mapping[str, Any], plan: IndexPlan, gpu: int | None) -> Finder:
    """Return what finds distances and positions, as faiss has them, for contiguous ``float32 [B, D]``.

    Args:
        folder: of an index whose files have been checked.
        manifest: of the index.
        plan: how it is searched.
        gpu: the number of a GPU to copy it to, or None.

    Raises:
        RetrievalIndexError: the files are not what the manifest says.
        ConfigError: a search parameter or GPU that cannot be used.
        MissingExtraError: faiss is not installed.
    """
    metric, shape = manifest["metric"], (manifest["length"], manifest["dim"])
    vectors = map_array(folder / VECTORS) if VECTORS in manifest["files"] else None
    if vectors is not None and vectors.shape != shape:
        raise RetrievalIndexError(f"'{folder / VECTORS}' has the shape {vectors.shape}, expected {shape}")
    if not plan.factory:
        assert vectors is not None
        return _on_gpu(_flat(vectors, metric), gpu) if gpu is not None else _Exact(vectors, metric)
    index = open_faiss(folder, plan.factory)
    if (index.ntotal, index.d) != shape:
        raise RetrievalIndexError(
            f"'{folder / INDEX}' holds {index.ntotal} vectors of {index.d} dimensions, but the manifest says {shape}"
        )
    set_search_parameters(index, plan.search)
    find = index.search if gpu is None else _on_gpu(index, gpu)
    if not plan.refine:
        return find
    assert vectors is not None
    return _Refined(find, vectors, metric, plan.refine)


class _Exact:
    def __init__(self, vectors: np.ndarray, metric: str) -> None:
        self._vectors, self._metric = vectors, metric

    def __call__(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        return search_exactly(self._vectors, queries, k, self._metric)


class _Refined:
    def __init__(self, find: Finder, vectors: np.ndarray, metric: str, factor: int) -> None:
        self._find, self._vectors, self._metric, self._factor = find, vectors, metric, factor

    def __call__(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        _, candidates = self._find(queries, k * self._factor)
        return refine(self._vectors, queries, candidates, k, self._metric)


def _flat(vectors: np.ndarray, metric: str) -> Any:
    faiss = require_faiss()
    index = faiss.IndexFlat(vectors.shape[1], faiss_metric(metric))
    index.add(vectors)
    return index


def _on_gpu(index: Any, device: int) -> Finder:
    """Copy an index to a GPU.

    Raises:
        ConfigError: there is no such GPU, or faiss has no such index for GPUs.
    """
    faiss, resources = require_faiss(), require_gpu(device)
    try:
        copied = faiss.index_cpu_to_gpu(resources, device, index)
    except RuntimeError as error:
        raise ConfigError(
            f"faiss cannot copy {type(index).__name__} to a GPU; allowed: exact, IVF with Flat, SQ8 or PQ codes"
        ) from error

    def find(queries: np.ndarray, k: int, _keep: Any = resources) -> tuple[np.ndarray, np.ndarray]:
        distances, positions = copied.search(queries, k)
        return distances, positions

    return find
