"""Entity vectors that somebody has already: read from files of several kinds, and matched to a graph's entities.

- numpy: a matrix ``.npy``, and a text file with a name on each line;
- safetensors: a matrix in a ``.safetensors`` file, and such a file of names;
- text, plain or compressed: a name and its numbers on each line, between blanks, as word2vec and GloVe write them; a
  first line with the number of lines and of dimensions may stand above.

A name is an entity's own, or its label, or an alias; in texts of word2vec's kind ``_`` may stand for blanks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from kglm.embeddings.entity_table import EntityTable, map_tensors
from kglm.errors import ConfigError, DataError, require_file
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.readers.compression import open_bytes, plain_suffix

logger = logging.getLogger(__name__)

KINDS = ("name", "label", "alias")
ROWS_AT_ONCE = 10_000
SHOWN = 5


@dataclass(frozen=True)
class ImportReport:
    """How many of a graph's entities have got a vector, and how many vectors found no entity.

    Attributes:
        entities: of the graph.
        covered: of them, those with a vector.
        by: the same, by how they were found: the first of :data:`KINDS` that fits.
        vectors: in the file.
        unused: of them, those whose name means no entity, or one that has a vector by a better name.
        examples: a few names that mean no entity.
    """

    entities: int
    covered: int
    by: dict[str, int]
    vectors: int
    unused: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        by = ", ".join(f"{self.by[kind]} by {kind}" for kind in KINDS)
        shown = f" (such as {', '.join(self.examples)})" if self.examples else ""
        return (
            f"{self.covered} of {self.entities} entities have a vector ({100 * self.covered / self.entities:.1f} %: "
            f"{by}); {self.unused} of {self.vectors} vectors are not used{shown}"
        )


def import_vectors(
    path: Path | str,
    graph: KnowledgeGraph,
    *,
    names: Path | str | None = None,
    tensor: str | None = None,
    block: str = "textual",
    min_coverage: float = 0.0,
) -> tuple[EntityTable, ImportReport]:
    """Read vectors and give them to the entities that they are named after.

    An entity takes the vector of its own name; else of its label; else of one of its aliases, the first in the file.
    Entities without one get zeros. A label or alias that means several entities serves all of them.

    Args:
        path: the vectors, see the module; the ending tells the kind.
        graph: gives names, labels and aliases.
        names: file with the name of each row, for ``.npy`` and ``.safetensors``.
        tensor: which matrix of a ``.safetensors`` file; None where it holds only one.
        block: of the table: ``structural`` or ``textual``.
        min_coverage: share of the entities that must get a vector.

    Returns:
        The table, ``float32 [N, D]``, and the report.

    Raises:
        ConfigError: an argument is missing or not allowed.
        DataError: a file is missing or malformed, a vector is not finite, or too few entities get one.
    """
    if not 0 <= min_coverage <= 1:
        raise ConfigError(f"min_coverage is {min_coverage}; allowed: a share between 0 and 1")
    path = require_file(path, "file of vectors")
    matcher = VectorMatcher(graph)
    for chunk_names, vectors in _chunks(path, names, tensor):
        matcher.take(chunk_names, vectors, path)
    table, report = matcher.result(block, {"kind": "imported", "file": path.name})
    logger.info("%s: %s", path, report)
    if report.covered == 0 or report.covered < min_coverage * report.entities:
        raise DataError(f"'{path}': {report}; expected at least {max(min_coverage, 1 / report.entities):.1%}")
    return table, report


class VectorMatcher:
    """Gives vectors to the entities of a graph, the better name winning."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        self.graph = graph
        self.labels = list(graph.labels)
        self.vectors: np.ndarray | None = None
        self.rank = np.full(graph.num_entities, len(KINDS), dtype=np.int8)
        self.seen = 0
        self.without: list[str] = []
        self.nameless = 0

    def take(self, names: list[str], vectors: np.ndarray, path: Path) -> None:
        """Match a part of the file, ``[n, D]``."""
        if self.vectors is None:
            self.vectors = np.zeros((self.graph.num_entities, vectors.shape[1]), dtype=np.float32)
        if not np.isfinite(vectors).all():
            row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
            raise DataError(f"'{path}': the vector of '{names[row]}' (row {self.seen + row + 1}) is not finite")
        for name, vector in zip(names, vectors, strict=True):
            meant = self._entities(name)
            if not meant:
                self.nameless += 1
                if len(self.without) < SHOWN:
                    self.without.append(name)
            for entity, rank in meant:
                if rank < self.rank[entity]:
                    self.rank[entity], self.vectors[entity] = rank, vector
        self.seen += len(names)

    def _entities(self, name: str) -> list[tuple[int, int]]:
        """Return the entities that a name means, each with how good a name it is: the position in KINDS."""
        own = self.graph.entities.find(name)
        found = [(own, 0)] if own >= 0 else []
        for form in dict.fromkeys((name, name.replace("_", " "))):
            surface = self.graph.surfaces.find(form)
            if surface >= 0:
                start, end = (int(self.graph.surface_indptr[surface + k]) for k in (0, 1))
                entities = self.graph.surface_entities[start:end].tolist()
                found += [(entity, 1 if self.labels[entity] == form else 2) for entity in entities]
        return found

    def result(self, block: str, source: dict[str, Any]) -> tuple[EntityTable, ImportReport]:
        """Return the table and the report."""
        if self.vectors is None:
            raise DataError("the file of vectors is empty")
        by = {kind: int((self.rank == rank).sum()) for rank, kind in enumerate(KINDS)}
        covered = sum(by.values())
        report = ImportReport(len(self.rank), covered, by, self.seen, self.nameless, tuple(self.without))
        source |= {"covered": covered, "entities": len(self.rank)}
        return EntityTable({block: self.vectors}, self.graph.fingerprint, source), report


