"""The faiss library, which is an optional extra: the one place that imports it."""

from __future__ import annotations

import logging
from typing import Any

from kglm.errors import ConfigError, MissingExtraError


def require_faiss() -> Any:
    """Return the module ``faiss``.

    Raises:
        MissingExtraError: it is not installed; names the extra.
    """
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)  # it tells which variants it tries
    try:
        import faiss
    except ImportError as error:
        raise MissingExtraError("faiss", "a vector index", "cpu") from error
    return faiss


def gpu_count() -> int:
    """Return how many GPUs this build of faiss can use; 0 for a build without GPU support."""
    faiss = require_faiss()
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


def require_gpu(device: int) -> Any:
    """Return the resources that faiss needs on a GPU.

    Raises:
        ConfigError: this build of faiss has no GPU support, or there is no such GPU.
        MissingExtraError: faiss is not installed.
    """
    faiss = require_faiss()
    if not hasattr(faiss, "StandardGpuResources"):
        raise ConfigError("this build of faiss has no GPU support; install it with pip install 'kglm[gpu]'")
    if not 0 <= device < gpu_count():
        raise ConfigError(f"GPU {device} does not exist; faiss sees {gpu_count()} of them, numbered from 0")
    return faiss.StandardGpuResources()


def faiss_metric(metric: str) -> int:
    """Return faiss's number of a metric; cosine is the inner product of vectors of length 1."""
    faiss = require_faiss()
    return int(faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT)
