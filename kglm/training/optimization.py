"""Parameter groups, AdamW, and the learning rate as a function of the step."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from kglm.errors import ConfigError
from kglm.training.config import TrainingConfig


def parameter_groups(model: nn.Module, config: TrainingConfig) -> list[dict[str, Any]]:
    """Split the trainable parameters by learning rate and weight decay.

    The parameters of ``model.encoder`` learn at ``encoder_lr``, all others at ``reasoner_lr``, and so do those
    within the encoder that no pretraining has seen, whose names begin with one of ``model.fresh_parameters``.
    Matrices decay; vectors (biases, norms, gates) do not. Frozen parameters are in no group, and empty groups are
    left out.

    Returns:
        Groups for a torch optimizer; each has ``name``, such as "encoder/decay", and ``peak_lr`` besides.

    Raises:
        ConfigError: no parameter is trainable.
    """
    groups: dict[str, dict[str, Any]] = {}
    for part, lr in (("encoder", config.encoder_lr), ("reasoner", config.reasoner_lr)):
        for kind, decay in (("decay", config.weight_decay), ("no_decay", 0.0)):
            name = f"{part}/{kind}"
            groups[name] = {"name": name, "params": [], "lr": lr, "peak_lr": lr, "weight_decay": decay}
    fresh: tuple[str, ...] = getattr(model, "fresh_parameters", ())
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        part = "encoder" if name.startswith("encoder.") and not name.startswith(fresh) else "reasoner"
        kind = "decay" if parameter.ndim >= 2 else "no_decay"
        groups[f"{part}/{kind}"]["params"].append(parameter)
    present = [group for group in groups.values() if group["params"]]
    if not present:
        raise ConfigError(f"{type(model).__name__} has no trainable parameter; nothing can be trained")
    return present


def build_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """Return AdamW over :func:`parameter_groups`; the model must be on its device already."""
    groups = parameter_groups(model, config)
    fused = all(p.device.type in {"cpu", "cuda"} for group in groups for p in group["params"])
    # The fused and the grouped update cannot mix parameters that are shared out with one that is not.
    how = {"foreach": False} if config.fsdp else {"fused": fused}
    return torch.optim.AdamW(groups, betas=config.betas, eps=config.eps, **how)


def learning_rate_factor(step: int, total_steps: int, config: TrainingConfig) -> float:
    """Return the share of the peak learning rate that a step uses.

    With ``W = round(warmup_fraction · T)`` steps of warm-up out of ``T``::

        s < W      (s + 1) / W
        linear     (T - s) / (T - W)
        cosine     (1 + cos(π (s - W) / (T - W))) / 2
        constant   1

    Args:
        step: s, counted from 0.
        total_steps: T.
        config: gives ``warmup_fraction`` and ``schedule``.
    """
    warmup = round(config.warmup_fraction * total_steps)
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, total_steps - warmup)
    if config.schedule == "linear":
        return 1 - progress
    if config.schedule == "cosine":
        return (1 + math.cos(math.pi * progress)) / 2
    return 1.0


def set_learning_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set each group's learning rate to ``factor`` times its peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor
