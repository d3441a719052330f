"""``kglm train``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from kglm.cli.hydra_app import run_hydra
from kglm.errors import KglmError

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> None:
    """Compose and run one experiment, or a sweep of them."""
    run_hydra("train", _run, arguments)


def _run(config: dict[str, Any], output_dir: Path) -> dict[str, float]:
    from kglm.cli.experiment import run_experiment
    from kglm.cli.settings import TrainSettings
    from kglm.cli.transformers_logging import quiet_transformers

    quiet_transformers()
    try:
        results = run_experiment(TrainSettings.from_config(config), output_dir, config)
    except KglmError:
        with suppress(OSError):  # Hydra has made the folder; it stays only if something is in it
            output_dir.rmdir()
        raise
    print(f"{config['name']}, seed {config['seed']}: {_line(results)}   ({output_dir})")
    return results


def _line(results: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {100 * value:.1f} %" for name, value in results.items())
