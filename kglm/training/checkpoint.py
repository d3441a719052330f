"""The state of a run on disk: safetensors and JSON, written atomically, restored bit for bit. No pickles.

A folder holds ``model.safetensors`` (parameters and buffers), ``optimizer.safetensors`` (``slot/parameter name``),
``rng.safetensors`` (``process/device``) and, written last, ``state.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, load_model, save_file, save_model
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule

from kglm.errors import DataError
from kglm.files import atomic_directory, atomic_write_json, recover_directory
from kglm.training.reproducibility import RngState
from kglm.training.sharding import gathered, share_like

FORMAT = 1
STATE_FILE = "state.json"


def checkpoint_exists(folder: Path) -> bool:
    """Tell whether ``folder`` holds a complete checkpoint; mends what a kill left in between."""
    recover_directory(folder)
    return (folder / STATE_FILE).is_file()


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    moments: Mapping[str, Tensor],
    rng: Sequence[RngState],
    state: Mapping[str, Any],
) -> None:
    """Write a checkpoint that takes the place of ``folder`` only when it is complete.

    Args:
        folder: where to.
        model: unwrapped, and :func:`~kglm.training.sharding.readable`.
        moments: see :func:`optimizer_tensors`.
        rng: one state for each process.
        state: everything else; of JSON types.
    """
    with atomic_directory(folder) as new:
        save_model(model, str(new / "model.safetensors"))
        save_file(dict(moments), new / "optimizer.safetensors")
        devices = {f"{i}/{name}": value for i, one in enumerate(rng) for name, value in one.tensors.items()}
        save_file(devices, new / "rng.safetensors")
        manifest = {"format": FORMAT, "rng": [one.plain for one in rng], "state": dict(state)}
        atomic_write_json(new / STATE_FILE, manifest, indent=None)


def read_state(folder: Path) -> dict[str, Any]:
    """Return the ``state`` that was given to :func:`save_checkpoint`.

    Raises:
        DataError: it is missing, damaged, or of another version.
    """
    return dict(_read_manifest(folder)["state"])


def load_checkpoint(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> list[RngState]:
    """Put the checkpoint's values into ``model`` and ``optimizer``, and return the processes' generator states.

    Raises:
        DataError: a file is missing or damaged, or it was written for another model.
    """
    manifest = _read_manifest(folder)
    try:
        _load_parameters(model, folder / "model.safetensors")
        _set_optimizer_tensors(model, optimizer, load_file(folder / "optimizer.safetensors"))
        devices = load_file(folder / "rng.safetensors")
    except (OSError, RuntimeError, SafetensorError) as error:
        raise DataError(f"the checkpoint '{folder}' does not fit this model, or is damaged: {error}") from error
    return [
        RngState(plain, {key.partition("/")[2]: value for key, value in devices.items() if key.startswith(f"{i}/")})
        for i, plain in enumerate(manifest["rng"])
    ]


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / STATE_FILE
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"'{path}' cannot be read: {error}") from error
    if manifest.get("format") != FORMAT:
        raise DataError(f"'{path}' has format {manifest.get('format')}; this version of kglm reads {FORMAT}")
    return dict(manifest)


def _names_in_order(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[str]:
    """Return parameter names in the order in which the optimizer numbers its parameters."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [names[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]]


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimizer's state by ``slot/parameter name``; all processes that share it must ask for it.

    Args:
        model: unwrapped.
        optimizer: over parameters of ``model``.
    """
    names = _names_in_order(model, optimizer)
    slots = optimizer.state_dict()["state"]
    return {
        f"{slot}/{names[i]}": gathered(value).contiguous()
        for i, values in slots.items()
        for slot, value in values.items()
    }


def _load_parameters(model: nn.Module, path: Path) -> None:
    if not isinstance(model, FSDPModule):
        load_model(model, str(path))
        return
    values, own = load_file(path), model.state_dict()
    if values.keys() != own.keys():
        raise RuntimeError(f"only one of them has {', '.join(sorted(values.keys() ^ own.keys()))}")
    for name, tensor in own.items():  # which are the model's own
        tensor.copy_(share_like(values[name], tensor))


def _set_optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    number = {name: i for i, name in enumerate(_names_in_order(model, optimizer))}
    parameters = dict(model.named_parameters())
    slots: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        slot, _, name = key.partition("/")
        if name not in number:
            raise RuntimeError(f"it has optimizer state for '{name}', which is not trained here")
        slots.setdefault(number[name], {})[slot] = share_like(value, parameters[name])
    optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
