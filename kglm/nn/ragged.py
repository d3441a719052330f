"""Reductions over ragged segments: sum, mean and softmax of the rows that share a segment.

A segment is given per row by an ``index`` (it need not be sorted); :func:`segment_index` makes one from offsets.
Empty segments give 0. All are differentiable and use torch alone.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def segment_index(offsets: Tensor, num_rows: int | None = None) -> Tensor:
    """Return the segment of each row: ``[0, 2, 2, 5] -> [0, 0, 2, 2, 2]``.

    Args:
        offsets: ``[S + 1]`` ascending, starting at 0.
        num_rows: the last offset, where it is known; spares a synchronisation on a GPU.

    Shapes:
        out: ``[offsets[-1]]``
    """
    segments = torch.arange(offsets.numel() - 1, device=offsets.device)
    return torch.repeat_interleave(segments, offsets.diff(), output_size=num_rows)


def select_segments(values: Tensor, offsets: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Gather whole segments; a negative choice gives an empty one.

    Returns:
        the values of the chosen segments, one after another, and their offsets.

    Shapes:
        values: ``[K]``; offsets: ``[S + 1]``; chosen: ``[Q]``; out: ``[K']`` and ``[Q + 1]``
    """
    if offsets.numel() == 1:  # no segments: nothing but negative choices can be made
        return values, offsets.new_zeros(chosen.numel() + 1)
    exists = chosen >= 0
    chosen = chosen.clamp(min=0)
    starts = offsets[chosen]
    lengths = (offsets[chosen + 1] - starts) * exists
    ends = lengths.cumsum(0)
    first = torch.repeat_interleave(starts - ends + lengths, lengths)
    positions = first + torch.arange(first.numel(), device=first.device)
    return values[positions], torch.cat((ends.new_zeros(1), ends))


def segment_sum(values: Tensor, index: Tensor, num_segments: int) -> Tensor:
    """Sum the rows of each segment: ``out_s = sum_{k : index_k = s} values_k``.

    Shapes:
        values: ``[K, ...]``; index: ``[K]``; out: ``[num_segments, ...]``
    """
    return values.new_zeros(num_segments, *values.shape[1:]).index_add(0, index, values)


def segment_mean(values: Tensor, index: Tensor, num_segments: int) -> Tensor:
    """Average the rows of each segment; 0 where a segment is empty.

    Shapes:
        values: ``[K, ...]``; index: ``[K]``; out: ``[num_segments, ...]``
    """
    counts = segment_sum(torch.ones_like(index), index, num_segments).clamp(min=1).to(values.dtype)
    return segment_sum(values, index, num_segments) / counts.view(-1, *[1] * (values.dim() - 1))


def segment_softmax(logits: Tensor, index: Tensor, num_segments: int) -> Tensor:
    """Softmax over the rows of each segment, at least in float32; further dimensions each on their own.

    ``out_k = exp(x_k - m_s) / sum_{l : index_l = s} exp(x_l - m_s)`` with ``s = index_k`` and ``m_s`` the maximum.

    Shapes:
        logits: ``[K, ...]``; index: ``[K]``; out: ``[K, ...]``, float32 unless the logits are float64
    """
    shifted, log_total = _shifted_and_log_total(logits, index, num_segments)
    return (shifted - log_total).exp()


def segment_log_softmax(logits: Tensor, index: Tensor, num_segments: int) -> Tensor:
    """Logarithm of :func:`segment_softmax`, computed without underflow.

    Shapes:
        logits: ``[K, ...]``; index: ``[K]``; out: ``[K, ...]``, float32 unless the logits are float64
    """
    shifted, log_total = _shifted_and_log_total(logits, index, num_segments)
    return shifted - log_total


def bag_sum(weights: Tensor, table: Tensor, rows: Tensor, offsets: Tensor) -> Tensor:
    """Sum weighted rows of a table, segment by segment: ``out_s = sum_{k in s} weights_k table[rows_k]``.

    Gathers, multiplies and adds in one pass: ``[K, D]`` is never made, in no direction.

    Shapes:
        weights, rows: ``[K]``; table: ``[V, D]``; offsets: ``[S + 1]``; out: ``[S, D]``, of the weights' type
    """
    if not rows.numel():  # a table without rows is refused below
        return weights.sum() * table.sum() + table.new_zeros(offsets.numel() - 1, table.shape[1]).to(weights.dtype)
    return functional.embedding_bag(
        rows, table.to(weights.dtype), offsets, mode="sum", include_last_offset=True, per_sample_weights=weights
    )


def bag_attend(logits: Tensor, table: Tensor, rows: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Sum rows of a table, segment by segment, weighed by the softmax of the logits; and the log of its denominator.

    ``out_s = sum_{k in s} softmax(x)_k table[rows_k]`` and ``log sum_{k in s} exp(x_k)``; 0 and -inf where a segment
    is empty.

    Shapes:
        logits, rows: ``[K]``; table: ``[V, D]``; offsets: ``[S + 1]``; out: ``[S, D]`` and ``[S]``, float32 unless
        the logits are float64
    """
    index, num_segments = segment_index(offsets, rows.numel()), offsets.numel() - 1
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    maxima = _maxima(logits, index, num_segments)
    weights = (logits - maxima.index_select(0, index)).exp()
    # The logarithm of 1, not of 0, where a segment is empty: its gradient would be no number.
    totals = segment_sum(weights, index, num_segments).masked_fill(maxima == -torch.inf, 1)
    return bag_sum(weights / totals.index_select(0, index), table, rows, offsets), totals.log() + maxima


def _shifted_and_log_total(logits: Tensor, index: Tensor, num_segments: int) -> tuple[Tensor, Tensor]:
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    shifted = logits - _maxima(logits, index, num_segments).index_select(0, index)
    totals = segment_sum(shifted.exp(), index, num_segments)
    # A segment that holds a row has a total of at least 1, so selecting first keeps log(0) of empty ones away.
    return shifted, totals.index_select(0, index).log()


def _maxima(logits: Tensor, index: Tensor, num_segments: int) -> Tensor:
    """Return the largest of each segment's rows, ``[num_segments, ...]``, -inf where it is empty; no gradient."""
    lowest = logits.new_full((num_segments, *logits.shape[1:]), -torch.inf)
    places = index.view(-1, *[1] * (logits.dim() - 1)).expand_as(logits)
    return lowest.scatter_reduce(0, places, logits.detach(), "amax")
