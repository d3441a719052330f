"""An index over vectors: built from a stream, saved as a whole, mapped from disk, searched in batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from kglm.errors import (
    ConfigError,
    DataError,
    EncoderMismatchError,
    FingerprintMismatchError,
    RetrievalIndexError,
)
from kglm.files import atomic_directory, recover_directory
from kglm.retrieval.faiss_building import build_faiss
from kglm.retrieval.faiss_library import require_faiss
from kglm.retrieval.finding import VECTORS, Finder, make_finder
from kglm.retrieval.hits import NONE, SearchResult
from kglm.retrieval.index_files import problems, read_manifest, require_place, seal
from kglm.retrieval.presets import IndexPlan, plan_index
from kglm.retrieval.vector_file import METRICS, as_vectors, chunks_of, map_array, write_vectors

KIND = "kglm-vector-index"
IDS = "ids.npy"


class VectorIndex:
    """N vectors of D dimensions on disk, with ids. Make one with :meth:`build`, open it with :meth:`open`.

    Searching is safe from several threads.

    Attributes:
        folder: where it lies.
        dim: D.
        metric: ``cosine``, ``inner_product`` or ``l2``.
        plan: how it was built, and how it is searched.
        fingerprint: of the graph whose ids these are, or None.
        encoder: digest of the encoder that made the vectors, or None.
        manifest: all that the folder's manifest tells.
    """

    def __init__(
        self, folder: Path, manifest: Mapping[str, Any], plan: IndexPlan, find: Finder, ids: np.ndarray | None
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.plan = plan
        self.dim: int = manifest["dim"]
        self.metric: str = manifest["metric"]
        self.fingerprint: str | None = manifest["fingerprint"]
        self.encoder: str | None = manifest["encoder"]
        self._length: int = manifest["length"]
        self._find = find
        self._ids = ids

    @classmethod
    def build(
        cls,
        vectors: np.ndarray | Iterable[np.ndarray],
        folder: Path | str,
        *,
        preset: str = "auto",
        factory: str | None = None,
        metric: str = "cosine",
        ids: np.ndarray | None = None,
        memory: int | None = None,
        train_size: int | None = None,
        shard_size: int | None = None,
        search: str | None = None,
        refine: int | None = None,
        fingerprint: str | None = None,
        encoder: str | None = None,
        seed: int = 0,
    ) -> VectorIndex:
        """Build an index in ``folder``, all or nothing; an older index there is replaced.

        The vectors are written to disk as they come, so that a stream is never held in memory. What the index itself
        takes while it is built: nothing for exact search, its whole size for HNSW, its codes for IVF, or only
        ``shard_size`` vectors' codes with shards, which are merged on disk.

        Args:
            vectors: ``[N, D]``, or chunks ``[n, D]`` one after another.
            folder: where the index shall lie.
            preset, factory, memory, search, refine: see :func:`kglm.retrieval.presets.plan_index`.
            metric: ``cosine`` (vectors are scaled to length 1), ``inner_product``, or ``l2``.
            ids: ``int64 [N]``, what searches return; None for positions from 0. Negative ones are not allowed.
            train_size: how many vectors the index is trained on; None for 64 for each list, and 20,000 at least.
            shard_size: how many vectors are indexed at a time, then merged on disk; None for all in memory.
            fingerprint: of the graph whose ids these are.
            encoder: digest of what made the vectors.
            seed: of the sample.

        Raises:
            ConfigError: an option is not allowed, or faiss cannot build such an index.
            DataError: the vectors or ids cannot be indexed, or the folder holds something else.
            MissingExtraError: faiss is not installed.
        """
        if metric not in METRICS:
            raise ConfigError(f"metric is {metric!r}; allowed: {', '.join(METRICS)}")
        for name, value in (("train_size", train_size), ("shard_size", shard_size)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}; allowed: 1 or more")
        require_faiss()
        folder = Path(folder)
        require_place(folder)
        chunks = chunks_of(vectors) if isinstance(vectors, np.ndarray) else vectors
        with atomic_directory(folder) as place:
            stored = write_vectors(place / VECTORS, chunks, metric=metric)
            count, dim = stored.shape
            plan = plan_index(count, dim, preset=preset, factory=factory, memory=memory, search=search, refine=refine)
            names = [VECTORS]
            if plan.factory:
                names += build_faiss(
                    stored, place, plan, metric, train_size=train_size, shard_size=shard_size, seed=seed
                )
                if not plan.refine:
                    names.remove(VECTORS)
                    (place / VECTORS).unlink()
            if ids is not None:
                np.save(place / IDS, _checked_ids(ids, count))
                names.append(IDS)
            content = {
                "length": count,
                "dim": dim,
                "metric": metric,
                "plan": asdict(plan),
                "fingerprint": fingerprint,
                "encoder": encoder,
            }
            seal(place, KIND, content, names)
        return cls.open(folder)

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        fingerprint: str | None = None,
        encoder: str | None = None,
        dim: int | None = None,
        search: str | None = None,
        refine: int | None = None,
        gpu: int | None = None,
    ) -> VectorIndex:
        """Map an index; the time does not depend on its size.

        Args:
            folder: of the index.
            fingerprint: of the graph it will be used with; None to ask for none.
            encoder: digest of the encoder that will make the queries; None to ask for none.
            dim: the size of the queries; None to ask for none.
            search: faiss's search parameters instead of those of the manifest, such as ``nprobe=32``.
            refine: how many times k candidates are compared exactly, instead of the manifest's.
            gpu: copy it to this GPU; None to search on the processor.

        Raises:
            RetrievalIndexError: there is no index, or a damaged one, or one of another version.
            FingerprintMismatchError, EncoderMismatchError, DataError: it was made for another graph, with another
                encoder, or in another dimension.
            ConfigError: a search parameter or GPU that it cannot use.
            MissingExtraError: faiss is not installed.
        """
        folder = Path(folder)
        recover_directory(folder)
        manifest = read_manifest(folder, KIND)
        try:
            plan = IndexPlan(**manifest["plan"])
            _require_same(folder, manifest, fingerprint, encoder, dim)
            plan = _changed(plan, VECTORS in manifest["files"], search, refine)
            ids = map_array(folder / IDS) if IDS in manifest["files"] else None
            find = make_finder(folder, manifest, plan, gpu)
            return cls(folder, manifest, plan, find, ids)
        except (KeyError, TypeError) as error:
            raise RetrievalIndexError(f"the index '{folder}' is damaged ({error!r}); build it again") from error

    def __len__(self) -> int:
        """N, the number of vectors."""
        return self._length

    def search(self, vectors: np.ndarray, k: int = 10) -> SearchResult:
        """Return the best k for each query.

        Args:
            vectors: ``[B, D]``; for ``cosine`` they are scaled to length 1.
            k: how many; more than N gives N and -1 behind them.

        Returns:
            scores ``float32 [B, k]``, higher is better (for ``l2`` the negative squared distance), and ids
            ``int64 [B, k]``; see :class:`SearchResult`.

        Raises:
            DataError: vectors of another shape, or not finite.
            ConfigError: k is not positive.
        """
        if k < 1:
            raise ConfigError(f"k is {k}; allowed: 1 or more")
        queries = as_vectors(vectors, self.dim, self.metric)
        distances, positions = self._find(queries, k)
        scores = -distances if self.metric == "l2" else distances
        missing = positions[:, -1:] == NONE  # they come last
        if missing.any():
            scores = np.where(positions == NONE, np.float32(-np.inf), scores)
        return SearchResult(scores, self._to_ids(positions, bool(missing.any())), positions)

    def problems(self) -> list[str]:
        """Read all files and return what is wrong with them."""
        return list(problems(self.folder, self.manifest["files"]))

    def _to_ids(self, positions: np.ndarray, some_missing: bool) -> np.ndarray:
        if self._ids is None:
            return positions
        found = self._ids[positions]  # of position -1 it takes the last, set right below
        return np.where(positions == NONE, NONE, found) if some_missing else found

    def __repr__(self) -> str:
        how = self.plan.factory or "exact"
        return f"VectorIndex({len(self):,} x {self.dim}, {how}, {self.metric}, '{self.folder}')"


def _require_same(
    folder: Path, manifest: Mapping[str, Any], fingerprint: str | None, encoder: str | None, dim: int | None
) -> None:
    made_for, made_with = manifest["fingerprint"], manifest["encoder"]
    if fingerprint is not None and made_for != fingerprint:
        remedy = "Build the index again, or name the graph that it was made for."
        raise FingerprintMismatchError(f"the index '{folder}'", made_for or "(no graph)", fingerprint, remedy)
    if encoder is not None and made_with != encoder:
        raise EncoderMismatchError(
            f"the index '{folder}'",
            f"the encoder of digest {(made_with or '(none)')[:12]}",
            f"the one of digest {encoder[:12]}",
            "Search with the encoder that made it, or build the index again.",
        )
    if dim is not None and manifest["dim"] != dim:
        raise DataError(
            f"the index '{folder}' holds vectors of {manifest['dim']} dimensions, but queries have {dim}; search "
            "with the encoder that made it, or build the index again"
        )


def _changed(plan: IndexPlan, vectors: bool, search: str | None, refine: int | None) -> IndexPlan:
    if not plan.factory:
        return plan
    if refine and not vectors:
        raise ConfigError(f"refine is {refine}, but the index was built without it and holds no whole vectors")
    return IndexPlan(
        preset=plan.preset,
        factory=plan.factory,
        search=plan.search if search is None else search,
        refine=plan.refine if refine is None else refine,
    )


def _checked_ids(ids: np.ndarray, count: int) -> np.ndarray:
    checked = np.asarray(ids)
    if checked.shape != (count,) or not np.issubdtype(checked.dtype, np.integer):
        raise DataError(
            f"ids have the shape {list(checked.shape)} and type {checked.dtype}; expected integers [{count}]"
        )
    if count and checked.min() < 0:
        raise DataError(f"id {checked.min()} is negative; -1 stands for no result")
    return checked.astype(np.int64)
