"""``kglm evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kglm.cli.hydra_app import run_hydra


def main(arguments: Sequence[str]) -> None:
    """Compose and run one evaluation."""
    run_hydra("evaluate", _run, arguments)


def _run(config: dict[str, Any], output_dir: Path) -> dict[str, float]:
    from kglm.cli.evaluations import run_evaluation
    from kglm.cli.transformers_logging import quiet_transformers

    quiet_transformers()
    return run_evaluation(config, output_dir)
