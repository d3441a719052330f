"""A corpus of facts: an index on disk, how it is searched, and what of its texts is compared with what."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kglm.data.facts.options import CorpusOptions
from kglm.files import atomic_directory, atomic_write_json
from kglm.kg.graph import KnowledgeGraph
from kglm.retrieval import TextIndex
from kglm.retrieval.hits import NONE

logger = logging.getLogger(__name__)

QUERIES_AT_ONCE = 1024
POOL = 100  # candidates of vectors and words before they are fused


class Passage(NamedTuple):
    """A text of a corpus and its parts.

    Attributes:
        text: what is read.
        asked: what is compared with a question; of a triple its ends, of a training question the question.
        answered: what is compared with a choice; of a triple its ends, of a training question the answer.
        information: factor on its worth: of a triple ``1 - N_r / N``, the share of the other relations' triples; of
            other texts 1.
    """

    text: str
    asked: str
    answered: str
    information: float


class FactCorpus:
    """Texts that may be read as facts.

    Args:
        name: of the corpus, and so of its facts' source.
        options: see :class:`~kglm.data.facts.options.CorpusOptions`.
        index: of its texts.
        graph: the run's graph, whose triples those of kind ``triples`` are.
    """

    def __init__(self, name: str, options: CorpusOptions, index: TextIndex, graph: KnowledgeGraph) -> None:
        self.name = name
        self.options = options
        self.index = index
        self.graph = graph
        self._passages: dict[int, Passage] = {}

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the index's content: texts, vectors, words, and the encoder's digest."""
        told = {name: self.index.manifest[name] for name in ("files", "encoder", "bm25")}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def search(self, queries: Sequence[str], cache_dir: Path | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the best texts of each query: scores ``float32 [Q, K]`` and positions ``int64 [Q, K]``, -1 for none.

        Args:
            queries: Q of them.
            cache_dir: where results are kept and found again, by the index's digest, the options and the queries.
        """
        if cache_dir is None:
            return self._search(queries)
        key = {"corpus": self.digest, "search": self.options.search_key(), "pool": POOL, "queries": _digest(queries)}
        folder = cache_dir / "fact_hits" / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        if not (folder / "manifest.json").is_file():
            found = self._search(queries)
            with atomic_directory(folder) as temporary:
                for name, array in zip(("scores", "positions"), found, strict=True):
                    np.save(temporary / f"{name}.npy", array)
                atomic_write_json(temporary / "manifest.json", key)
        scores, positions = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("scores", "positions"))
        return scores, positions

    def look_up(self, forms: Iterable[str]) -> list[tuple[float, int]]:
        """Return the texts under the first of some forms that has any: 1 / rank among its senses, and position."""
        found = next((self._by_key[form.casefold()] for form in forms if form.casefold() in self._by_key), [])
        return [(1 / rank, position) for rank, position in enumerate(found[: self.options.candidates], start=1)]

    def passage(self, position: int) -> Passage:
        """Return the text at a position, with its parts."""
        if position not in self._passages:
            ((text, key),) = self.index.texts.describe([position])
            self._passages[position] = self._parts(position, text, key)
        return self._passages[position]

    def _parts(self, position: int, text: str, key: str) -> Passage:
        if self.options.kind == "questions":
            return Passage(text, key, text[len(key) :], 1.0)
        if self.options.kind == "triples":
            out = self.graph.outgoing
            head = int(np.searchsorted(out.indptr, position, side="right")) - 1
            ends = " ".join(self.graph.labels.take([head, int(out.neighbors[position])]))
            share = self._relation_counts[out.relations[position]] / self.graph.num_triples
            return Passage(text, ends, ends, 1 - float(share))
        return Passage(text, text, text, 1.0)

    def _search(self, queries: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        options, wanted = self.options, min(self.options.candidates, len(self.index))
        scores = np.full((len(queries), wanted), -np.inf, dtype=np.float32)
        positions = np.full((len(queries), wanted), NONE, dtype=np.int64)
        logger.info(
            "searching '%s' (%d texts) for %d questions with a choice", self.name, len(self.index), len(queries)
        )
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            rows = slice(start, start + QUERIES_AT_ONCE)
            found = self.index.search(
                list(queries[rows]), wanted, mode=options.mode, pool=max(POOL, wanted), fusion=options.fusion,
                weights=options.weights,
            )  # fmt: skip
            scores[rows], positions[rows] = found.scores, found.positions
        return scores, positions

    @cached_property
    def _by_key(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = defaultdict(list)
        position = 0
        for keys in self.index.texts.keys():  # noqa: SIM118
            for key in keys:
                places[key].append(position)
                position += 1
        return dict(places)

    @cached_property
    def _relation_counts(self) -> np.ndarray:
        return np.bincount(self.graph.outgoing.relations, minlength=self.graph.num_relations)


def _digest(texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(json.dumps(text).encode())
    return digest.hexdigest()
