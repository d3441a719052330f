"""Batches of similar lengths, shuffled anew each epoch, a pure function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from kglm.errors import ConfigError


class EpochBatchSampler(Protocol):
    """What the loop asks of a batch sampler. All epochs must have the same number of batches."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) of the next iteration."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[list[int]]: ...


class LengthGroupedBatchSampler:
    """Every index once per epoch, in batches whose examples are of similar length.

    Batches that pad little are worth a factor of two on a CPU. The indices are shuffled and cut into pools of
    ``pool_batches`` batches; each pool is sorted by length and cut into batches, and the batches are shuffled.
    Only the batch with the remainder is smaller than ``batch_size``. The global generators are not used.

    Args:
        lengths: of each example, in tokens; all equal gives a plain shuffle.
        batch_size: examples in a batch.
        seed: with the epoch it determines the order.
        pool_batches: the larger the less padding, and the more the same examples meet; a small data set is cut
            into four pools all the same.

    Raises:
        ConfigError: ``batch_size`` or ``pool_batches`` is below 1, or ``seed`` below 0.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int, *, pool_batches: int = 50) -> None:
        for name, value, least in (
            ("batch_size", batch_size, 1),
            ("pool_batches", pool_batches, 1),
            ("seed", seed, 0),
        ):
            if value < least:
                raise ConfigError(f"{name} is {value}; allowed: an integer of at least {least}")
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self.batch_size = batch_size
        self.seed = seed
        self.pool_batches = pool_batches
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) of the next iteration."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(len(self.lengths))
        # A single pool would make the same batches in each epoch, as far as lengths differ.
        pool_size = min(self.pool_batches, -(-len(self) // 4)) * self.batch_size
        batches: list[list[int]] = []
        for start in range(0, len(order), pool_size or 1):
            pool = order[start : start + pool_size]
            pool = pool[np.argsort(self.lengths[pool], kind="stable")]
            batches += [pool[i : i + self.batch_size].tolist() for i in range(0, len(pool), self.batch_size)]
        for i in generator.permutation(len(batches)):
            yield batches[i]
