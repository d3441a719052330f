"""What a run cost and gave, as one JSON object."""

from __future__ import annotations

import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from torch import nn


class Stopwatch:
    """Wall-clock and CPU seconds, this process's and its finished children's, added to those of earlier runs."""

    def __init__(self, seconds: float = 0.0, cpu_seconds: float = 0.0) -> None:
        self._wall = time.monotonic() - seconds
        self._cpu = _cpu_seconds() - cpu_seconds

    @property
    def seconds(self) -> float:
        """Wall-clock seconds."""
        return time.monotonic() - self._wall

    @property
    def cpu_seconds(self) -> float:
        """CPU-seconds, user and system."""
        return _cpu_seconds() - self._cpu


def parameter_counts(model: nn.Module) -> dict[str, int]:
    """Count all parameters, the trainable ones, and those of ``model.encoder``."""
    named = list(model.named_parameters())
    return {
        "all": sum(p.numel() for _, p in named),
        "trainable": sum(p.numel() for _, p in named if p.requires_grad),
        "encoder": sum(p.numel() for name, p in named if name.startswith("encoder.")),
    }


def peak_memory(device: torch.device) -> dict[str, float]:
    """Return the process's peak memory so far in MB (10^6 bytes), and the GPU's where there is one."""
    peak = {}
    if sys.platform != "win32":  # which has no such module
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        peak["process_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    if device.type == "cuda":
        peak["gpu_mb"] = torch.cuda.max_memory_allocated(device) / 1e6
    return peak


def environment(device: torch.device) -> dict[str, Any]:
    """Return the device, its name, the threads, and the versions that a result depends on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    packages = ("kglm", "torch", "transformers", "accelerate", "numpy")
    return {
        "device": str(device),
        "device_name": name,
        "num_threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), **{package: _version(package) for package in packages}},
    }


def _cpu_seconds() -> float:
    return sum(os.times()[:4])


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
