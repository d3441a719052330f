"""One run, step by step: what happens after each, in which order, and how a run goes on after an interruption."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn

from kglm.errors import ConfigError, UnknownNameError
from kglm.files import atomic_directory, atomic_write_json, recover_directory, remove_abandoned
from kglm.training.batches import Batch
from kglm.training.checkpoint import (
    checkpoint_exists,
    load_checkpoint,
    optimizer_tensors,
    read_state,
    save_checkpoint,
)
from kglm.training.config import TrainingConfig
from kglm.training.interruption import StopSignals, TrainingInterrupted
from kglm.training.optimization import build_optimizer, learning_rate_factor, set_learning_rates
from kglm.training.parallel import anyone
from kglm.training.precision import autocast
from kglm.training.progress import Progress, StepReport
from kglm.training.report import Stopwatch, environment, parameter_counts, peak_memory
from kglm.training.reproducibility import RngState, preserved_rng, seed_everything
from kglm.training.selection import Selection
from kglm.training.sharding import readable, shard, whole
from kglm.training.step import optimizer_step
from kglm.training.trackers import Tracker
from kglm.training.windows import Window, WindowStream

logger = logging.getLogger(__name__)

Evaluator = Callable[[nn.Module, Accelerator], Mapping[str, float]]
Callback = Callable[[StepReport], None]
BundleWriter = Callable[[nn.Module, Path], None]

FREE_ON_RESUME = frozenset(
    {
        "eval_batch_size",
        "fsdp",
        "early_stopping_patience",
        "save_every",
        "log_every",
        "progress",
        "num_workers",
        "num_threads",
        "resume",
    }
)
"""Fields that may differ when a run is resumed; every other one would make it another run."""


@dataclass(frozen=True)
class TrainingResult:
    """What came of a run; ``output_dir/metrics.json`` says the same and what it cost.

    Attributes:
        output_dir: the run's folder.
        best_dir: the bundle of the best evaluation (of the last step, if none was).
        best_metrics: of that evaluation; empty if there was none.
        best_step: optimizer steps before it.
        history: of each evaluation, ``step``, ``epoch`` (passes over the data, fractional) and ``metrics``; a
            metric that is not finite is None.
        steps: optimizer steps taken.
        stopped_early: whether patience ran out.
        seconds: wall-clock, over all parts of an interrupted run.
    """

    output_dir: Path
    best_dir: Path
    best_metrics: dict[str, float]
    best_step: int
    history: tuple[dict[str, Any], ...]
    steps: int
    stopped_early: bool
    seconds: float


@dataclass
class RunState:
    """What a run is besides parameters, optimizer and generators; goes into ``state.json``."""

    selection: Selection
    step: int = 0
    loss_sum: float = 0.0  # since the trackers' last entry
    loss_questions: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RunState:
        """Return what :meth:`to_json` was made of."""
        return cls(**{**values, "selection": Selection(**values["selection"])})


@dataclass
class TrainingRun:
    """The parts of a run, put together; :func:`~kglm.training.train` makes it and documents its parts."""

    model: nn.Module
    stream: WindowStream
    evaluate: Evaluator | None
    count: Callable[[Batch], int]
    save_bundle: BundleWriter
    trackers: list[Tracker]
    callbacks: list[Callback]
    subject: dict[str, Any]
    config: TrainingConfig
    precision: str
    output_dir: Path
    accelerator: Accelerator

    def __post_init__(self) -> None:
        self.last_dir = self.output_dir / "last"
        self.best_dir = self.output_dir / "best"
        self.main = self.accelerator.is_main_process
        planned = self.config.max_epochs * self.stream.windows_per_epoch
        self.total_steps = min(planned, self.config.max_steps or planned)
        self.identity = {
            **{name: value for name, value in asdict(self.config).items() if name not in FREE_ON_RESUME},
            "betas": list(self.config.betas),
            "precision": self.precision,
            "num_processes": self.accelerator.num_processes,
            "training data": self.stream.fingerprint(),
            **self.subject,
        }
        self.state = RunState(Selection(self.config.selection_mode))
        self.stopwatch = Stopwatch()

    def run(self) -> TrainingResult:
        """Train from the start, or from where ``last`` left off, to the end."""
        if self.config.compile:
            self.model.compile(dynamic=True)  # batches are ragged
        prepare = partial(shard, accelerator=self.accelerator) if self.config.fsdp else self.accelerator.prepare_model
        self.wrapped = prepare(self.model)
        self.optimizer = self.accelerator.prepare_optimizer(build_optimizer(self.model, self.config))
        self._begin()
        with ExitStack() as stack:
            stop = stack.enter_context(StopSignals())
            self._open(stack)
            windows = self.stream.starting_at(self.state.step)
            while not self._finished:
                self._advance(next(windows))
                # A signal may reach the processes at different steps; they save, and end, together.
                if anyone(stop.requested is not None, self.accelerator):
                    self._interrupt(stop.requested or "a signal to another process")
        return self._conclude()

    @property
    def _finished(self) -> bool:
        return self.state.step >= self.total_steps or self._out_of_patience

    @property
    def _out_of_patience(self) -> bool:
        return self.state.selection.exhausted(self.config.early_stopping_patience)

    def _begin(self) -> None:
        """Start afresh, or where ``last`` left off."""
        if self.main:
            for path in (self.last_dir, self.best_dir):
                remove_abandoned(path)
                recover_directory(path)
        self.accelerator.wait_for_everyone()
        if not checkpoint_exists(self.last_dir):
            seed_everything((self.config.seed + self.accelerator.process_index) % 2**32)
            return
        saved = read_state(self.last_dir)
        if not self.config.resume:
            raise ConfigError(
                f"'{self.output_dir}' holds a run of {saved['run']['step']} steps; set trainer.resume=true to go on "
                "with it, choose another output folder, or delete this one"
            )
        self._check_identity(saved["identity"])
        rng = load_checkpoint(self.last_dir, self.model, self.optimizer.optimizer)
        self.state = RunState.from_json(saved["run"])
        self.stopwatch = Stopwatch(saved["seconds"], saved["cpu_seconds"])
        logger.info("resuming '%s' after step %d of %d", self.last_dir, self.state.step, self.total_steps)
        rng[self.accelerator.process_index].restore()

    def _check_identity(self, saved: Mapping[str, Any]) -> None:
        for name, value in self.identity.items():
            if saved.get(name) != value:
                raise ConfigError(
                    f"the run in '{self.output_dir}' cannot be resumed: {name} was {saved.get(name)!r} and is now "
                    f"{value!r}. Restore it, or choose another output folder"
                )

    def _open(self, stack: ExitStack) -> None:
        first = self.state.step
        show = {"bar": self.config.progress, "log_every": self.config.log_every, "shown": self.main}
        self.progress = Progress(self.total_steps, first, **show)
        stack.callback(self.progress.close)
        self.trackers = self.trackers if self.main else []
        for tracker in self.trackers:
            stack.callback(tracker.close)
            with preserved_rng():  # a resumed run starts them once more than an uninterrupted one
                tracker.start(asdict(self.config), first)

    def _advance(self, window: Window) -> None:
        """Take one step and do all that is due after it; only then may anything interrupt."""
        self.wrapped.train()
        set_learning_rates(self.optimizer, learning_rate_factor(self.state.step, self.total_steps, self.config))
        outcome = optimizer_step(
            self.wrapped,
            window,
            self.optimizer,
            self.accelerator,
            count=self.count,
            precision=self.precision,
            max_grad_norm=self.config.max_grad_norm,
        )
        self.state.step += 1
        self.state.loss_sum += outcome.loss * outcome.questions
        self.state.loss_questions += outcome.questions
        report = StepReport(
            step=self.state.step,
            total_steps=self.total_steps,
            epoch=window.epoch + 1,
            loss=outcome.loss,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            gradient_norm=outcome.gradient_norm,
            questions=outcome.questions,
        )
        self._track(report)
        if self._due(self.config.eval_every):
            self._evaluate()
        if self._due(self.config.save_every):
            self._save_last()
        try:
            for callback in self.callbacks:
                callback(report)
        except KeyboardInterrupt:
            self._interrupt("a callback")

    def _due(self, every: int | str) -> bool:
        step = self.state.step
        return self._finished or step % (self.stream.windows_per_epoch if every == "epoch" else int(every)) == 0

    def _track(self, report: StepReport) -> None:
        self.progress.update(report)
        if report.step % self.config.log_every and report.step != self.total_steps:
            return
        metrics = {
            "train/loss": self.state.loss_sum / self.state.loss_questions,
            "train/gradient_norm": report.gradient_norm,
            "train/epoch": self._epochs,
        }
        metrics |= {f"lr/{group['name']}": group["lr"] for group in self.optimizer.param_groups}
        self.state.loss_sum, self.state.loss_questions = 0.0, 0
        for tracker in self.trackers:
            tracker.log(metrics, report.step)

    @property
    def _epochs(self) -> float:
        return self.state.step / self.stream.windows_per_epoch

    def _evaluate(self) -> None:
        if self.evaluate is None:
            return
        self.model.eval()
        with whole(self.model), preserved_rng(), autocast(self.precision, self.accelerator.device):
            metrics = {name: float(value) for name, value in self.evaluate(self.model, self.accelerator).items()}
        chosen = self.config.selection_metric
        if chosen not in metrics:
            raise UnknownNameError("selection_metric", chosen, metrics)
        better = self.state.selection.update(metrics[chosen], self.state.step)
        finite = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
        self.state.history.append({"step": self.state.step, "epoch": self._epochs, "metrics": finite})
        shown = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        self.progress.say(f"step {self.state.step}: dev {shown}{' (best so far)' if better else ''}")
        for tracker in self.trackers:
            tracker.log({f"dev/{name}": value for name, value in metrics.items()}, self.state.step)
        if better:
            self._save_best()

    def _save_best(self) -> None:
        with readable(self.model):
            if self.main:
                with atomic_directory(self.best_dir) as folder:
                    self.save_bundle(self.model, folder)
            self.accelerator.wait_for_everyone()

    def _save_last(self) -> None:
        rng = gather_object([RngState.capture()])
        moments = optimizer_tensors(self.model, self.optimizer.optimizer)
        with readable(self.model):
            if self.main:
                state = {
                    "identity": self.identity,
                    "run": self.state.to_json(),
                    "seconds": self.stopwatch.seconds,
                    "cpu_seconds": self.stopwatch.cpu_seconds,
                }
                save_checkpoint(self.last_dir, self.model, moments, rng, state)
            self.accelerator.wait_for_everyone()

    def _interrupt(self, reason: str) -> None:
        self._save_last()
        raise TrainingInterrupted(
            f"stopped by {reason} after step {self.state.step} of {self.total_steps}; the state is in "
            f"'{self.last_dir}'. Run again with trainer.resume=true and the same output folder to go on"
        )

    def _conclude(self) -> TrainingResult:
        if self.state.selection.best is None:
            self._save_best()
        selection = self.state.selection
        best: dict[str, Any] = next(
            (e for e in self.state.history if e["step"] == selection.best_step), {"metrics": {}}
        )
        result = TrainingResult(
            output_dir=self.output_dir,
            best_dir=self.best_dir,
            best_metrics=best["metrics"],
            best_step=self.state.step if selection.best is None else selection.best_step,
            history=tuple(self.state.history),
            steps=self.state.step,
            stopped_early=self.state.step < self.total_steps,
            seconds=self.stopwatch.seconds,
        )
        if self.main:
            atomic_write_json(self.output_dir / "metrics.json", self._metrics(result))
        return result

    def _metrics(self, result: TrainingResult) -> dict[str, Any]:
        return {
            "dev": result.best_metrics,
            "best_step": result.best_step,
            "steps": result.steps,
            "total_steps": self.total_steps,
            "epochs": self._epochs,
            "stopped_early": result.stopped_early,
            "seconds": result.seconds,
            "cpu_seconds": self.stopwatch.cpu_seconds,
            "peak_memory": peak_memory(self.accelerator.device),
            "parameters": parameter_counts(self.model),
            "precision": self.precision,
            "num_processes": self.accelerator.num_processes,
            **environment(self.accelerator.device),
            "config": asdict(self.config),
            "history": list(result.history),
        }
