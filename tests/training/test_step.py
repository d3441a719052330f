import copy
import math

import pytest
import torch
from accelerate import Accelerator
from torch import nn
from toy_choice import ToyData, ToyModel, collate

from kglm.training.batches import number_of_questions
from kglm.training.step import DivergedError, optimizer_step
from kglm.training.windows import Window


def take(model, batches, lr=0.1, **options):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    return optimizer_step(model, Window(0, batches), optimizer, Accelerator(), count=number_of_questions, **options)


def toy(sizes):
    data = ToyData(sum(sizes))
    for i in range(len(data)):
        data.features[i] = data.features[i].double()
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return [collate([data[i] for i in range(start, start + n)]) for start, n in zip(starts, sizes, strict=True)]


@pytest.mark.parametrize("sizes", [[4, 4], [5, 1, 3], [1, 7]])
def test_accumulation_equals_one_big_batch(sizes):
    parts = ToyModel(dropout=0).double()
    whole = copy.deepcopy(parts)
    in_parts = take(parts, toy(sizes))
    at_once = take(whole, toy([sum(sizes)]))
    assert in_parts.questions == at_once.questions == sum(sizes)
    assert in_parts.loss == pytest.approx(at_once.loss, rel=1e-12)
    assert in_parts.gradient_norm == pytest.approx(at_once.gradient_norm, rel=1e-12)
    for one, other in zip(parts.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


def test_gradients_are_clipped_to_the_norm():
    model = ToyModel(dropout=0).double()
    before = [p.detach().clone() for p in model.parameters()]
    outcome = take(model, toy([4]), lr=1.0, max_grad_norm=0.01)
    moved = math.sqrt(
        sum(float((p.detach() - b).square().sum()) for p, b in zip(model.parameters(), before, strict=True))
    )
    assert outcome.gradient_norm > 0.01
    assert moved == pytest.approx(0.01, rel=1e-3)


def test_gradients_do_not_outlive_the_step():
    model = ToyModel()
    take(model, [collate([ToyData()[0]])])
    assert all(p.grad is None for p in model.parameters())


def test_a_loss_that_is_not_finite_stops_before_the_parameters_are_lost():
    model = ToyModel(dropout=0)
    batch = collate([ToyData()[0]])
    batch["features"] = batch["features"] * math.inf
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(DivergedError, match=r"loss nan .*first questions of the batch: q0"):
        take(model, [batch])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_bf16_computes_the_forward_pass_in_bf16():
    seen = []

    class Watching(ToyModel):
        def forward(self, **batch):
            output = super().forward(**batch)
            seen.append(output.logits.dtype)
            return output

    model: nn.Module = Watching()
    take(model, [collate([ToyData()[0]])], precision="bf16")
    assert seen == [torch.bfloat16]
    assert {p.dtype for p in model.parameters()} == {torch.float32}
