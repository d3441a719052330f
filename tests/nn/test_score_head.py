from __future__ import annotations

import torch

from kglm.nn.score_head import ScoreHead


def test_untrained_it_is_zero_and_learns() -> None:
    head, features = ScoreHead(4, dropout=0.1), torch.randn(3, 4)
    assert head(features).tolist() == [0, 0, 0]
    head(features).sum().backward()
    assert head.weight.grad.any()


def test_linear_in_float32_under_autocast() -> None:
    head, features = ScoreHead(4), torch.randn(3, 4)
    torch.nn.init.normal_(head.weight)
    expected = features @ head.weight[0] + head.bias
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(head(features), expected)
