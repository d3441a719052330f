"""``kglm train``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kglm.cli.hydra_app import run_hydra


def main(arguments: Sequence[str]) -> None:
    """Compose and run one experiment, or a sweep of them."""
    try:
        run_hydra("train", _run, arguments)
    except KeyboardInterrupt as error:  # typer would exit without the message, which says how to go on
        print(f"kglm: {str(error) or 'interrupted'}", file=sys.stderr)
        raise SystemExit(130) from None


def _run(config: dict[str, Any], output_dir: Path) -> dict[str, float]:
    from kglm.cli.stages import run_stage
    from kglm.cli.transformers_logging import quiet_transformers

    quiet_transformers()
    return run_stage(config, output_dir)
