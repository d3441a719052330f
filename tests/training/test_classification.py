from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn

from kglm.errors import DataError
from kglm.training import DivergedError
from kglm.training.classification import classify


class Echo(nn.Module):
    def forward(self, scores, labels):
        assert not self.training
        return SimpleNamespace(logits=scores, loss=nn.functional.cross_entropy(scores, labels))


def batches(*sizes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    start = 0
    for size in sizes:
        ids = [f"x{start + i}" for i in range(size)]
        start += size
        yield {
            "ids": ids,
            "scores": torch.randn(size, 3, generator=generator),
            "labels": torch.randint(3, (size,), generator=generator),
        }


def test_scores_labels_and_loss_are_those_of_all_batches():
    model = Echo().train()
    found = classify(model, batches(3, 2), Accelerator(cpu=True))
    assert model.training
    scores = torch.cat([batch["scores"] for batch in batches(3, 2)])
    labels = torch.cat([batch["labels"] for batch in batches(3, 2)])
    np.testing.assert_array_equal(found.logits, scores)
    np.testing.assert_array_equal(found.predicted, scores.argmax(1))
    assert found.loss == pytest.approx(nn.functional.cross_entropy(scores, labels).item())
    assert found.ids == ("x0", "x1", "x2", "x3", "x4")


def test_several_labels_are_those_likelier_than_not_or_the_likeliest():
    logits = torch.tensor([[1.0, 2.0, -1.0], [-3.0, -1.0, -2.0]])
    labels = torch.tensor([[1, 1, 0], [0, 0, 1]])
    model = lambda scores, labels: SimpleNamespace(logits=scores, loss=scores.sum())  # noqa: E731
    model.training, model.eval, model.train = False, lambda: None, lambda mode: None
    found = classify(model, [{"ids": "ab", "scores": logits, "labels": labels}], Accelerator(cpu=True))
    assert found.predicted_sets() == [[0, 1], [1]]
    assert found.label_sets() == [[0, 1], [2]]


def test_mistakes_are_named():
    with pytest.raises(DataError, match="no example to evaluate on"):
        classify(Echo(), [], Accelerator(cpu=True))
    bad = next(batches(2))
    bad["scores"][1, 2] = float("nan")
    with pytest.raises(DivergedError, match="example 'x1' are not finite"):
        classify(Echo(), [bad], Accelerator(cpu=True))
