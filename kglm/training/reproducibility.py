"""Seeds, and the state of every global random generator as plain data."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, numpy and torch (all devices); call it before making a model."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - other libraries draw from it
    torch.manual_seed(seed)


@contextmanager
def deterministic_algorithms(wanted: bool) -> Iterator[None]:
    """Let torch refuse operations without a deterministic implementation, within the block, if ``wanted``."""
    if not wanted:
        yield
        return
    before, mode = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=mode)


@dataclass(frozen=True)
class RngState:
    """State of the global generators.

    Attributes:
        plain: Python's and numpy's, of JSON types.
        tensors: torch's, ``[S]`` bytes each, by device: "cpu", "cuda:0", ...
    """

    plain: dict[str, Any]
    tensors: dict[str, Tensor]

    @classmethod
    def capture(cls) -> RngState:
        """Return the present state."""
        state: dict[str, Any] = np.random.get_state(legacy=False)  # noqa: NPY002
        inner = {"key": state["state"]["key"].tolist(), "pos": int(state["state"]["pos"])}
        tensors = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            tensors |= {f"cuda:{i}": s for i, s in enumerate(torch.cuda.get_rng_state_all())}
        version, words, gauss = random.getstate()
        return cls({"python": [version, list(words), gauss], "numpy": {**state, "state": inner}}, tensors)

    def restore(self) -> None:
        """Make this the present state; a device that is not here is passed over."""
        version, words, gauss = self.plain["python"]
        random.setstate((version, tuple(words), gauss))
        numpy_state = self.plain["numpy"]
        key = np.asarray(numpy_state["state"]["key"], dtype=np.uint32)
        np.random.set_state({**numpy_state, "state": {**numpy_state["state"], "key": key}})  # noqa: NPY002
        torch.set_rng_state(self.tensors["cpu"])
        for name, state in self.tensors.items():
            if name != "cpu" and int(name.partition(":")[2]) < torch.cuda.device_count():
                torch.cuda.set_rng_state(state, name)


@contextmanager
def preserved_rng() -> Iterator[None]:
    """Leave the global generators after the block as they were before it."""
    state = RngState.capture()
    try:
        yield
    finally:
        state.restore()