def _chunks(path: Path, names: Path | str | None, tensor: str | None) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield names and vectors, some thousand at a time."""
    kind = plain_suffix(path)
    if tensor is not None and kind != ".safetensors":
        raise ConfigError(f"tensor is '{tensor}'; allowed with a .safetensors file only, and this is '{path.name}'")
    if kind not in {".npy", ".safetensors"}:
        if names is not None:
            raise ConfigError(f"names is '{names}'; not allowed with '{path.name}', which has a name on each line")
        yield from _text_chunks(path)
        return
    if names is None:
        raise ConfigError(f"names is missing: a text file with the name of each row of '{path.name}'")
    matrix = _matrix(path, tensor)
    rows = _names(require_file(names, "file of names"))
    if len(rows) != len(matrix):
        raise DataError(f"'{names}' has {len(rows)} names, but '{path}' {len(matrix)} rows; expected as many")
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        yield rows[part], np.asarray(matrix[part], dtype=np.float32)


def _matrix(path: Path, tensor: str | None) -> np.ndarray:
    try:
        if path.suffix == ".npy":
            matrix = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            tensors = map_tensors(path)
            if tensor is None and len(tensors) != 1:
                raise ConfigError(f"'{path}' holds {', '.join(sorted(tensors))}; name one with tensor=...")
            if tensor is not None and tensor not in tensors:
                raise ConfigError(f"'{path}' holds no '{tensor}' (it has: {', '.join(sorted(tensors))})")
            matrix = tensors[tensor or next(iter(tensors))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"'{path}' holds no matrix that can be read ({error})") from error
    if matrix.ndim != 2 or not np.issubdtype(matrix.dtype, np.floating):
        raise DataError(f"'{path}' holds {matrix.dtype} {list(matrix.shape)}; expected numbers [names, dimensions]")
    return matrix


def _names(path: Path) -> list[str]:
    try:
        return [line.rstrip("\r\n") for line in path.open(encoding="utf-8")]
    except UnicodeDecodeError as error:
        raise DataError(f"'{path}' is not UTF-8 text ({error})") from error


def _text_chunks(path: Path) -> Iterator[tuple[list[str], np.ndarray]]:
    dim: int | None = None
    names: list[str] = []
    rows: list[np.ndarray] = []
    with open_bytes(path, "file of vectors") as handle:
        for number, name, values in _text_rows(handle, path):
            if dim is not None and len(values) != dim:
                raise DataError.at(path, number, f"{len(values)} numbers; expected {dim} as above")
            dim = len(values)
            names.append(name)
            rows.append(values)
            if len(names) == ROWS_AT_ONCE:
                yield names, np.stack(rows)
                names, rows = [], []
    if names:
        yield names, np.stack(rows)


def _text_rows(lines: Iterable[bytes], path: Path) -> Iterator[tuple[int, str, np.ndarray]]:
    """Yield number, name and vector of each line; a name may hold blanks, for the first line tells the dimensions."""
    numbered = enumerate(lines, start=1)
    number, first = next(numbered, (0, b""))
    head = first.split()
    width: int | None = None
    if len(head) == 2 and all(part.isdigit() for part in head):
        width = int(head[1])
    else:
        numbered = chain([(number, first)], numbered)  # type: ignore[assignment]
    for number, line in numbered:
        fields = line.rstrip().split(b"\t") if line.count(b"\t") > 1 else line.rstrip().split(b" ")
        if fields == [b""]:
            continue
        width = width or len(fields) - 1
        if width < 1 or len(fields) <= width:
            raise DataError.at(
                path, number, f"{max(len(fields) - 1, 0)} numbers; expected a name and {width or 'some'}"
            )
        try:
            name = b" ".join(fields[:-width]).decode()
            yield number, name, np.array(fields[-width:], dtype=np.float32)
        except (ValueError, UnicodeDecodeError) as error:
            raise DataError.at(path, number, f"not a name and {width} numbers ({error})") from error
