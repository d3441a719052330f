"""One optimizer step: accumulate the gradients of a window, clip them, apply them."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import nn
from torch.distributed.fsdp import FSDPModule

from kglm.errors import KglmError
from kglm.training.batches import Batch, model_inputs
from kglm.training.precision import autocast
from kglm.training.sharding import finish_gradients, no_exchange
from kglm.training.windows import Window


class DivergedError(KglmError):
    """A loss, a gradient or a score is not finite."""


@dataclass(frozen=True)
class StepOutcome:
    """What an optimizer step did.

    Attributes:
        loss: mean over the window's questions.
        questions: in the window, over all processes.
        gradient_norm: before clipping.
    """

    loss: float
    questions: int
    gradient_norm: float


def optimizer_step(
    model: nn.Module,
    window: Window,
    optimizer: torch.optim.Optimizer,
    accelerator: Accelerator,
    *,
    count: Callable[[Batch], int],
    precision: str = "fp32",
    max_grad_norm: float | None = None,
) -> StepOutcome:
    """Take one step on the mean loss over all questions of a window.

    A model's loss is the mean over the questions of its batch. Batches differ in size, so each is weighed by its
    share of the window's questions: the result is that of one big batch, for the last, smaller window too.

    Args:
        model: as prepared by ``accelerator``; ``model(**inputs).loss`` is a scalar.
        window: this process's batches.
        optimizer: with its learning rates set.
        accelerator: sums over processes.
        count: questions of a batch.
        precision: of the forward pass, "fp32" or "bf16".
        max_grad_norm: gradients are scaled down to this norm; None leaves them.

    Raises:
        DivergedError: loss or gradient is not finite; the parameters are as before.
    """
    weights = [0 if window.idle else count(batch) for batch in window.batches]
    questions = int(_sum_over_processes(sum(weights), accelerator))
    total = 0.0
    for position, (batch, weight) in enumerate(zip(window.batches, weights, strict=True), start=1):
        with nullcontext() if position == len(weights) else _no_exchange(model, accelerator):
            with autocast(precision, accelerator.device):
                loss = model(**model_inputs(batch, accelerator.device)).loss
            # Gradients are averaged over processes; a window's are to be summed.
            accelerator.backward(loss * (weight / questions * accelerator.num_processes))
        total += loss.item() * weight
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    limit = math.inf if max_grad_norm is None else max_grad_norm
    if isinstance(model, FSDPModule):
        norm = finish_gradients(parameters, limit, accelerator)
    else:
        norm = float(accelerator.clip_grad_norm_(parameters, limit))
    mean = _sum_over_processes(total, accelerator) / questions
    if not (math.isfinite(mean) and math.isfinite(norm)):
        optimizer.zero_grad()
        ids = [str(i) for batch in window.batches for i in batch.get("ids", ())][:4]
        where = f" (first questions of the batch: {', '.join(ids)})" if ids else ""
        raise DivergedError(
            f"loss {mean} with gradient norm {norm}{where}. Lower the learning rate, lengthen the warm-up, "
            "or set trainer.precision=fp32"
        )
    optimizer.step()
    optimizer.zero_grad()
    return StepOutcome(mean, questions, norm)


def _no_exchange(model: nn.Module, accelerator: Accelerator) -> AbstractContextManager[object]:
    return no_exchange(model) if isinstance(model, FSDPModule) else accelerator.no_sync(model)


def _sum_over_processes(value: float, accelerator: Accelerator) -> float:
    if accelerator.num_processes == 1:
        return value
    tensor = torch.tensor(value, dtype=torch.float64, device=accelerator.device)
    return float(accelerator.reduce(tensor, reduction="sum"))
