"""Entity vectors in one memory-mapped table, kept out of the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from kglm.errors import ConfigError, DataError, FingerprintMismatchError
from kglm.files import atomic_directory, atomic_write_json, link_or_copy
from kglm.kg.graph import KnowledgeGraph

MANIFEST = "manifest.json"
VECTORS = "vectors.safetensors"
BLOCKS = ("structural", "textual")
_TYPES: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
_MAX_HEADER = 1 << 20


class EntityTable:
    """Vectors by entity id, with the fingerprint of the graph that numbers the entities.

    A table has a structural block ``[N, D_s]`` (from the graph: a knowledge-graph embedding), a textual one
    ``[N, D_t]`` (from labels, descriptions, or other texts), or both side by side. A row of zeros means that nothing
    is known of the entity.

    Args:
        vectors: the blocks by name, each ``float16`` or ``float32 [N, D]``; an array alone is the textual block.
        fingerprint: of the graph.
        source: how the vectors were made, for the manifest.
        folder: where the table lies, if it was opened from disk.

    Raises:
        ConfigError: there is no block, one has an unknown name, or they differ in length.
    """

    def __init__(
        self,
        vectors: np.ndarray | Mapping[str, np.ndarray],
        fingerprint: str,
        source: dict[str, Any],
        folder: Path | None = None,
    ) -> None:
        blocks = dict(vectors) if isinstance(vectors, Mapping) else {"textual": vectors}
        _check_blocks(blocks)
        self.blocks = {name: blocks[name] for name in BLOCKS if name in blocks}
        self.fingerprint = fingerprint
        self.source = source
        self.folder = folder

    @property
    def structural(self) -> np.ndarray | None:
        """The structural block ``[N, D_s]``, if there is one."""
        return self.blocks.get("structural")

    @property
    def textual(self) -> np.ndarray | None:
        """The textual block ``[N, D_t]``, if there is one."""
        return self.blocks.get("textual")

    @property
    def dims(self) -> dict[str, int]:
        """The size of a vector in each block."""
        return {name: int(block.shape[1]) for name, block in self.blocks.items()}

    @property
    def dim(self) -> int:
        """D_e, the size of a row: of the blocks together, D_s + D_t."""
        return sum(self.dims.values())

    @property
    def vectors(self) -> np.ndarray:
        """``[N, D_e]``: the only block as it is; of two, a copy of both in memory."""
        blocks = list(self.blocks.values())
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the graph's fingerprint and the content of the blocks: what tells one table from another."""
        digest = hashlib.sha256(self.fingerprint.encode())
        for name, block in self.blocks.items():
            digest.update(f"{name} {block.dtype} {block.shape}".encode())
            digest.update(np.ascontiguousarray(block).data)
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(next(iter(self.blocks.values())))

    def rows(self, entities: np.ndarray, block: str | None = None) -> np.ndarray:
        """Return the vectors of some entities as ``float32 [n, D]``.

        Args:
            entities: ids ``[n]``.
            block: one of the table's; None puts the blocks side by side, the structural one first: ``[n, D_e]``.

        Raises:
            ConfigError: the table has no such block.
        """
        if block is not None and block not in self.blocks:
            raise ConfigError(f"the entity table has no {block} block (it has: {', '.join(self.blocks)})")
        chosen = [self.blocks[block]] if block is not None else list(self.blocks.values())
        return np.concatenate([part[entities].astype(np.float32) for part in chosen], axis=-1)

    def beside(self, other: EntityTable) -> EntityTable:
        """Return a table with the block of this one and that of another side by side.

        Raises:
            ConfigError: both have the same block.
            FingerprintMismatchError: they are of two graphs.
        """
        if self.fingerprint != other.fingerprint:
            remedy = "Make both on the same graph."
            raise FingerprintMismatchError("the first entity table", self.fingerprint, other.fingerprint, remedy)
        if both := sorted(self.blocks.keys() & other.blocks.keys()):
            raise ConfigError(f"both entity tables have a {both[0]} block; expected one with it")
        sources = {**self._sources(), **other._sources()}
        return EntityTable({**self.blocks, **other.blocks}, self.fingerprint, sources)

    def _sources(self) -> dict[str, Any]:
        return self.source if len(self.blocks) > 1 else dict.fromkeys(self.blocks, self.source)

    def save(self, folder: Path | str) -> None:
        """Write the table into ``folder``, all or nothing; vectors that lie on disk are linked, not copied."""
        with atomic_directory(folder) as temporary:
            if self.folder is None:
                save_file({k: np.ascontiguousarray(v) for k, v in self.blocks.items()}, temporary / VECTORS)
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
            fingerprint, source = manifest["fingerprint"], manifest["source"]
            blocks = map_tensors(folder / VECTORS)
            table = cls(blocks, fingerprint, source, folder)
        except (OSError, ValueError, KeyError, TypeError, ConfigError) as error:
            raise DataError(f"'{folder}' holds no entity table that can be read ({error})") from error
        if fingerprint != graph.fingerprint:
            remedy = "Make the table again, or name the graph that it was made for."
            raise FingerprintMismatchError(f"entity table '{folder}'", fingerprint, graph.fingerprint, remedy)
        if len(table) != graph.num_entities:
            raise DataError(f"entity table '{folder}' has {len(table)} rows; expected {graph.num_entities}")
        return table


def map_tensors(path: Path) -> dict[str, np.ndarray]:
    """Map the matrices of a safetensors file into memory; its own reader would copy them.

    The format is eight bytes with the length of a JSON header, the header, and the tensors one behind the other.

    Raises:
        OSError: the file cannot be read.
        ValueError, KeyError: it is not such a file, or is cut short.
    """
    with open(path, "rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        if not 2 <= length <= _MAX_HEADER:
            raise ValueError(f"'{path.name}' is no safetensors file of a table")
        header = json.loads(handle.read(length))
    header.pop("__metadata__", None)
    mapped = {}
    for name, entry in header.items():
        kind, shape, (start, end) = _TYPES[entry["dtype"]], tuple(entry["shape"]), entry["data_offsets"]
        if end - start != kind.itemsize * int(np.prod(shape)):
            raise ValueError(f"'{path.name}' has {end - start} bytes for '{name}' of shape {shape}")
        mapped[name] = np.memmap(path, kind, "r", 8 + length + start, shape) if end > start else np.zeros(shape, kind)
    return mapped


def _check_blocks(blocks: Mapping[str, np.ndarray]) -> None:
    if not blocks:
        raise ConfigError(f"an entity table has no block; expected at least one of {', '.join(BLOCKS)}")
    for name, block in blocks.items():
        if name not in BLOCKS:
            raise ConfigError(f"an entity table has a block '{name}'; allowed: {', '.join(BLOCKS)}")
        if block.ndim != 2 or block.dtype not in (np.float16, np.float32):
            raise ConfigError(
                f"block {name} is {block.dtype} {list(block.shape)}; allowed: float16 or float32 [N, D]"
            )
    if len(lengths := {len(block) for block in blocks.values()}) > 1:
        raise ConfigError(f"the blocks of an entity table have {sorted(lengths)} rows; expected the same number")
