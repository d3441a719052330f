"""``kglm answer``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kglm.cli.transformers_logging import quiet_transformers
from kglm.inference import Answer, Answerer
from kglm.inspection.evidence_plot import check_plot_path, plot_answer
from kglm.kg import KnowledgeGraph


def load_answerer(model: Path, graph: Path | None) -> Answerer:
    """Load a model, on its own graph or on the one given."""
    quiet_transformers()
    return Answerer.from_pretrained(model, None if graph is None else KnowledgeGraph.open(graph))


def answer_question(
    question: str, choices: Sequence[str], model: Path, graph: Path | None, *, plot: Path | None, paths: int
) -> Answer:
    """Answer one question, and draw its evidence if a file for it is named."""
    if plot is not None:
        check_plot_path(plot)
    answer = load_answerer(model, graph).answer(question, choices)
    if plot is not None:
        plot_answer(answer, plot, max_paths=paths)
    return answer
