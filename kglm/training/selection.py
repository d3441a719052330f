"""Which evaluation was the best, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class Selection:
    """The best evaluation so far.

    Attributes:
        mode: "max" if more is better, else "min".
        best: its value; None before the first evaluation.
        best_step: optimizer steps taken before it.
        evaluations_since_best: in a row without a new best.
    """

    mode: str
    best: float | None = None
    best_step: int = 0
    evaluations_since_best: int = 0

    def update(self, value: float, step: int) -> bool:
        """Take account of an evaluation; True if it is strictly the best so far (NaN and infinity never are)."""
        better = math.isfinite(value)
        if better and self.best is not None:
            better = value > self.best if self.mode == "max" else value < self.best
        if better:
            self.best, self.best_step, self.evaluations_since_best = value, step, 0
        else:
            self.evaluations_since_best += 1
        return better

    def exhausted(self, patience: int | None) -> bool:
        """Tell whether ``patience`` evaluations in a row brought no new best."""
        return patience is not None and self.evaluations_since_best >= patience
