"""Multiple choice: score every choice of every question, and count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn

from kglm.errors import DataError
from kglm.files import atomic_write_jsonl
from kglm.training.batches import Batch, model_inputs
from kglm.training.step import DivergedError


@dataclass(frozen=True)
class Prediction:
    """What a model says about one question of C choices.

    Attributes:
        id: the question's.
        logits: ``[C]``.
        probabilities: ``[C]``, the softmax of the logits.
        predicted: index of the highest logit, the first of several.
        label: index of the right choice; None where it is not known.
    """

    id: str
    logits: tuple[float, ...]
    probabilities: tuple[float, ...]
    predicted: int
    label: int | None

    @property
    def correct(self) -> bool | None:
        """Whether ``predicted`` is the label; None where that is not known."""
        return None if self.label is None else self.predicted == self.label


@dataclass(frozen=True)
class EvaluationResult:
    """Predictions and their sum.

    Attributes:
        predictions: in the loader's order.
        loss: mean over the questions; None without labels.
    """

    METRICS: ClassVar[tuple[str, ...]] = ("accuracy", "loss")

    predictions: tuple[Prediction, ...]
    loss: float | None

    @property
    def accuracy(self) -> float | None:
        """Share of labelled questions answered rightly, in [0, 1]; None without labels."""
        marks = [prediction.correct for prediction in self.predictions if prediction.correct is not None]
        return sum(marks) / len(marks) if marks else None

    @property
    def metrics(self) -> dict[str, float]:
        """``accuracy`` and ``loss``, as far as there are labels."""
        known = {"accuracy": self.accuracy, "loss": self.loss}
        return {name: value for name, value in known.items() if value is not None}


def evaluate(model: nn.Module, loader: Iterable[Batch], accelerator: Accelerator) -> EvaluationResult:
    """Score all questions of ``loader`` without gradients and without dropout.

    Of several processes each scores its share of the batches, and all get the whole result. The precision is the
    caller's: :func:`~kglm.training.train` calls its evaluation within autocast; elsewhere use
    :func:`~kglm.training.autocast`.

    Args:
        model: ``model(**inputs)`` has ``logits [G]`` with G = sum(num_choices), and ``loss`` if there are labels.
        loader: batches with ``num_choices [B]``, ``ids`` (B of them) and, if known, ``labels [B]`` (negative where
            unknown).
        accelerator: gives the device and the processes, which must all call this with the same batches.

    Raises:
        DataError: a batch lacks a key, its parts do not fit each other, or there is no question at all.
        DivergedError: a logit is not finite.
    """
    was_training = model.training
    model.eval()
    mine: list[tuple[int, list[Prediction], float, int]] = []  # position, answers, loss, labelled ones
    step = accelerator.num_processes
    try:
        with torch.inference_mode():
            for position, batch in islice(enumerate(loader), accelerator.process_index, None, step):
                output = model(**model_inputs(batch, accelerator.device))
                answers = _predictions(batch, output)
                labelled = 0 if output.loss is None else sum(answer.label is not None for answer in answers)
                mine.append((position, answers, output.loss.item() if labelled else 0.0, labelled))
    finally:
        model.train(was_training)
    scored = sorted(gather_object(mine), key=lambda batch: batch[0])
    predictions = tuple(answer for _, answers, _, _ in scored for answer in answers)
    if not predictions:
        raise DataError("there is no question to evaluate on")
    questions = sum(labelled for *_, labelled in scored)
    total = sum(loss * labelled for *_, loss, labelled in scored)
    return EvaluationResult(predictions, total / questions if questions else None)


def write_predictions(path: Path | str, predictions: Iterable[Prediction]) -> None:
    """Write one JSON line for each prediction, with its fields and ``correct``; atomically."""
    atomic_write_jsonl(path, ({**asdict(prediction), "correct": prediction.correct} for prediction in predictions))


def _predictions(batch: Batch, output: Any) -> list[Prediction]:
    if missing := [key for key in ("ids", "num_choices") if key not in batch]:
        raise DataError(f"a batch to evaluate lacks '{missing[0]}'; it has {', '.join(sorted(batch))}")
    ids, sizes = batch["ids"], batch["num_choices"].tolist()
    labels = [None if label < 0 else label for label in batch["labels"].tolist()] if "labels" in batch else []
    labels = labels or [None] * len(ids)
    logits = output.logits.detach().float().cpu()  # [G]
    if logits.shape != (sum(sizes),) or not len(ids) == len(sizes) == len(labels):
        raise DataError(
            f"a batch of {len(ids)} ids, {len(sizes)} num_choices (sum {sum(sizes)}) and {len(labels)} labels "
            f"has logits of shape {list(logits.shape)}; expected [{sum(sizes)}]"
        )
    return [
        _prediction(str(name), scores, label)
        for name, scores, label in zip(ids, logits.split(sizes), labels, strict=True)
    ]


def _prediction(name: str, scores: torch.Tensor, label: int | None) -> Prediction:
    """Make the prediction of one question from ``scores [C]``."""
    if not bool(scores.isfinite().all()):
        raise DivergedError(f"question '{name}' has logits {scores.tolist()}")
    probabilities = tuple(scores.softmax(0).tolist())
    return Prediction(name, tuple(scores.tolist()), probabilities, int(scores.argmax()), label)
