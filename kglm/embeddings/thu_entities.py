"""The entity vectors that THU-ERNIE was released with: ``entity2id.txt``, ``entity2vec.vec``, ``entity_map.txt``.

``entity2id.txt`` has the number of entities on its first line and then ``Wikidata id<TAB>row``; ``entity2vec.vec``
a vector on each line, tab-separated; ``entity_map.txt``, which may be absent, ``Wikipedia title<TAB>Wikidata id``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from kglm.embeddings.entity_table import EntityTable
from kglm.embeddings.imported_vectors import ROWS_AT_ONCE, ImportReport, VectorMatcher
from kglm.errors import DataError, require_file
from kglm.kg.graph import KnowledgeGraph

VECTORS = "vectors.npy"
ENTITIES = "entities.txt"
TITLES = "titles.tsv"


def write_thu_entities(source: Path | str, folder: Path | str) -> int:
    """Write the vectors as ``vectors.npy`` (``float32 [entities, D_v]``), and beside it what the rows are.

    ``entities.txt`` has the Wikidata id of each row; ``titles.tsv`` is ``entity_map.txt``, where there is one.
    One row is in memory at a time.

    Args:
        source: folder of the release's files.
        folder: an existing folder for the new ones.

    Returns:
        The number of entities.

    Raises:
        DataError: a file is missing or malformed, or ids and vectors differ in number.
    """
    source, folder = Path(source), Path(folder)
    names = _read_ids(require_file(source / "entity2id.txt", "table of entities"))
    _write_vectors(require_file(source / "entity2vec.vec", "table of vectors"), folder / VECTORS, len(names))
    (folder / ENTITIES).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    if (source / "entity_map.txt").is_file():
        shutil.copyfile(source / "entity_map.txt", folder / TITLES)
    return len(names)


def thu_entity_table(folder: Path | str, graph: KnowledgeGraph) -> tuple[EntityTable, ImportReport]:
    """Return what :func:`write_thu_entities` wrote as the structural block of a table on a graph.

    A vector goes to the entity whose name is its Wikidata id, else to the one whose label or alias is its title in
    Wikipedia, where the release has titles.

    Raises:
        DataError: a file is missing or malformed, or no vector finds an entity.
    """
    folder = Path(folder)
    names = require_file(folder / ENTITIES, "ids of the vectors").read_text(encoding="utf-8").splitlines()
    vectors = np.load(require_file(folder / VECTORS, "vectors"), mmap_mode="r")
    if len(names) != len(vectors):
        raise DataError(f"'{folder / ENTITIES}' has {len(names)} ids, but there are {len(vectors)} vectors")
    matcher = VectorMatcher(graph)
    for start in range(0, len(names), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        matcher.take(names[part], np.asarray(vectors[part]), folder / VECTORS)
    rows = {name: row for row, name in enumerate(names)}
    titles = [(title, rows[name]) for title, name in _read_titles(folder / TITLES) if name in rows]
    for start in range(0, len(titles), ROWS_AT_ONCE):
        part_titles, part_rows = zip(*titles[start : start + ROWS_AT_ONCE], strict=True)
        matcher.take(list(part_titles), np.asarray(vectors[list(part_rows)]), folder / VECTORS)
    table, report = matcher.result("structural", {"kind": "THU-ERNIE"})
    if not report.covered:
        raise DataError(f"'{folder}': {report}; expected a graph of Wikidata ids, or with titles of Wikipedia")
    return table, report


def _read_titles(path: Path) -> list[tuple[str, str]]:
    """Return pairs of title and Wikidata id; none where there is no such file."""
    if not path.is_file():
        return []
    pairs = [line.rstrip("\n").rpartition("\t") for line in path.open(encoding="utf-8")]
    return [(title, name) for title, _, name in pairs if title]


def _read_ids(path: Path) -> list[str]:
    with open(path, encoding="utf-8") as lines:
        first = next(lines, "").strip()
        if not first.isdigit() or int(first) == 0:
            raise DataError.at(path, 1, f"found '{first}'; expected the number of entities")
        names = [""] * int(first)
        for number, line in enumerate(lines, start=2):
            name, _, row = line.strip().partition("\t")
            if not name or not row.isdigit() or int(row) >= len(names) or names[int(row)]:
                raise DataError.at(
                    path, number, f"found '{line.strip()}'; expected an id and a row of its own below {len(names)}"
                )
            names[int(row)] = name
    missing = names.count("")
    if missing:
        raise DataError(f"'{path}' says {len(names)} entities, but {missing} of their rows have no id")
    return names


def _write_vectors(path: Path, target: Path, count: int) -> None:
    vectors: np.memmap | None = None
    number = 0
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                vector = np.array(line.split(), dtype=np.float32)
            except ValueError as error:
                raise DataError.at(path, number, f"not a vector ({error})") from error
            if vectors is None:
                vectors = np.lib.format.open_memmap(target, "w+", np.float32, (count, len(vector)))
            if number > count or len(vector) != vectors.shape[1]:
                raise DataError.at(
                    path, number, f"{len(vector)} numbers; expected {count} lines of {vectors.shape[1]} numbers"
                )
            vectors[number - 1] = vector
    if vectors is None or number != count:
        raise DataError(f"'{path}' has {number} vectors; expected {count}")
    vectors.flush()
