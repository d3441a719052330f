from __future__ import annotations

import torch

from kglm.nn import align_entities, span_tokens


def test_links_are_rows_of_the_batch() -> None:
    tokens = torch.tensor([[[1, 2], [2, -1]], [[-1, -1], [0, 9]]])
    alignment = align_entities(tokens, num_tokens=4, dtype=torch.float64)
    assert alignment.present.tolist() == [[True, True], [False, True]]
    assert alignment.linked.tolist() == [[[1, 1], [1, 0]], [[0, 0], [1, 0]]]
    rows = alignment.rows.view(2, 2, 2)
    assert rows[alignment.linked.bool()].tolist() == [1, 2, 2, 4]
    assert rows[0].max() < 4 <= rows[1].min()
    assert rows.max() < 8
    assert alignment.mean.tolist() == [[[0.5, 0.5], [1, 0]], [[0, 0], [1, 0]]]
    assert alignment.share.tolist() == [[[1, 0.5], [0.5, 0]], [[0, 0], [1, 0]]]


def test_spans_become_tokens() -> None:
    spans = torch.tensor([[[3, 5], [0, 4], [7, 7]]])
    assert span_tokens(spans, 3).tolist() == [[[3, 4, -1], [0, 1, 2], [-1, -1, -1]]]
    assert span_tokens(spans, 1).tolist() == [[[3], [0], [-1]]]
