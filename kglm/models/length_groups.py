"""Texts read in groups of like lengths, so that little is spent on padding where time goes with the tokens.

The choices of a question differ in length, with facts behind them by as much as half; a batch that is padded to its
longest text computes as if all were so long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

LEAST_TOKENS = 512
"""Of a group: matrix products of fewer rows wait for the weights."""


def read_in_groups(
    read: Callable[[Mapping[str, Tensor]], Tensor], inputs: Mapping[str, Tensor], by_token: frozenset[str]
) -> Tensor:
    """Return what ``read`` says of the rows of a batch, the rows read in groups of like lengths.

    On an accelerator the batch is read in one: its lengths would have to be waited for, and small groups leave it
    idle. So it is under ``torch.compile``, where each length would be a graph of its own.

    Args:
        read: from inputs of some rows to ``[rows, ...]``; a row's result must not depend on the others.
        inputs: ``[rows, ...]`` each, ``attention_mask [rows, T]`` among them, 1 on real tokens.
        by_token: names of those whose second axis is T; it is cut to the longest of a group.

    Returns:
        ``[rows, ...]``, in the order of the inputs.
    """
    mask = inputs["attention_mask"]
    count = 1 if mask.device.type != "cpu" or torch.compiler.is_compiling() else mask.numel() // LEAST_TOKENS
    if count < 2 or mask.shape[0] < 2:
        return read(inputs)
    places = torch.arange(1, mask.shape[1] + 1)
    lengths = (places * (mask != 0)).amax(dim=1).clamp(min=1)  # up to the last real token, wherever padding stands
    order = lengths.argsort(stable=True)
    groups = order.tensor_split(min(count, mask.shape[0]))
    parts = []
    for rows in groups:
        longest = int(lengths[rows[-1]])
        parts.append(read({name: t[rows, :longest] if name in by_token else t[rows] for name, t in inputs.items()}))
    return torch.cat(parts)[order.argsort()]
