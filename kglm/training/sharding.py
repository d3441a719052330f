"""A model, its gradients and its optimizer's state shared out among processes: PyTorch's FSDP2.

The model is one unit: its parameters are gathered once before a forward pass and let go after the backward pass.
Units for each layer would be gathered and reduced anew with each text that the encoder reads, three times a step and,
on a CPU, a number of times that differs from process to process.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from kglm.errors import ConfigError


def shard(model: nn.Module, accelerator: Accelerator) -> nn.Module:
    """Move a model to its device, and keep of each parameter one process's share; in place.

    Parameters without an axis, which cannot be shared out, stay whole in each process.

    Raises:
        ConfigError: there is only one process.
    """
    if accelerator.num_processes == 1:
        raise ConfigError(
            "trainer.fsdp is true, but there is one process, which has nobody to share the model with; start several "
            "with torchrun --nproc-per-node N -m kglm.cli.main train ..., or set trainer.fsdp=false"
        )
    model.to(accelerator.device)
    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    fully_shard(model, mesh=mesh, ignored_params={p for p in model.parameters() if p.ndim == 0})
    return model


@contextmanager
def whole(model: nn.Module) -> Iterator[None]:
    """Have no forward pass within the block wait for the other processes; all must enter and leave it.

    So each may make as many as it likes. A model that is not sharded is whole anyway.
    """
    if not isinstance(model, FSDPModule):
        yield
        return
    model.unshard()
    try:
        yield
    finally:
        model.reshard()


@contextmanager
def readable(model: nn.Module) -> Iterator[None]:
    """Have whole parameters in the model's ``state_dict`` within the block; all processes must enter and leave it.

    They are copies, and forward passes are not possible. A model that is not sharded stays as it is.
    """
    shares: list[tuple[dict[str, Any], str, Any]] = [
        (module._parameters, name, parameter)
        for module in model.modules()
        for name, parameter in module._parameters.items()
        if isinstance(parameter, DTensor)
    ]
    copies = {id(p): nn.Parameter(gathered(p.detach()), requires_grad=p.requires_grad) for _, _, p in shares}
    for parameters, name, parameter in shares:
        parameters[name] = copies[id(parameter)]  # a tied one stays tied
    try:
        yield
    finally:
        for parameters, name, parameter in shares:
            parameters[name] = parameter


@contextmanager
def no_exchange(model: FSDPModule) -> Iterator[None]:
    """Add gradients up in this process within the block, of whole parameters that stay so."""
    model.set_requires_gradient_sync(False)
    model.set_reshard_after_backward(False)
    try:
        yield
    finally:
        model.set_requires_gradient_sync(True)
        model.set_reshard_after_backward(True)


def finish_gradients(parameters: Iterable[Tensor], limit: float, accelerator: Accelerator) -> float:
    """Average the gradients that no process has averaged yet, and scale all down to a norm of at most ``limit``.

    Args:
        parameters: of a sharded model, some perhaps whole.
        limit: infinity leaves them as they are.
        accelerator: gives the processes.

    Returns:
        The norm of all before scaling.

    Raises:
        ConfigError: no gradient has reached the shares.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    shares = [g.to_local() for g in gradients if isinstance(g, DTensor)]
    others = [g for g in gradients if not isinstance(g, DTensor)]
    if not shares:
        raise ConfigError(
            "trainer.fsdp is true, and no gradient reaches the parameters: PyTorch finds the outputs of a sharded "
            "model in tuples, dicts and ModelOutputs only; let the model return one of these"
        )
    for gradient in others:
        gradient.copy_(accelerator.reduce(gradient, reduction="mean"))
    squares = torch.zeros((), device=accelerator.device)
    for share in shares:
        squares += share.float().square().sum()
    squares = accelerator.reduce(squares, reduction="sum")
    for gradient in others:
        squares += gradient.float().square()
    norm = math.sqrt(float(squares)) if math.isfinite(float(squares)) else math.nan
    if norm > limit:
        for part in (*shares, *others):
            part.mul_(limit / (norm + 1e-6))
    return norm


def gathered(value: Tensor) -> Tensor:
    """Return a tensor whole; one that is shared out in every process, which all must ask for."""
    # What full_tensor returns may be a part of a longer, padded one.
    return value.full_tensor().clone() if isinstance(value, DTensor) else value


def share_like(value: Tensor, parameter: Tensor) -> Tensor:
    """Return this process's share of a whole tensor, if that is how it has ``parameter``, whose shape it is of."""
    if not isinstance(parameter, DTensor) or value.shape != parameter.shape:
        return value
    return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)
