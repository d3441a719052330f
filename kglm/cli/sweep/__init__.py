"""``kglm sweep``: a search for the settings with which a run does best."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig

from kglm.cli.hydra_app import compose, run_hydra
from kglm.cli.settings import section
from kglm.errors import ConfigError, MissingExtraError, UnknownNameError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """What the search is told; see ``conf/sweep/default.yaml``."""

    trials: int
    metric: str
    direction: str
    seed: int
    dir: str
    params: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise ConfigError(f"sweep.trials is {self.trials}; allowed: a whole number of at least 1")
        if self.direction not in ("maximize", "minimize"):
            raise UnknownNameError("sweep.direction", self.direction, ("maximize", "minimize"))
        if self.metric.startswith("test"):
            raise ConfigError(
                f"sweep.metric is '{self.metric}'; settings are chosen by the dev split, and the test split is "
                "scored once, with the best of them"
            )


def main(arguments: Sequence[str]) -> None:
    """Compose an experiment, and run trials of it until there are as many as wanted."""
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("Optuna", "kglm sweep", "sweep") from error
    from kglm.cli.sweep.space import split_arguments

    if "LOCAL_RANK" in os.environ:
        raise ConfigError(
            "kglm sweep trains in one process; start it several times with the same sweep.dir for trials side by side"
        )
    if {"-m", "--multirun"} & set(arguments):
        raise ConfigError("kglm sweep takes no -m; for all combinations of some values use kglm train -m")
    plain, searched = split_arguments(arguments)
    try:
        run_hydra("sweep", partial(_run, searched=searched), plain)
    except KeyboardInterrupt:  # typer would exit without a message
        print("kglm: interrupted; run the same command again to go on where it stopped", file=sys.stderr)
        raise SystemExit(130) from None


def _run(config: dict[str, Any], output_dir: Path, *, searched: Mapping[str, str]) -> None:
    from kglm.cli.sweep.report import draw, summary
    from kglm.cli.sweep.space import first_of, parse_space
    from kglm.cli.sweep.study import Sweep
    from kglm.cli.transformers_logging import quiet_transformers

    quiet_transformers()
    settings = section(SweepSettings, config["sweep"], "sweep")
    space = parse_space({**settings.params, **searched})
    base = _base_overrides(config)
    compose("train", [*base, *first_of(space)])  # tells of unknown names before anything is kept
    sweep = Sweep(settings, space, base, output_dir)
    sweep.run(partial(_train, base, config, settings.metric))
    found = summary(sweep)
    draw(found)
    if found["best"] is None:
        raise ConfigError(
            f"none of the {len(found['trials'])} trials came to an end; the first: {_first_error(found)}"
        )
    print(f"best {settings.metric} {found['best']['value']:.4f}: {found['best']['command']}   ({output_dir})")


def _train(
    base: Sequence[str], config: Mapping[str, Any], metric: str, overrides: Sequence[str], folder: Path, again: bool
) -> float:
    """Train as ``kglm train`` does, or go on with it, and return what is searched by."""
    from kglm.cli.stages import run_stage

    own = list(base)
    if "report_splits" in config:
        own.insert(0, "report_splits=[dev]")
    own += [*overrides, f"run_dir={shlex.quote(str(folder))}"]
    if again and "resume" in config.get("trainer", {}):
        own.append("trainer.resume=true")
    metrics = run_stage(compose("train", own), folder)
    if metric not in metrics:
        raise UnknownNameError("sweep.metric", metric, metrics)
    return metrics[metric]


def _base_overrides(config: Mapping[str, Any]) -> list[str]:
    """Return what the user changed of a run, which all trials share."""
    base = [
        item for item in HydraConfig.get().overrides.task if not item.lstrip("+~").startswith(("sweep=", "sweep."))
    ]
    for item in base:
        if item.lstrip("+").startswith("run_dir="):
            raise ConfigError(f"'{item}': each trial has a folder of its own; name that of all with sweep.dir=...")
    return base


def _first_error(found: Mapping[str, Any]) -> str:
    return next((str(trial["error"]) for trial in found["trials"] if trial["error"]), "it is still running elsewhere")
