import math

import pytest
import torch
from torch import nn
from toy_choice import ToyModel, config

from kglm.errors import ConfigError
from kglm.training.optimization import (
    build_optimizer,
    learning_rate_factor,
    parameter_groups,
    set_learning_rates,
)


def naive_factor(step, total, warmup_fraction, schedule):
    warmup = round(total * warmup_fraction)
    if step + 1 <= warmup:
        return (step + 1) / warmup
    left = (total - step) / (total - warmup)
    return {"linear": left, "cosine": math.cos((1 - left) * math.pi / 2) ** 2, "constant": 1.0}[schedule]


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.33, 1.0])
def test_the_learning_rate_follows_the_formula(schedule, warmup):
    settings = config(schedule=schedule, warmup_fraction=warmup)
    for total in (1, 10, 37):
        for step in range(total):
            expected = naive_factor(step, total, warmup, schedule)
            assert learning_rate_factor(step, total, settings) == pytest.approx(expected, abs=1e-12)
            assert 0 < learning_rate_factor(step, total, settings) <= 1


def test_groups_split_encoder_from_the_rest_and_vectors_from_matrices():
    model = ToyModel()
    model.head.extra = nn.Linear(2, 2)
    model.head.extra.weight.requires_grad_(False)
    groups = {group["name"]: group for group in parameter_groups(model, config(weight_decay=0.3))}
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {name: {names[id(p)] for p in group["params"]} for name, group in groups.items()}
    assert found == {
        "encoder/decay": {"encoder.0.weight"},
        "encoder/no_decay": {"encoder.0.bias", "encoder.1.weight", "encoder.1.bias"},
        "reasoner/decay": {"head.weight"},
        "reasoner/no_decay": {"head.bias", "head.extra.bias"},
    }
    assert [group["lr"] for group in groups.values()] == [1e-2, 1e-2, 3e-2, 3e-2]
    assert [group["weight_decay"] for group in groups.values()] == [0.3, 0.0, 0.3, 0.0]


def test_a_frozen_encoder_leaves_no_group_and_a_frozen_model_is_refused():
    model = ToyModel()
    model.encoder.requires_grad_(False)
    assert {group["name"] for group in parameter_groups(model, config())} == {
        "reasoner/decay",
        "reasoner/no_decay",
    }
    model.requires_grad_(False)
    with pytest.raises(ConfigError, match="ToyModel has no trainable parameter"):
        parameter_groups(model, config())


def test_each_group_is_scaled_from_its_peak():
    optimizer = build_optimizer(ToyModel(), config())
    for factor in (0.5, 0.25):
        set_learning_rates(optimizer, factor)
        assert [g["lr"] for g in optimizer.param_groups] == [1e-2 * factor] * 2 + [3e-2 * factor] * 2
    assert isinstance(optimizer, torch.optim.AdamW)
