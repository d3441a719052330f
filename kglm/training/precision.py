"""fp32 or bf16: what the hardware has, and the context that applies it."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path

import torch

from kglm.errors import ConfigError
from kglm.training.config import PRECISIONS

logger = logging.getLogger(__name__)


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return "fp32" or "bf16" for a wish of "auto", "fp32" or "bf16".

    "auto" is bf16 on a GPU that computes in it, and on a CPU with its own bf16 instructions; nothing is timed.

    Raises:
        ConfigError: another wish, or bf16 on a GPU that lacks it.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"precision is {precision!r}; allowed: {', '.join(PRECISIONS)}")
    native = has_native_bf16(device)
    if precision == "auto":
        return "bf16" if native else "fp32"
    if precision == "bf16" and not native:
        if device.type != "cpu":
            raise ConfigError(f"precision is 'bf16', which {device} cannot compute in; allowed: 'auto', 'fp32'")
        logger.warning("precision is bf16, but this CPU only emulates it: expect it to be slower than fp32")
    return precision


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which forward passes compute in ``precision`` ("fp32" or "bf16")."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


def has_native_bf16(device: torch.device) -> bool:
    """Tell whether ``device`` has instructions for bf16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and not _cpu_flags().isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})


@cache
def _cpu_flags() -> frozenset[str]:
    """Return what Linux says the CPU can do ("bf16" is ARM's name); empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    found = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(found.partition(":")[2].split())
