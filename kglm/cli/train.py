"""``kglm train``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kglm.cli.hydra_app import run_hydra

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> None:
    """Compose and run one experiment, or a sweep of them."""
    try:
        run_hydra("train", _run, arguments)
    except KeyboardInterrupt as error:  # typer would exit without the message, which says how to go on
        print(f"kglm: {str(error) or 'interrupted'}", file=sys.stderr)
        raise SystemExit(130) from None


def _run(config: dict[str, Any], output_dir: Path) -> dict[str, float]:
    from kglm.cli.experiment import run_experiment
    from kglm.cli.settings import TrainSettings
    from kglm.cli.transformers_logging import quiet_transformers

    quiet_transformers()
    results = run_experiment(TrainSettings.from_config(config), output_dir, config)
    print(f"{config['name']}, seed {config['seed']}: {_line(results)}   ({output_dir})")
    return results


def _line(results: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {100 * value:.1f} %" for name, value in results.items())
