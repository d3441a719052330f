"""The arrays of a compiled graph on disk: written in one pass, checked at opening, mapped on first use.

Every array is a one-dimensional little-endian ``.npy`` file with a header of 128 bytes, so that it can be mapped
from what the manifest says without reading it. The manifest holds each array's SHA-256. Reading all of a large graph
at each opening would take seconds, so a graph carries a record of its files' sizes and times of change when their
content was last known to be right, and of the digests that it then had (``checked.json``). Opening compares these
with the files and the manifest; where anything differs, all files are read. What goes unnoticed until ``problems`` is
asked is a change that leaves size and time alone, such as a failing disk makes.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from kglm.errors import GraphError
from kglm.files import atomic_write_json

CHECKED = "checked.json"
HEADER_BYTES = 128
READ_BYTES = 1 << 22
# The coarsest clock of a file system in use (FAT): a file changed twice within a tick bears the same time.
TICK_NS = 2_000_000_000


State = list[Any]  # a file's size, its time of change, and the SHA-256 of its data


@dataclass(frozen=True)
class ArraySpec:
    """What the manifest says of one array: ``dtype`` as numpy spells it, ``length``, SHA-256 of the data."""

    dtype: str
    length: int
    sha256: str

    @property
    def file_size(self) -> int:
        """Bytes of the file, header included."""
        return HEADER_BYTES + self.length * np.dtype(self.dtype).itemsize

    def header(self) -> bytes:
        """Return the header of the ``.npy`` file (format 1.0), padded with blanks."""
        fields = f"{{'descr': '{self.dtype}', 'fortran_order': False, 'shape': ({self.length},), }}"
        start = b"\x93NUMPY\x01\x00" + (HEADER_BYTES - 10).to_bytes(2, "little") + fields.encode()
        return start.ljust(HEADER_BYTES - 1) + b"\n"


class ArrayWriter:
    """Writes one array in pieces, in the order they come, and digests it on the way."""

    def __init__(self, handle: BinaryIO, dtype: np.dtype) -> None:
        self._handle = handle
        self._dtype = dtype.newbyteorder("<")
        self._digest = hashlib.sha256()
        self._length = 0
        handle.write(bytes(HEADER_BYTES))

    def append(self, values: np.ndarray) -> None:
        """Write ``values``, which must fit the array's type."""
        data = np.ascontiguousarray(values, dtype=self._dtype).view(np.uint8).data
        self._handle.write(data)
        self._digest.update(data)
        self._length += len(values)

    def finish(self) -> ArraySpec:
        """Write the header, now that the length is known."""
        spec = ArraySpec(self._dtype.str, self._length, self._digest.hexdigest())
        self._handle.seek(0)
        self._handle.write(spec.header())
        return spec


