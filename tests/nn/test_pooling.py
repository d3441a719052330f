from __future__ import annotations

import torch

from kglm.nn.pooling import masked_mean


def test_against_a_loop() -> None:
    values = torch.randn(3, 4, 5, dtype=torch.float64)
    mask = torch.tensor([[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]])
    pooled = masked_mean(values, mask)
    torch.testing.assert_close(pooled[0], values[0, :2].mean(0))
    torch.testing.assert_close(pooled[1], (values[1, 1] + values[1, 3]) / 2)
    assert not pooled[2].any()
    assert torch.equal(pooled, masked_mean(values, mask.bool()))


def test_float32_also_under_autocast() -> None:
    values, mask = torch.randn(2, 6, 3), torch.ones(2, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(masked_mean(values, mask), masked_mean(values, mask.long()))
        assert masked_mean(values.bfloat16(), mask).dtype == torch.float32
    torch.testing.assert_close(masked_mean(values, mask), values.mean(1))
