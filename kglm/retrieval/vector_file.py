"""Vectors on disk as one ``.npy`` file: written as they come, then mapped."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from kglm.errors import DataError, RetrievalIndexError

METRICS = ("cosine", "inner_product", "l2")
HEADER_BYTES = 128
CHUNK = 1 << 15  # vectors of an array that are written at once


def write_vectors(path: Path, chunks: Iterable[np.ndarray], *, metric: str) -> np.ndarray:
    """Write chunks of vectors one behind another, and return them mapped, ``float32 [N, D]``.

    Args:
        path: of the ``.npy`` file.
        chunks: ``[n, D]`` each, of any float type; for ``cosine`` they are scaled to length 1.
        metric: one of :data:`METRICS`.

    Raises:
        DataError: there are none, they differ in size, or one holds NaN or infinity; tells which.
    """
    count, dim = 0, 0
    with open(path, "xb") as handle:
        handle.write(bytes(HEADER_BYTES))
        for chunk in chunks:
            rows = as_vectors(chunk, dim or None, metric, first=count)
            handle.write(rows.data)
            count, dim = count + len(rows), rows.shape[1]
        if not count:
            raise DataError("there are no vectors; an index needs at least one")
        handle.seek(0)
        handle.write(_header(count, dim))
    return map_array(path)


def chunks_of(vectors: np.ndarray, size: int = CHUNK) -> Iterable[np.ndarray]:
    """Yield an array, which may be mapped from disk, in pieces of ``size`` rows."""
    for start in range(0, len(vectors), size):
        yield vectors[start : start + size]


def as_vectors(values: np.ndarray, dim: int | None, metric: str, *, first: int = 0) -> np.ndarray:
    """Return vectors as contiguous ``float32 [N, D]``, for ``cosine`` of length 1 (zero vectors stay zero).

    Args:
        values: ``[N, D]``.
        dim: the D expected, or None.
        metric: one of :data:`METRICS`.
        first: number of the first row, for messages.

    Raises:
        DataError: another shape, or a value that is not finite.
    """
    rows = np.ascontiguousarray(values, dtype=np.float32)
    if rows.ndim != 2 or not rows.shape[1]:
        raise DataError(f"vectors have the shape {list(np.shape(values))}; expected [N, D]")
    if dim is not None and rows.shape[1] != dim:
        raise DataError(f"vectors have {rows.shape[1]} dimensions; expected {dim}")
    norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    if not np.isfinite(norms).all():
        bad = first + int(np.flatnonzero(~np.isfinite(norms))[0])
        raise DataError(f"vector {bad} holds NaN, infinity, or numbers too large to compare")
    if metric == "cosine" and not np.allclose(norms, 1, rtol=0, atol=1e-6):
        return np.ascontiguousarray(rows / np.maximum(norms, np.float32(1e-30))[:, None])
    return rows


def map_array(path: Path) -> np.ndarray:
    """Map an ``.npy`` file, read only.

    Raises:
        RetrievalIndexError: it is missing or no such file.
    """
    try:
        with open(path, "rb") as handle:
            version = np.lib.format.read_magic(handle)
            if version != (1, 0):
                raise ValueError(f"version {version} of the .npy format")
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(handle)
            start = handle.tell()
            mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        if fortran or dtype.hasobject:
            raise ValueError("not a plain array in C order")
        return np.frombuffer(mapped, dtype, int(np.prod(shape)), start).reshape(shape)
    except (OSError, ValueError) as error:
        raise RetrievalIndexError(f"'{path}' cannot be read ({error}); build the index again") from error


def _header(count: int, dim: int) -> bytes:
    """Return the file's header, which has the same size whatever the count."""
    buffer = io.BytesIO()
    fields = {"descr": "<f4", "fortran_order": False, "shape": (count, dim)}
    np.lib.format.write_array_header_1_0(buffer, fields)
    header = buffer.getvalue()
    assert len(header) == HEADER_BYTES, "numpy pads the header so that the first dimension may grow"
    return header
