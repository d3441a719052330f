"""The trials of a search, kept so that it goes on after an interruption, and by several processes at once."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from filelock import FileLock, Timeout
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from kglm.cli.sweep.report import write_summary
from kglm.cli.sweep.space import overrides_of
from kglm.errors import ConfigError, KglmError, UnknownNameError

if TYPE_CHECKING:
    from kglm.cli.sweep import SweepSettings

logger = logging.getLogger(__name__)

Objective = Callable[[Sequence[str], Path, bool], float]


@dataclass(frozen=True)
class ClaimedTrial:
    """A trial that this process works at, as long as it holds the lock; ``again`` if another began with it."""

    number: int
    overrides: list[str]
    lock: FileLock
    again: bool


class Sweep:
    """A study of Optuna in a folder: ``study.jsonl``, its journal; ``trials/NUMBER/``; ``sweep.json``, the results.

    Which values a trial gets depends on the seed, its number and the trials before it, so that a search that was
    interrupted goes on as if it had not been. Whoever works at a trial holds its lock: one without is taken up again.

    Args:
        settings: of the search.
        space: what is searched.
        base: overrides that all trials share.
        folder: where it is kept.

    Raises:
        ConfigError: the folder holds another search.
    """

    def __init__(
        self, settings: SweepSettings, space: Mapping[str, BaseDistribution], base: Sequence[str], folder: Path
    ) -> None:
        self.settings, self.space, self.base, self.folder = settings, dict(space), list(base), folder
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        (folder / ".locks").mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(folder / ".locks" / "study")
        direction: Any = settings.direction
        storage = JournalStorage(JournalFileBackend(str(folder / "study.jsonl")))
        with self.lock:
            self.study = optuna.create_study(
                storage=storage, study_name="kglm", direction=direction, load_if_exists=True
            )
            self._check_identity()

    def _check_identity(self) -> None:
        identity = {
            "metric": self.settings.metric,
            "direction": self.settings.direction,
            "seed": self.settings.seed,
            "params": {key: distribution_to_json(one) for key, one in self.space.items()},
            "overrides": self.base,
        }
        saved = self.study.user_attrs.get("identity")
        if saved is None:
            self.study.set_user_attr("identity", identity)
            return
        for name in identity:
            if saved[name] != identity[name]:
                raise ConfigError(
                    f"'{self.folder}' holds another sweep: its {name} was {saved[name]}, and is now "
                    f"{identity[name]}; name another folder with sweep.dir=..., or remove it first"
                )

    def run(self, objective: Objective) -> None:
        """Run trials until there are ``settings.trials``, those that other processes run among them.

        Args:
            objective: from a trial's overrides, its folder, and whether to go on with what lies there, to its value.
        """
        while (trial := self._claim()) is not None:
            try:
                self._finish(trial, objective)
            finally:
                trial.lock.release()

    def _claim(self) -> ClaimedTrial | None:
        with self.lock:
            trials = self.study.trials
            for trial in trials:
                if trial.state == TrialState.RUNNING and (lock := self._lock_of(trial.number)) is not None:
                    if trial.params.keys() == self.space.keys():
                        return ClaimedTrial(trial.number, overrides_of(trial.params), lock, again=True)
                    self.study.tell(trial.number, state=TrialState.FAIL)  # killed while its values were drawn
            number = len(trials)
            if number >= self.settings.trials:
                return None
            self.study.sampler = optuna.samplers.TPESampler(seed=self.settings.seed + number)
            values = self.study.ask(self.space).params
            lock = self._lock_of(number)
            assert lock is not None
            return ClaimedTrial(number, overrides_of(values), lock, again=False)

    def _lock_of(self, number: int) -> FileLock | None:
        """Take a trial's lock; None where another process has it."""
        lock = FileLock(self.folder / ".locks" / f"{number:04}")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return None
        return lock

    def _finish(self, trial: ClaimedTrial, objective: Objective) -> None:
        logger.info("trial %d of %d: %s", trial.number, self.settings.trials, " ".join(trial.overrides))
        value, error = math.nan, None
        try:
            value = objective(trial.overrides, self.folder / "trials" / f"{trial.number:04}", trial.again)
        except UnknownNameError:
            self.study.tell(trial.number, state=TrialState.FAIL)
            raise
        except KglmError as caught:
            error = str(caught)
            logger.error("trial %d failed: %s", trial.number, error)
        with self.lock:
            if error is not None:
                self.study.set_user_attr(f"error of {trial.number}", error)
            if math.isfinite(value):
                self.study.tell(trial.number, value)
            else:
                self.study.tell(trial.number, state=TrialState.FAIL)
            write_summary(self)

    def rows(self) -> list[dict[str, Any]]:
        """Return all trials, by number, as JSON types."""
        return [
            {
                "number": trial.number,
                "state": trial.state.name.lower(),
                "value": trial.value,
                "overrides": overrides_of(trial.params),
                "seconds": None if trial.duration is None else trial.duration.total_seconds(),
                "run_dir": str(self.folder / "trials" / f"{trial.number:04}"),
                "error": self.study.user_attrs.get(f"error of {trial.number}"),
            }
            for trial in self.study.trials
        ]
