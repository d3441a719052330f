"""Texts found by meaning (vectors), by words (BM25), or by both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from kglm.errors import ConfigError, DataError, FingerprintMismatchError, RetrievalIndexError
from kglm.files import atomic_directory, recover_directory
from kglm.kg.graph import KnowledgeGraph
from kglm.retrieval.fusion import Ranking, fuse
from kglm.retrieval.graph_texts import graph_documents
from kglm.retrieval.hits import NONE, SearchResult
from kglm.retrieval.index_files import MANIFEST, read_manifest, require_place, seal
from kglm.retrieval.lexical_index import LexicalIndex
from kglm.retrieval.reranking import Reranker, rerank
from kglm.retrieval.text_store import Document, TextStore, write_texts
from kglm.retrieval.vector_index import VectorIndex

KIND = "kglm-text-index"
TEXTS = "texts.arrow"
VECTORS = "vectors"
BM25 = "bm25"
MODES = ("auto", "dense", "bm25", "hybrid")


class Encoder(Protocol):
    """What makes vectors of texts; :class:`kglm.encoders.TextEncoder` is one."""

    name: str
    max_length: int

    @property
    def dim(self) -> int:
        """D, the size of a vector."""

    @property
    def digest(self) -> str:
        """What the vectors depend on, beside the texts."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return ``float32 [N, D]``."""


