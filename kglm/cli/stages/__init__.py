"""What ``kglm train`` can train: one module for each option of the group ``stage``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from kglm.errors import UnknownNameError

STAGES = (
    "entity_typing",
    "kge",
    "linker",
    "pretraining",
    "question_answering",
    "relation_classification",
    "word_senses",
)


def run_stage(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Run the stage that a resolved configuration names, and return its final metrics.

    A stage's module has ``run(config, output_dir) -> metrics``: it checks the configuration, trains, leaves all
    results in ``output_dir``, and prints a line that says what came out.

    Raises:
        UnknownNameError: there is no such stage.
        KglmError: the stage's own.
    """
    name = str(config.get("stage"))
    if name not in STAGES:
        raise UnknownNameError("stage", name, STAGES)
    results: dict[str, float] = import_module(f"{__name__}.{name}").run(config, output_dir)
    return results
