"""Several processes that train one model: how they are made, and how they agree to stop."""

from __future__ import annotations

import os
from datetime import timedelta

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs

PATIENCE = timedelta(hours=6)
"""How long a process waits for another, which may be preparing data for all of them."""


def new_accelerator() -> Accelerator:
    """Return this process's accelerator; started by ``torchrun`` or ``accelerate launch`` it is one of several.

    They compute on one GPU each or, where there is none, on the CPU, and then speak with each other by gloo.
    """
    launched = "LOCAL_RANK" in os.environ
    return Accelerator(
        mixed_precision="no",  # the loop's own business
        cpu=launched and not torch.cuda.is_available(),
        kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
    )


def anyone(says: bool, accelerator: Accelerator) -> bool:
    """Tell whether any process says so; all must ask, and all get the same answer."""
    if accelerator.num_processes == 1:
        return says
    votes = torch.tensor(int(says), device=accelerator.device)
    return bool(accelerator.reduce(votes, reduction="sum") > 0)
