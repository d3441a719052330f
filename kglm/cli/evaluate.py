"""``kglm evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kglm.cli.hydra_app import run_hydra


def main(arguments: Sequence[str]) -> None:
    """Score a model on a split of a task."""
    run_hydra("evaluate", _run, arguments)


def _run(config: dict[str, Any], output_dir: Path) -> dict[str, float]:
    from kglm.cli.settings import at_least, task
    from kglm.cli.transformers_logging import quiet_transformers
    from kglm.inference.bundle import Bundle
    from kglm.inference.scoring import score
    from kglm.kg import KnowledgeGraph
    from kglm.training import write_predictions

    quiet_transformers()
    examples = task(config["task"]).split(config["split"])
    graph = None if config["graph"] is None else KnowledgeGraph.open(config["graph"])
    bundle = Bundle.load(config["model"], graph)
    bundle = replace(bundle, pipeline=replace(bundle.pipeline, workers=at_least("workers", config["workers"], 1)))
    result = score(
        bundle,
        examples,
        batch_size=at_least("batch_size", config["batch_size"], 1),
        cache_dir=config["paths"]["cache_dir"],
    )
    if config["predictions"] is not None:
        write_predictions(config["predictions"], result.predictions)
    name, split = config["task"]["name"], config["split"]
    if result.accuracy is None:
        print(f"{name}, {split}: {len(result.predictions)} questions answered; they carry no labels to score")
    else:
        print(f"{name}, {split}: accuracy {100 * result.accuracy:.1f} % over {len(result.predictions)} questions")
    return result.metrics
