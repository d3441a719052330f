"""Entity vectors in one memory-mapped table, kept out of the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from kglm.errors import DataError, FingerprintMismatchError
from kglm.files import atomic_directory, atomic_write_json, link_or_copy
from kglm.kg.graph import KnowledgeGraph

MANIFEST = "manifest.json"
VECTORS = "vectors.npy"


class EntityTable:
    """``[entities, D_e]`` vectors by entity id, with the fingerprint of the graph that numbers them.

    Args:
        vectors: ``float16`` or ``float32 [entities, D_e]``.
        fingerprint: of the graph.
        source: how the vectors were made, for the manifest.
        folder: where the table lies, if it was opened from disk.
    """

    def __init__(
        self, vectors: np.ndarray, fingerprint: str, source: dict[str, Any], folder: Path | None = None
    ) -> None:
        self.vectors = vectors
        self.fingerprint = fingerprint
        self.source = source
        self.folder = folder

    @property
    def dim(self) -> int:
        """D_e, the size of a vector."""
        return int(self.vectors.shape[1])

    def rows(self, entities: np.ndarray) -> np.ndarray:
        """Return the vectors of some entities as ``float32 [N, D_e]``."""
        return self.vectors[entities].astype(np.float32)

    def save(self, folder: Path | str) -> None:
        """Write the table into ``folder``, all or nothing; vectors that lie on disk are linked, not copied."""
        with atomic_directory(folder) as temporary:
            if self.folder is None:
                np.save(temporary / VECTORS, self.vectors)
            else:
                link_or_copy(self.folder / VECTORS, temporary / VECTORS)
            atomic_write_json(temporary / MANIFEST, {"fingerprint": self.fingerprint, "source": self.source})

    @classmethod
    def open(cls, folder: Path | str, graph: KnowledgeGraph) -> EntityTable:
        """Map a table into memory.

        Raises:
            DataError: the folder holds no table, or a damaged one.
            FingerprintMismatchError: the table was made for another graph.
        """
        folder = Path(folder)
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            vectors = np.load(folder / VECTORS, mmap_mode="r")
            fingerprint, source = manifest["fingerprint"], manifest["source"]
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"'{folder}' holds no entity table that can be read ({error})") from error
        if fingerprint != graph.fingerprint:
            remedy = "Make the table again, or name the graph that it was made for."
            raise FingerprintMismatchError(f"entity table '{folder}'", fingerprint, graph.fingerprint, remedy)
        return cls(vectors, fingerprint, source, folder)
