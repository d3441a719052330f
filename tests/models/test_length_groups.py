"""Tests of reading in groups of like lengths."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from kglm.models import length_groups
from kglm.models.length_groups import read_in_groups

BY_TOKEN = frozenset({"input_ids", "attention_mask"})


def sums(inputs: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of the real tokens of each row, and the row's own number."""
    return torch.stack(((inputs["input_ids"] * inputs["attention_mask"]).sum(dim=1), inputs["row"][:, 0]), dim=1)


def batch(lengths: list[int], width: int, left: bool) -> dict[str, Tensor]:
    """Return a batch of rows with so many real tokens, padding on one side."""
    places = torch.arange(width)
    mask = (places >= width - torch.tensor(lengths)[:, None]) if left else places < torch.tensor(lengths)[:, None]
    ids = torch.arange(len(lengths) * width).view(len(lengths), width)
    return {"input_ids": ids, "attention_mask": mask.long(), "row": torch.arange(len(lengths))[:, None]}


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 60), st.booleans())
def test_rows_keep_their_order_and_lose_no_token(lengths: list[int], least: int, left: bool) -> None:
    inputs = batch(lengths, 9, left)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(length_groups, "LEAST_TOKENS", least)
        assert torch.equal(read_in_groups(sums, inputs, BY_TOKEN), sums(inputs))


def test_short_rows_are_not_padded_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(length_groups, "LEAST_TOKENS", 20)
    shapes = []

    def read(inputs: Mapping[str, Tensor]) -> Tensor:
        shapes.append(tuple(inputs["input_ids"].shape))
        return sums(inputs)

    read_in_groups(read, batch([9, 2, 1, 8], 10, left=False), BY_TOKEN)
    assert shapes == [(2, 2), (2, 9)]


def test_a_small_batch_is_read_in_one() -> None:
    shapes = []

    def read(inputs: Mapping[str, Tensor]) -> Tensor:
        shapes.append(tuple(inputs["input_ids"].shape))
        return sums(inputs)

    read_in_groups(read, batch([9, 2], 10, left=False), BY_TOKEN)
    assert shapes == [(2, 10)]


def test_the_compiler_sees_one_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(length_groups, "LEAST_TOKENS", 4)
    inputs = batch([9, 2, 1, 8], 10, left=False)
    compiled = torch.compile(lambda i: read_in_groups(sums, i, BY_TOKEN), fullgraph=True, backend="eager")
    assert torch.equal(compiled(inputs), sums(inputs))
