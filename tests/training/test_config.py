import dataclasses

import pytest

from kglm.errors import ConfigError
from kglm.training import TrainingConfig


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("seed", -1, "an integer in [0, 2^32)"),
        ("max_epochs", 0, "an integer of at least 1"),
        ("max_epochs", 2.5, "an integer of at least 1"),
        ("batch_size", True, "an integer of at least 1"),
        ("max_steps", 0, "none, or an integer of at least 1"),
        ("early_stopping_patience", -3, "none, or an integer of at least 1"),
        ("eval_every", "epochs", "'epoch', or a number of steps"),
        ("save_every", 0, "'epoch', or a number of steps"),
        ("encoder_lr", "2e-5", "a number of at least 0"),
        ("reasoner_lr", float("nan"), "a number of at least 0"),
        ("eps", 0, "a number greater than 0"),
        ("betas", (0.9, 1.0), "two numbers in [0, 1)"),
        ("warmup_fraction", 1.1, "a number in [0, 1]"),
        ("max_grad_norm", 0, "none, or a number above 0"),
        ("precision", "fp16", "'auto', 'fp32', 'bf16'"),
        ("selection_mode", "maximum", "'max', 'min'"),
        ("selection_metric", "", "the name of a metric"),
        ("resume", 1, "true, false"),
        ("progress", "yes", "none, true, false"),
        ("num_workers", -1, "an integer of at least 0"),
    ],
)
def test_a_bad_value_is_named_with_its_field_and_what_is_allowed(field, value, allowed):
    with pytest.raises(ConfigError) as caught:
        TrainingConfig(**{field: value})
    assert f"TrainingConfig.{field} is {value!r}; allowed: {allowed}" in str(caught.value)


def test_a_misspelt_choice_gets_a_proposal():
    with pytest.raises(ConfigError, match="did you mean 'cosine'"):
        TrainingConfig(schedule="cosin")


def test_it_is_frozen_and_takes_betas_from_yaml():
    config = TrainingConfig(betas=[0.8, 0.9])
    assert config.betas == (0.8, 0.9)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 1
