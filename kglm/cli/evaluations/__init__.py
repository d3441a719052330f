"""What ``kglm evaluate`` can measure: one module for each option of the group ``evaluation``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from kglm.errors import UnknownNameError

EVALUATIONS = ("faithfulness", "link_prediction", "linking", "question_answering", "retrieval", "wsd")


def run_evaluation(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Run the evaluation that a resolved configuration names, and return its metrics.

    An evaluation's module has ``run(config, output_dir) -> metrics`` and prints its result as a line or a table.

    Raises:
        UnknownNameError: there is no such evaluation.
        KglmError: the evaluation's own.
    """
    name = str(config.get("evaluation"))
    if name not in EVALUATIONS:
        raise UnknownNameError("evaluation", name, EVALUATIONS)
    results: dict[str, float] = import_module(f"{__name__}.{name}").run(config, output_dir)
    return results
