from __future__ import annotations

import pytest
import torch

from kglm.nn.ragged import (
    bag_attend,
    bag_sum,
    segment_index,
    segment_log_softmax,
    segment_mean,
    segment_softmax,
    segment_sum,
    select_segments,
)

INDEX = torch.tensor([3, 0, 3, 1, 0, 3])  # segments 2 and 4 are empty


def rows(values: torch.Tensor, segment: int) -> torch.Tensor:
    return values[[k for k in range(len(INDEX)) if INDEX[k] == segment]]


def test_segment_index() -> None:
    assert segment_index(torch.tensor([0, 2, 2, 5])).tolist() == [0, 0, 2, 2, 2]
    assert segment_index(torch.tensor([0])).tolist() == []
    assert segment_index(torch.tensor([0, 1, 3]), num_rows=3).tolist() == [0, 1, 1]


def test_select_segments() -> None:
    values, offsets = torch.arange(10, 16), torch.tensor([0, 2, 2, 6])
    chosen, ends = select_segments(values, offsets, torch.tensor([2, -1, 1, 0, 2]))
    assert chosen.tolist() == [12, 13, 14, 15, 10, 11, 12, 13, 14, 15]
    assert ends.tolist() == [0, 4, 4, 4, 6, 10]
    empty, ends = select_segments(values[:0], offsets[:1], torch.tensor([-1, -1]))
    assert empty.tolist() == []
    assert ends.tolist() == [0, 0, 0]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_sum_and_mean(shape: tuple[int, ...]) -> None:
    values = torch.randn(6, *shape, dtype=torch.float64)
    for s in range(5):
        own = rows(values, s)
        mean = own.mean(0) if len(own) else torch.zeros(shape, dtype=torch.float64)
        torch.testing.assert_close(segment_sum(values, INDEX, 5)[s], own.sum(0))
        torch.testing.assert_close(segment_mean(values, INDEX, 5)[s], mean)


def test_softmax() -> None:
    logits = torch.randn(6, dtype=torch.float64)
    weights, logs = segment_softmax(logits, INDEX, 5), segment_log_softmax(logits, INDEX, 5)
    for s in range(5):
        torch.testing.assert_close(rows(weights, s), rows(logits, s).softmax(0))
    torch.testing.assert_close(logs.exp(), weights)


@pytest.mark.parametrize("reduce", [segment_sum, segment_mean, segment_softmax, segment_log_softmax])
def test_gradients(reduce) -> None:
    values = torch.randn(6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: reduce(x, INDEX, 5), values)


def test_softmax_of_extreme_and_half_precision_logits() -> None:
    logits = torch.tensor([1e4, -1e4, 0.0], dtype=torch.bfloat16)
    weights = segment_softmax(logits, torch.tensor([0, 0, 1]), 2)
    assert weights.dtype == torch.float32
    assert weights.tolist() == [1, 0, 1]
    assert segment_log_softmax(logits, torch.tensor([0, 0, 1]), 2).isfinite().all()


@pytest.mark.parametrize("reduce", [segment_sum, segment_mean])
def test_no_rows(reduce) -> None:
    none = torch.zeros(0, dtype=torch.long)
    assert reduce(torch.zeros(0, 3), none, 2).tolist() == [[0, 0, 0]] * 2
    assert segment_softmax(torch.zeros(0), none, 0).shape == (0,)


def test_softmax_of_several_columns_is_that_of_each() -> None:
    logits, index = torch.randn(7, 3, dtype=torch.float64), torch.tensor([0, 2, 2, 5, 0, 2, 5])
    expected = torch.stack([segment_softmax(column, index, 6) for column in logits.unbind(1)], dim=1)
    torch.testing.assert_close(segment_softmax(logits, index, 6), expected)


def test_bags_attend_by_softmax_and_give_its_denominator() -> None:
    logits = (50 * torch.randn(7, dtype=torch.float64)).requires_grad_()
    table = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    rows, offsets = torch.tensor([3, 1, 1, 0, 3, 3, 2]), torch.tensor([0, 2, 2, 5, 7, 7])
    found, logs = bag_attend(logits, table, rows, offsets)
    for s in range(5):
        own = slice(int(offsets[s]), int(offsets[s + 1]))
        expected = (logits[own].softmax(0).unsqueeze(-1) * table[rows[own]]).sum(0)
        torch.testing.assert_close(found[s], expected)
        torch.testing.assert_close(logs[s], logits[own].logsumexp(0))
    assert torch.autograd.gradcheck(lambda x, t: bag_attend(x, t, rows, offsets)[0], (logits, table))
    (gradient,) = torch.autograd.grad(logs[[0, 2, 3]].sum(), logits)
    torch.testing.assert_close(gradient, segment_softmax(logits.detach(), segment_index(offsets), 5))


def test_bags_of_nothing_are_zero_and_take_part_in_the_gradient() -> None:
    weights, table = torch.zeros(0, requires_grad=True), torch.zeros(0, 3, requires_grad=True)
    found = bag_sum(weights, table, torch.zeros(0, dtype=torch.long), torch.zeros(3, dtype=torch.long))
    assert torch.equal(found, torch.zeros(2, 3))
    found.sum().backward()
    assert weights.grad.shape == (0,)
    assert table.grad.shape == (0, 3)
