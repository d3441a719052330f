"""A faiss index from disk, mapped: its size does not matter to the time that opening takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kglm.errors import ConfigError, RetrievalIndexError
from kglm.retrieval.faiss_building import INDEX, LIST_SIZES, LISTS
from kglm.retrieval.faiss_library import require_faiss
from kglm.retrieval.vector_file import map_array


def open_faiss(folder: Path, factory: str) -> Any:
    """Map the index of a folder whose files have been checked.

    Args:
        folder: of the index.
        factory: faiss's factory string, by which the index was made.

    Raises:
        RetrievalIndexError: faiss cannot read it.
        MissingExtraError: faiss is not installed.
    """
    faiss = require_faiss()
    try:
        if (folder / LISTS).is_file():
            return _with_lists_on_disk(folder)
        flags = faiss.IO_FLAG_MMAP if _is_plain_ivf(factory) else faiss.IO_FLAG_MMAP_IFC
        return faiss.read_index(str(folder / INDEX), flags)
    except RuntimeError as error:
        raise RetrievalIndexError(f"faiss cannot read '{folder / INDEX}' ({error}); build the index again") from error


def _is_plain_ivf(factory: str) -> bool:
    """Say whether inverted lists are all that is large.

    ``IO_FLAG_MMAP`` maps nothing else, but opens those of a million vectors in 2 ms; ``IO_FLAG_MMAP_IFC`` takes 23 ms
    for them, and maps flat, HNSW, fast-scan and refined indexes too.
    """
    parts = factory.split(",")
    refined = any(part.startswith(("RFlat", "Refine")) for part in parts)
    return any(part.startswith("IVF") for part in parts) and not refined and not factory.endswith("fs")


def set_search_parameters(index: Any, parameters: str) -> None:
    """Set parameters such as ``nprobe=16,efSearch=64``, within nested indexes too.

    Raises:
        ConfigError: the index has no such parameter, or the text is none.
    """
    if not parameters:
        return
    faiss = require_faiss()
    try:
        faiss.ParameterSpace().set_index_parameters(index, parameters)
    except RuntimeError as error:
        raise ConfigError(
            f"search parameters are {parameters!r}, which {type(index).__name__} does not take; allowed are those of "
            "faiss, such as nprobe=16 (IVF) or efSearch=64 (HNSW)"
        ) from error


def _with_lists_on_disk(folder: Path) -> Any:
    """Map an index whose inverted lists lie in a file of their own, from where that now lies."""
    faiss = require_faiss()
    index = faiss.read_index(str(folder / INDEX))  # small: its own lists are empty
    ivf = faiss.extract_index_ivf(index)
    sizes = np.ascontiguousarray(map_array(folder / LIST_SIZES), dtype=np.uint64)
    expected = int(sizes.sum()) * (ivf.code_size + 8)
    if len(sizes) != ivf.nlist or (folder / LISTS).stat().st_size != expected:
        raise RetrievalIndexError(f"'{folder / LISTS}' does not belong to '{folder / INDEX}'; build the index again")
    lists = faiss.OnDiskInvertedLists()
    lists.nlist, lists.code_size = ivf.nlist, ivf.code_size
    lists.filename, lists.read_only = str(folder / LISTS), True
    lists.totsize = expected
    lists.lists.resize(ivf.nlist)
    lists.set_all_lists_sizes(faiss.swig_ptr(sizes))
    lists.do_mmap()
    ivf.replace_invlists(lists, True)
    lists.this.disown()  # the index owns them now
    return index
