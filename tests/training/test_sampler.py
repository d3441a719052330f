import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import ConfigError
from kglm.training import LengthGroupedBatchSampler

lengths = st.lists(st.integers(0, 300), max_size=200)


@given(lengths, st.integers(1, 9), st.integers(0, 2**32 - 1), st.integers(0, 5), st.integers(1, 6))
def test_every_index_comes_once_in_batches_of_the_size(lengths, batch_size, seed, epoch, pool_batches):
    sampler = LengthGroupedBatchSampler(lengths, batch_size, seed, pool_batches=pool_batches)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert len(batches) == len(sampler)
    assert sum(len(batch) != batch_size for batch in batches) <= 1
    assert batches == list(sampler)
    again = LengthGroupedBatchSampler(lengths, batch_size, seed, pool_batches=pool_batches)
    again.set_epoch(epoch)
    assert batches == list(again)


def test_epochs_and_seeds_differ():
    sampler = LengthGroupedBatchSampler(list(range(100)), 4, 0)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first
    assert list(LengthGroupedBatchSampler(list(range(100)), 4, 1)) != first
    assert {tuple(sorted(batch)) for batch in sampler} != {tuple(sorted(batch)) for batch in first}


def test_batches_hold_similar_lengths_in_no_order_of_length():
    lengths = np.random.default_rng(0).integers(1, 100, size=2000)
    batches = [lengths[batch] for batch in LengthGroupedBatchSampler(lengths, 10, 0)]
    assert np.mean([batch.max() - batch.min() for batch in batches]) < 5
    means = np.asarray([batch.mean() for batch in batches])
    assert abs(np.corrcoef(means[1:], means[:-1])[0, 1]) < 0.2


def test_the_global_generators_are_neither_used_nor_moved():
    before = random.getstate(), torch.get_rng_state()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    list(LengthGroupedBatchSampler(list(range(50)), 4, 0))
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_a_batch_size_below_one_is_refused():
    with pytest.raises(ConfigError, match="batch_size is 0; allowed: an integer of at least 1"):
        LengthGroupedBatchSampler([1], 0, 0)
