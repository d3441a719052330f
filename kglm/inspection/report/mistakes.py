"""The worst mistakes of an experiment, answered again so that the evidence can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.inference import Answer, Answerer
from kglm.inspection.report.experiments import Experiment
from kglm.inspection.report.runs import Row, Run


@dataclass(frozen=True)
class Mistake:
    """A question answered wrongly.

    Attributes:
        example: the question.
        right: text of the right choice.
        probability: what the model gave the right choice.
        answer: what the model says, with its evidence.
    """

    example: MultipleChoiceExample
    right: str
    probability: float
    answer: Answer


def worst_mistakes(
    experiment: Experiment, split: str, examples: Sequence[MultipleChoiceExample], limit: int
) -> list[Mistake]:
    """Return the mistakes of the best seed in which it was the surest of itself, the worst first.

    The best seed is the one with the highest dev accuracy, the lowest one of several. Its model is loaded.

    Raises:
        KglmError: the model cannot be loaded.
    """
    run = min(experiment.runs, key=lambda run: (-_dev_accuracy(run), run.seed))
    wrong = [row for row in run.predictions(split) if not row.correct]
    worst = sorted(wrong, key=lambda row: (row.probabilities[row.label] - row.probabilities[row.predicted], row.id))
    by_id = {example.id: example for example in examples}
    chosen = [row for row in worst if row.id in by_id][:limit]
    if not chosen:
        return []
    answers = Answerer.from_pretrained(run.folder).answer_all([by_id[row.id] for row in chosen])
    return [_mistake(row, by_id[row.id], answer) for row, answer in zip(chosen, answers, strict=True)]


def _mistake(row: Row, example: MultipleChoiceExample, answer: Answer) -> Mistake:
    return Mistake(example, example.choices[row.label], row.probabilities[row.label], answer)


def _dev_accuracy(run: Run) -> float:
    dev = run.metrics.get("dev")
    return float(dev.get("accuracy", 0.0)) if isinstance(dev, dict) else 0.0
