"""``kglm predict``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kglm.cli.answer import load_answerer
from kglm.data.multiple_choice import read_examples
from kglm.errors import require_file_place
from kglm.files import atomic_write_jsonl


def predict_file(
    questions: Path, predictions: Path, model: Path, graph: Path | None, *, paths: int, batch_size: int
) -> str:
    """Answer a file of questions; the file of answers appears only when all are answered.

    Returns:
        A line that says how many were answered and, where labels are known, how many rightly.
    """
    examples = read_examples(questions)
    require_file_place(predictions, "file for the answers")
    labels = {example.id: example.label for example in examples}
    answerer = load_answerer(model, graph)
    marks: list[bool] = []

    def rows() -> Iterator[dict[str, Any]]:
        for answer in answerer.answer_all(examples, batch_size, progress=True):
            label = labels[answer.id]
            if label is not None:
                marks.append(answer.predicted == label)
            yield answer.with_paths(paths).to_dict()

    atomic_write_jsonl(predictions, rows())
    scored = f", {sum(marks)} of {len(marks)} labelled ones rightly" if marks else ""
    return f"{len(examples)} questions answered{scored}: {predictions}"
