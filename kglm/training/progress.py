"""How far a run is: a bar on a terminal, lines in a log file."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import dataclass

from tqdm import tqdm

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepReport:
    """What callbacks are told after each optimizer step.

    Attributes:
        step: optimizer steps taken.
        total_steps: planned.
        epoch: counted from 1.
        loss: mean over the step's questions.
        learning_rate: by which the first parameter group was updated (the encoder's, if it is trained).
        gradient_norm: before clipping.
        questions: of this step.
    """

    step: int
    total_steps: int
    epoch: int
    loss: float
    learning_rate: float
    gradient_norm: float
    questions: int


class Progress:
    """Draws a bar, or logs a line every ``log_every`` steps.

    Args:
        total_steps: planned.
        first_step: taken already.
        bar: draw a bar; None draws one if standard error is a terminal.
        log_every: steps between two lines.
        shown: False in all processes but the main one.
    """

    def __init__(self, total_steps: int, first_step: int, *, bar: bool | None, log_every: int, shown: bool) -> None:
        wanted = sys.stderr.isatty() if bar is None else bar
        self._bar = tqdm(total=total_steps, initial=first_step, unit="step") if wanted and shown else None
        self._lines = shown and not wanted
        self._log_every = log_every
        self._first_step = first_step
        self._questions = 0
        self._start = time.monotonic()

    def update(self, report: StepReport) -> None:
        """Show a step."""
        self._questions += report.questions
        seconds = max(1e-9, time.monotonic() - self._start)
        rate = self._questions / seconds
        if self._bar is not None:
            shown = {"loss": f"{report.loss:.4f}", "lr": f"{report.learning_rate:.2e}", "questions/s": f"{rate:.1f}"}
            self._bar.set_postfix(shown, refresh=False)
            self._bar.update()
        elif self._lines and (report.step % self._log_every == 0 or report.step == report.total_steps):
            left = (report.total_steps - report.step) * seconds / (report.step - self._first_step)
            logger.info(
                "step %d/%d, epoch %d: loss %.4f, lr %.2e, %.1f questions/s, %s left",
                report.step,
                report.total_steps,
                report.epoch,
                report.loss,
                report.learning_rate,
                rate,
                tqdm.format_interval(left),
            )

    def say(self, message: str) -> None:
        """Print or log a message without breaking the bar."""
        if self._bar is not None:
            self._bar.write(message, file=sys.stderr)
        elif self._lines:
            logger.info(message)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
