"""What a training run is: one frozen, self-validating dataclass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

from kglm.errors import ConfigError, did_you_mean

SCHEDULES = ("linear", "cosine", "constant")
PRECISIONS = ("auto", "fp32", "bf16")
MODES = ("max", "min")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of one run. Everything is checked on construction.

    Attributes:
        seed: of shuffling, dropout and all global generators.
        max_epochs: passes over the training data.
        max_steps: optimizer steps; training ends with this or ``max_epochs``, whichever comes first.
        batch_size: questions of one forward pass of one process.
        eval_batch_size: questions of one forward pass in evaluation; for the caller's loader.
        gradient_accumulation_steps: forward passes per optimizer step.
        encoder_lr: peak learning rate of ``model.encoder``.
        reasoner_lr: peak learning rate of all other parameters.
        weight_decay: AdamW's, on matrices only; biases, norms and other vectors have none.
        betas: AdamW's.
        eps: AdamW's.
        warmup_fraction: share of all steps in which the learning rate rises linearly.
        schedule: its course thereafter, one of :data:`SCHEDULES`.
        max_grad_norm: gradients are scaled down to this norm; None leaves them.
        precision: of the forward pass; "auto" is bf16 where the hardware has it. Parameters remain fp32.
        selection_metric: the evaluation's metric that chooses the best model.
        selection_mode: "max" if more is better.
        early_stopping_patience: stop after so many evaluations in a row without a new best; None never stops.
        eval_every: "epoch", or a number of steps; the last step is always evaluated.
        save_every: "epoch", or a number of steps; the last step is always saved.
        log_every: steps between two entries of the trackers and of the log.
        progress: draw a progress bar; None draws one if standard error is a terminal.
        num_workers: processes that prepare batches; 0 prepares them in the training process.
        num_threads: CPU threads of torch; None leaves torch's choice.
        compile: compile the model with torch.
        fsdp: share the model out among the processes; see :mod:`kglm.training.sharding`. Not with ``compile``.
        deterministic: let torch refuse operations that have no deterministic implementation.
        resume: go on from ``output_dir/last`` if it exists.

    Raises:
        ConfigError: a value is not allowed; names field, value and what is allowed.
    """

    seed: int = 0
    max_epochs: int = 3
    max_steps: int | None = None
    batch_size: int = 16
    eval_batch_size: int = 32
    gradient_accumulation_steps: int = 1
    encoder_lr: float = 2e-5
    reasoner_lr: float = 1e-3
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    warmup_fraction: float = 0.1
    schedule: str = "linear"
    max_grad_norm: float | None = 1.0
    precision: str = "auto"
    selection_metric: str = "accuracy"
    selection_mode: str = "max"
    early_stopping_patience: int | None = None
    eval_every: int | str = "epoch"
    save_every: int | str = "epoch"
    log_every: int = 10
    progress: bool | None = None
    num_workers: int = 0
    num_threads: int | None = None
    compile: bool = False
    fsdp: bool = False
    deterministic: bool = False
    resume: bool = False

    def __post_init__(self) -> None:
        for field in ("max_epochs", "batch_size", "eval_batch_size", "gradient_accumulation_steps", "log_every"):
            self._require(field, _is_int(getattr(self, field), at_least=1), "an integer of at least 1")
        for field in ("max_steps", "early_stopping_patience", "num_threads"):
            value = getattr(self, field)
            self._require(field, value is None or _is_int(value, at_least=1), "none, or an integer of at least 1")
        for field in ("eval_every", "save_every"):
            value = getattr(self, field)
            allowed = "'epoch', or a number of steps of at least 1"
            self._require(field, value == "epoch" or _is_int(value, at_least=1), allowed)
        self._require("seed", _is_int(self.seed) and self.seed < 2**32, "an integer in [0, 2^32)")
        self._require("num_workers", _is_int(self.num_workers), "an integer of at least 0")
        for field in ("encoder_lr", "reasoner_lr", "weight_decay"):
            value = getattr(self, field)
            self._require(field, _is_number(value) and value >= 0, "a number of at least 0")
        self._require("eps", _is_number(self.eps) and self.eps > 0, "a number greater than 0")
        in_unit = _is_number(self.warmup_fraction) and 0 <= self.warmup_fraction <= 1
        self._require("warmup_fraction", in_unit, "a number in [0, 1]")
        norm = self.max_grad_norm
        self._require("max_grad_norm", norm is None or (_is_number(norm) and norm > 0), "none, or a number above 0")
        self._require("betas", _are_betas(self.betas), "two numbers in [0, 1)")
        object.__setattr__(self, "betas", tuple(self.betas))
        self._require_one_of("schedule", SCHEDULES)
        self._require_one_of("precision", PRECISIONS)
        self._require_one_of("selection_mode", MODES)
        named = isinstance(self.selection_metric, str) and bool(self.selection_metric)
        self._require("selection_metric", named, "the name of a metric")
        for field in ("compile", "fsdp", "deterministic", "resume"):
            self._require(field, isinstance(getattr(self, field), bool), "true, false")
        self._require("fsdp", not (self.fsdp and self.compile), "false, where compile is true")
        self._require("progress", self.progress is None or isinstance(self.progress, bool), "none, true, false")

    def _require(self, field: str, holds: bool, allowed: str) -> None:
        if not holds:
            raise ConfigError(f"TrainingConfig.{field} is {getattr(self, field)!r}; allowed: {allowed}")

    def _require_one_of(self, field: str, allowed: tuple[str, ...]) -> None:
        value = getattr(self, field)
        hint = did_you_mean(value, allowed) if isinstance(value, str) else ""
        self._require(field, value in allowed, ", ".join(f"'{name}'" for name in allowed) + hint)


def _is_int(value: Any, at_least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= at_least


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _are_betas(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(_is_number(b) and 0 <= b < 1 for b in value)