class TextIndex:
    """N texts with ids and keys, found by vectors, by BM25, or by both; see :meth:`build` and :meth:`open`.

    Attributes:
        folder: where it lies.
        manifest: all that the folder's manifest tells: ``what``, ``source``, ``graph``, ``encoder`` among it.
        texts: the texts, mapped.
        vectors: the index of their vectors, or None.
        lexical: the index of their words, or None.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any], encoder: Encoder | None) -> None:
        self.folder = folder
        self.manifest = manifest
        self.texts = TextStore(folder / TEXTS)
        self.vectors = None
        self.lexical = None
        self._encoder = encoder
        made_with = manifest["encoder"]
        if made_with is not None:
            digest, dim = (None, None) if encoder is None else (encoder.digest, encoder.dim)
            self.vectors = VectorIndex.open(folder / VECTORS, encoder=digest, dim=dim)
        if manifest["bm25"] is not None:
            self.lexical = LexicalIndex.open(folder / BM25, language=manifest["bm25"]["language"])
        for part in (self.texts, self.vectors, self.lexical):
            if part is not None and len(part) != manifest["length"]:
                raise RetrievalIndexError(f"the parts of the index '{folder}' differ in length; build it again")

    @classmethod
    def build(
        cls,
        documents: Iterable[Document | str],
        folder: Path | str,
        *,
        encoder: Encoder | None = None,
        bm25: bool = True,
        language: str = "en",
        k1: float = 1.5,
        b: float = 0.75,
        graph: KnowledgeGraph | None = None,
        what: str = "texts",
        source: str = "",
        **options: Any,
    ) -> TextIndex:
        """Build an index in ``folder``, all or nothing; an older index there is replaced.

        Args:
            documents: texts, whose ids are their positions; or with ids and keys of their own. May be a stream.
            folder: where the index shall lie.
            encoder: makes the vectors; None for BM25 alone.
            bm25: whether the words are indexed too.
            language, k1, b: see :class:`LexicalIndex`.
            graph: whose ids the documents have; its fingerprint is kept.
            what: what the texts are, for the manifest.
            source: where they come from, for the manifest.
            options: of :meth:`VectorIndex.build` (``preset``, ``factory``, ``memory``, ``shard_size``, ...).

        Raises:
            ConfigError: an option is not allowed, or there is neither encoder nor BM25.
            DataError: there are no texts, one cannot be indexed, or the folder holds something else.
            MissingExtraError: an encoder is given, and faiss is not installed.
        """
        if encoder is None and not bm25:
            raise ConfigError("an index needs an encoder, or bm25, or both")
        if encoder is None and options:
            raise ConfigError(f"{', '.join(sorted(options))} apply to vectors, but there is no encoder")
        folder = Path(folder)
        require_place(folder)
        with atomic_directory(folder) as place:
            if not write_texts(place / TEXTS, _numbered(documents)):
                raise DataError("there are no texts to index")
            store, names = TextStore(place / TEXTS), [TEXTS]
            ids = store.ids()
            if encoder is not None:
                vectors = (encoder.encode(chunk) for chunk in store.chunks())
                fingerprint = None if graph is None else graph.fingerprint
                VectorIndex.build(
                    vectors, place / VECTORS, fingerprint=fingerprint, encoder=encoder.digest, **options
                )  # fmt: skip
                names.append(f"{VECTORS}/{MANIFEST}")
            if bm25:
                LexicalIndex.build(store.chunks(), place / BM25, language=language, k1=k1, b=b)
                names += [f"{BM25}/{path.name}" for path in (place / BM25).iterdir()]
            content = {
                "length": len(ids),
                "what": what,
                "source": source,
                "numbered": bool((ids == np.arange(len(ids))).all()),
                "graph": None if graph is None else {"name": graph.name, "fingerprint": graph.fingerprint},
                "encoder": None if encoder is None else _description(encoder),
                "bm25": {"language": language, "k1": k1, "b": b} if bm25 else None,
            }
            seal(place, KIND, content, names)
        return cls.open(folder, encoder=encoder)

    @classmethod
    def of_graph(cls, graph: KnowledgeGraph, what: str, folder: Path | str, **options: Any) -> TextIndex:
        """Build an index over a graph's ``entities`` or ``triples``; ids are the graph's.

        Args, Raises: as for :meth:`build`.
        """
        documents = graph_documents(graph, what)
        return cls.build(documents, folder, graph=graph, what=what, source=graph.name, **options)

    @classmethod
    def open(
        cls, folder: Path | str, *, encoder: Encoder | None = None, graph: KnowledgeGraph | None = None
    ) -> TextIndex:
        """Map an index; the time does not depend on its size.

        Args:
            folder: of the index.
            encoder: makes the queries' vectors; it must be the one that the index was made with. Without it, only
                BM25 and :meth:`search_vectors` are to be had.
            graph: whose ids the index shall have; None to ask for none.

        Raises:
            RetrievalIndexError: there is no index, or a damaged one, or one of another version.
            FingerprintMismatchError, EncoderMismatchError, DataError: it was made for another graph, with another
                encoder, or in another dimension.
            MissingExtraError: it has vectors, and faiss is not installed.
        """
        folder = Path(folder)
        recover_directory(folder)
        manifest = read_manifest(folder, KIND)
        try:
            if graph is not None:
                _require_graph(folder, manifest["graph"], graph)
            return cls(folder, manifest, encoder)
        except (KeyError, TypeError) as error:
            raise RetrievalIndexError(f"the index '{folder}' is damaged ({error!r}); build it again") from error

    def __len__(self) -> int:
        """N, the number of texts."""
        return int(self.manifest["length"])

    def search(
        self,
        queries: str | Sequence[str],
        k: int = 10,
        *,
        mode: str = "auto",
        pool: int = 100,
        fusion: str = "rrf",
        weights: Sequence[float] | None = None,
        reranker: Reranker | None = None,
    ) -> SearchResult:
        """Return the best k texts for each query.

        Args:
            queries: B texts, or one.
            k: how many.
            mode: ``dense`` (vectors), ``bm25``, ``hybrid`` (both, fused), or ``auto``: all that there is.
            pool: how many candidates each part finds before they are fused or reranked; at least k.
            fusion, weights: see :func:`kglm.retrieval.fusion.fuse`; vectors come first, BM25 second.
            reranker: scores the candidates anew.

        Raises:
            ConfigError: an option is not allowed, or the index has no such part, or no encoder was given for it.
        """
        queries = [queries] if isinstance(queries, str) else list(queries)
        parts = self._parts(mode)
        if k < 1 or pool < 1:
            raise ConfigError(f"k is {k} and pool {pool}; allowed: 1 or more")
        wanted = max(k, pool) if reranker is not None or len(parts) > 1 else k
        rankings = [self._rank(part, queries, wanted) for part in parts]
        if len(rankings) == 1:
            if weights is not None:
                raise ConfigError("weights apply to the mode 'hybrid' only")
            found = rankings[0]
        else:
            found = fuse(rankings, wanted if reranker is not None else k, fusion=fusion, weights=weights)
        if reranker is not None:
            found = rerank(queries, found, self.texts.describe, reranker, k)
        return self._result(found)

    def search_vectors(self, vectors: np.ndarray, k: int = 10) -> SearchResult:
        """Return the best k texts for each of B vectors ``[B, D]``.

        Raises:
            ConfigError: the index has no vectors.
            DataError: vectors of another shape, or not finite.
        """
        if self.vectors is None:
            raise ConfigError(f"the index '{self.folder}' holds no vectors; it was built for BM25 alone")
        found = self.vectors.search(vectors, k)
        return self._result(Ranking(found.scores, found.positions))

    def _parts(self, mode: str) -> list[str]:
        if mode not in MODES:
            raise ConfigError(f"mode is {mode!r}; allowed: {', '.join(MODES)}")
        have = {"dense": self.vectors is not None and self._encoder is not None, "bm25": self.lexical is not None}
        if mode == "auto":
            if not any(have.values()):
                raise ConfigError(f"the index '{self.folder}' holds vectors alone; open it with its encoder")
            return [part for part, there in have.items() if there]
        parts = ["dense", "bm25"] if mode == "hybrid" else [mode]
        for part in parts:
            if not have[part]:
                lacks_encoder = part == "dense" and self.vectors is not None
                reason = "was opened without its encoder" if lacks_encoder else f"was built without {_PARTS[part]}"
                raise ConfigError(f"mode is '{mode}', but the index '{self.folder}' {reason}")
        return parts

    def _rank(self, part: str, queries: list[str], k: int) -> Ranking:
        if part == "bm25":
            assert self.lexical is not None
            return Ranking(*self.lexical.search(queries, k))
        assert self.vectors is not None
        assert self._encoder is not None
        found = self.vectors.search(self._encoder.encode(queries), k)
        return Ranking(found.scores, found.positions)

    def _result(self, found: Ranking) -> SearchResult:
        ids = found.positions
        if not self.manifest["numbered"]:
            ids = np.where(ids == NONE, NONE, self._ids[ids])
        return SearchResult(found.scores, ids, found.positions, self.texts.describe)

    @cached_property
    def _ids(self) -> np.ndarray:
        return self.texts.ids()

    def __repr__(self) -> str:
        parts = [
            _PARTS[part] for part, there in (("dense", self.vectors), ("bm25", self.lexical)) if there is not None
        ]
        return f"TextIndex({len(self):,} {self.manifest['what']}, {' and '.join(parts)}, '{self.folder}')"


_PARTS = {"dense": "vectors", "bm25": "BM25"}


def _numbered(documents: Iterable[Document | str]) -> Iterator[Document]:
    for number, document in enumerate(documents):
        yield Document(number, "", document) if isinstance(document, str) else document


def _description(encoder: Encoder) -> dict[str, Any]:
    return {
        "name": encoder.name, "digest": encoder.digest, "dim": encoder.dim, "max_length": encoder.max_length,
    }  # fmt: skip


def _require_graph(folder: Path, made_for: Mapping[str, Any] | None, graph: KnowledgeGraph) -> None:
    expected = "(no graph)" if made_for is None else str(made_for["fingerprint"])
    if expected != graph.fingerprint:
        remedy = "Build the index again, or name the graph that it was made for."
        raise FingerprintMismatchError(f"the index '{folder}'", expected, graph.fingerprint, remedy)
