"""The entity vectors that THU-ERNIE was released with: ``entity2id.txt``, ``entity2vec.vec``, ``entity_map.txt``.

``entity2id.txt`` has the number of entities on its first line and then ``Wikidata id<TAB>row``; ``entity2vec.vec``
a vector on each line, tab-separated; ``entity_map.txt``, which may be absent, ``Wikipedia title<TAB>Wikidata id``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from kglm.errors import DataError, require_file

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