class StoreWriter:
    """Writes the arrays of a graph into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.specs: dict[str, ArraySpec] = {}

    @contextmanager
    def array(self, name: str, dtype: np.dtype | type) -> Iterator[ArrayWriter]:
        """Open the array ``name`` for writing; it is part of the store once the block succeeds."""
        with open(self.folder / f"{name}.npy", "xb") as handle:
            writer = ArrayWriter(handle, np.dtype(dtype))
            yield writer
            self.specs[name] = writer.finish()

    def write(self, name: str, values: np.ndarray) -> None:
        """Write a whole array."""
        with self.array(name, values.dtype) as writer:
            writer.append(values)

    def seal(self) -> None:
        """Record that the files now hold what was written; called once, when all arrays are."""
        states = {}
        for name, spec in self.specs.items():
            path = self.folder / f"{name}.npy"
            written = os.stat(path).st_mtime_ns
            os.utime(path, ns=(written, written - TICK_NS))  # so that a change at this very moment gives another time
            states[name] = _state(path, spec)
        _write_record(self.folder, states)


class ArrayStore:
    """The arrays of an opened graph, by name; each is mapped when first asked for and shared between processes.

    Args:
        folder: of the compiled graph.
        specs: what the manifest says of each array.
        check: compare the files with the record of the last check; without it only :meth:`problems` should be asked.

    Raises:
        GraphError: a file is missing, of another size, or changed since it was last known to be right and no
            longer holds what the manifest says.
    """

    def __init__(self, folder: Path, specs: Mapping[str, ArraySpec], *, check: bool = True) -> None:
        self._folder = folder
        self._specs = specs
        self._mapped: dict[str, np.ndarray] = {}
        if check:
            self._require_checked()

    def get(self, name: str) -> np.ndarray | None:
        """Return an array that not every graph has, or None."""
        return self[name] if name in self._specs else None

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._mapped:
            spec = self._specs[name]
            # Several times quicker than numpy.memmap, which resolves and keeps the path.
            with open(self._path(name), "rb") as handle:
                mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
            self._mapped[name] = np.frombuffer(mapped, spec.dtype, spec.length, HEADER_BYTES)
        return self._mapped[name]

    def nbytes(self, *names: str) -> int:
        """Return the bytes of the named arrays, or of all, without their headers."""
        return sum(self._specs[name].file_size - HEADER_BYTES for name in names or self._specs)

    def problems(self) -> Iterator[str]:
        """Read all files and yield what is wrong with them."""
        for name in self._specs:
            problem = self._size_problem(name)
            if problem is None and not _holds(self._path(name), self._specs[name]):
                problem = f"the content of '{name}.npy' is not what was written (SHA-256 differs)"
            if problem is not None:
                yield problem

    def _require_checked(self) -> None:
        states = {}
        for name, spec in self._specs.items():
            if problem := self._size_problem(name):
                raise self._damaged(problem)
            states[name] = _state(self._path(name), spec)
        if states == _read_record(self._folder):
            return
        for problem in self.problems():
            raise self._damaged(problem)
        if any(time.time_ns() - changed < TICK_NS for _, changed, *_ in states.values()):
            return  # it may change again within this tick
        # A folder that cannot be written to is checked anew at each opening.
        with suppress(OSError):
            _write_record(self._folder, states)

    def _size_problem(self, name: str) -> str | None:
        try:
            size = os.stat(self._path(name)).st_size
        except FileNotFoundError:
            return f"'{name}.npy' is missing"
        expected = self._specs[name].file_size
        return None if size == expected else f"'{name}.npy' has {size} bytes, expected {expected}"

    def _damaged(self, problem: str) -> GraphError:
        return GraphError(f"the compiled graph '{self._folder}' is damaged: {problem}; build it again")

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, f"{name}.npy")


def specs_to_json(specs: Mapping[str, ArraySpec]) -> dict[str, dict[str, object]]:
    """Return the specifications for a manifest, in the order of their names."""
    return {name: asdict(specs[name]) for name in sorted(specs)}


def specs_from_json(described: Mapping[str, Mapping[str, object]]) -> dict[str, ArraySpec]:
    """Return the specifications of a manifest.

    Raises:
        GraphError: a field is missing or unknown.
    """
    try:
        return {name: ArraySpec(**fields) for name, fields in described.items()}  # type: ignore[arg-type]
    except TypeError as error:
        raise GraphError(f"the manifest describes an array wrongly ({error}); build the graph again") from error


def _holds(path: str, spec: ArraySpec) -> bool:
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        header = handle.read(HEADER_BYTES)
        while block := handle.read(READ_BYTES):
            digest.update(block)
    return header == spec.header() and digest.hexdigest() == spec.sha256


def _state(path: Path | str, spec: ArraySpec) -> State:
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, spec.sha256]


def _write_record(folder: Path, states: Mapping[str, State]) -> None:
    atomic_write_json(folder / CHECKED, dict(states), indent=None)


def _read_record(folder: Path) -> object:
    """Return the record of the last check; without one that can be read, all files are checked."""
    try:
        return json.loads((folder / CHECKED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
