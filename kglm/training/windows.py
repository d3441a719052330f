"""The training data as a stream of windows: the batches of one optimizer step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader

from kglm.errors import DataError
from kglm.training.batches import Batch
from kglm.training.sampler import EpochBatchSampler


@dataclass(frozen=True)
class Window:
    """The batches that one process contributes to one optimizer step.

    Attributes:
        epoch: counted from 0.
        batches: at least one, so that every process takes part in the exchange of gradients.
        idle: the window was too small for this process; its batch is another's and must weigh nothing.
    """

    epoch: int
    batches: list[Batch]
    idle: bool = False


@dataclass(frozen=True)
class WindowStream:
    """Cuts epochs into windows, and starts anywhere without preparing what went before.

    The position is just the number of steps taken, for all epochs have the same number of windows.

    Attributes:
        dataset: indexable, with a length.
        collate: examples to batch. It, and the dataset, may have ``set_epoch``. Randomness that comes from the
            global generators of this process is resumed exactly; in worker processes it is not, and should be
            derived from the epoch and the example instead.
        sampler: the batches, as indices into ``dataset``.
        accumulation: batches of a process in a window; the last window of an epoch may have fewer.
        num_workers: processes that prepare batches.
        pin_memory: prepare batches in pinned memory.
        process_index: which process this is.
        num_processes: how many share each window.

    Raises:
        DataError: no batch at all.
    """

    dataset: Sequence[Any]
    collate: Callable[[list[Any]], Batch]
    sampler: EpochBatchSampler
    accumulation: int = 1
    num_workers: int = 0
    pin_memory: bool = False
    process_index: int = 0
    num_processes: int = 1

    def __post_init__(self) -> None:
        if len(self.sampler) == 0:
            raise DataError("the training set is empty")

    @property
    def windows_per_epoch(self) -> int:
        """Optimizer steps of one epoch."""
        return -(-len(self.sampler) // (self.accumulation * self.num_processes))

    def fingerprint(self) -> str:
        """Return a hash of the first epoch's batches; it differs if the data's size, lengths or order do."""
        self.sampler.set_epoch(0)
        return hashlib.sha256(json.dumps(list(self.sampler)).encode()).hexdigest()

    def starting_at(self, step: int) -> Iterator[Window]:
        """Yield windows for ever, from the one that follows ``step`` steps."""
        epoch, position = divmod(step, self.windows_per_epoch)
        while True:
            yield from self._epoch(epoch, position)
            epoch, position = epoch + 1, 0

    def _epoch(self, epoch: int, position: int) -> Iterator[Window]:
        for part in (self.sampler, self.dataset, self.collate):
            if hasattr(part, "set_epoch"):
                part.set_epoch(epoch)
        batches = list(self.sampler)
        size = self.accumulation * self.num_processes
        everyones = [batches[start : start + size] for start in range(0, len(batches), size)][position:]
        mine = [window[self.process_index :: self.num_processes] for window in everyones]
        indices = [own or window[:1] for own, window in zip(mine, everyones, strict=True)]
        # Its own generator: opening a loader must not draw from the global one, or resuming would change dropout.
        loader: DataLoader[Any] = DataLoader(
            self.dataset,  # type: ignore[arg-type]
            batch_sampler=[batch for window in indices for batch in window],
            collate_fn=self.collate,
            num_workers=self.num_workers,
            pin_memory=self.pin_memory,
            generator=torch.Generator().manual_seed(epoch),
        )
        prepared = iter(loader)
        for own, window in zip(mine, indices, strict=True):
            yield Window(epoch, list(islice(prepared, len(window))), idle=not own)
