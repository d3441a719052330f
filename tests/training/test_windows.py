from itertools import islice

import pytest
from toy_choice import ToyData, collate

from kglm.errors import DataError
from kglm.training import LengthGroupedBatchSampler
from kglm.training.windows import WindowStream


def stream(size=23, batch_size=3, **options):
    data = ToyData(size)
    return WindowStream(data, collate, LengthGroupedBatchSampler(data.lengths, batch_size, 0), **options)


def ids(window):
    return [list(batch["ids"]) for batch in window.batches]


def test_windows_cover_an_epoch_and_the_last_may_be_smaller():
    windows = stream(accumulation=3)
    assert windows.windows_per_epoch == 3
    epoch = list(islice(windows.starting_at(0), 3))
    assert [len(window.batches) for window in epoch] == [3, 3, 2]
    assert sorted(i for w in epoch for batch in ids(w) for i in batch) == sorted(f"q{i}" for i in range(23))


@pytest.mark.parametrize("workers", [0, 1])
def test_starting_later_gives_the_same_windows_without_preparing_the_earlier(workers):
    whole = list(islice(stream(accumulation=2).starting_at(0), 9))
    later = list(islice(stream(accumulation=2, num_workers=workers).starting_at(5), 4))
    assert [(w.epoch, ids(w)) for w in later] == [(w.epoch, ids(w)) for w in whole[5:]]


def test_processes_share_each_window_and_the_one_left_over_is_idle():
    both = [list(islice(stream(num_processes=3, process_index=i).starting_at(0), 3)) for i in range(3)]
    alone = [ids(w)[0] for w in islice(stream().starting_at(0), 8)]
    shared = [ids(both[i][w])[0] for w in range(3) for i in range(3) if not both[i][w].idle]
    assert shared == alone
    assert [window.idle for window in both[2]] == [False, False, True]


def test_data_and_collator_learn_the_epoch():
    windows, seen = stream(), []
    windows.dataset.set_epoch = seen.append
    list(islice(windows.starting_at(9), 8))
    assert seen == [1, 2]


def test_the_fingerprint_tells_other_data():
    assert stream().fingerprint() == stream().fingerprint() != stream(size=24).fingerprint()


def test_an_empty_training_set_is_refused():
    with pytest.raises(DataError, match="the training set is empty"):
        stream(size=0)
