"""Loss and accuracy of each pretraining objective apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from kglm.errors import DataError
from kglm.training.batches import Batch, model_inputs
from kglm.training.progress import StepReport
from kglm.training.trackers import Tracker

OBJECTIVES = {
    "token": ("token_logits", "labels"),
    "entity": ("entity_logits", "entity_labels"),
    "sentence": ("sentence_logits", "sentence_labels"),
}
FATES = ("kept", "replaced", "masked")  # of mentions, by number


class ObjectiveSums:
    """Adds up the objectives of batches; a mean is over all that was to be predicted, not over batches."""

    def __init__(self) -> None:
        self._losses: dict[str, float] = defaultdict(float)
        self._right: dict[str, int] = defaultdict(int)
        self._counts: dict[str, int] = defaultdict(int)

    def add(self, output: Any, inputs: Mapping[str, Any], fates: Tensor | None = None) -> None:
        """Add a batch.

        Args:
            output: of the model: ``token_loss``, ``token_logits`` and so on, None where there is none.
            inputs: with the labels; negative ones are not to be predicted.
            fates: ``[B, M]`` what became of each mention, a place in :data:`FATES`; None does not tell them apart.
        """
        for name, (logits_name, labels_name) in OBJECTIVES.items():
            logits, labels = getattr(output, logits_name), inputs.get(labels_name)
            if logits is None or labels is None:
                continue
            known = labels >= 0
            right = (logits.detach().argmax(-1) == labels) & known
            count = int(known.sum())
            self._losses[name] += float(getattr(output, f"{name}_loss").detach()) * count
            self._add(name, right, known)
            if name == "entity" and fates is not None:
                for number, fate in enumerate(FATES):
                    chosen = (fates.to(known.device) == number) & known
                    self._add(f"entity_{fate}", right & chosen, chosen)

    def _add(self, name: str, right: Tensor, known: Tensor) -> None:
        self._right[name] += int(right.sum())
        self._counts[name] += int(known.sum())

    def means(self) -> dict[str, float]:
        """Return ``token_loss``, ``token_accuracy``, ``entity_accuracy_masked`` and so on, as far as there is any."""
        metrics = {}
        for name, count in self._counts.items():
            if not count:
                continue
            if name in self._losses:
                metrics[f"{name}_loss"] = self._losses[name] / count
            objective, _, fate = name.partition("_")
            metrics[f"{objective}_accuracy{'_' + fate if fate else ''}"] = self._right[name] / count
        return metrics


class ObjectiveLog:
    """Logs the objectives in training, beside the loop's own entries: a callback of :func:`kglm.training.train`.

    What a run has added up since its last entry is not kept when it is interrupted: after a resume the first entry is
    over fewer steps.

    Args:
        model: whose forward passes in training mode are added up.
        trackers: that the loop was given.
        every: steps between two entries.
    """

    def __init__(self, model: nn.Module, trackers: Sequence[Tracker], every: int) -> None:
        self.trackers = trackers
        self.every = every
        self._sums = ObjectiveSums()
        self._hook = model.register_forward_hook(self._add, with_kwargs=True)

    def _add(self, model: nn.Module, arguments: tuple[Any, ...], inputs: dict[str, Any], output: Any) -> None:
        if model.training:
            self._sums.add(output, inputs)

    def __call__(self, report: StepReport) -> None:
        """Log what was added up, when it is due."""
        if report.step % self.every and report.step != report.total_steps:
            return
        metrics = {f"train/{name}": value for name, value in self._sums.means().items()}
        self._sums = ObjectiveSums()
        for tracker in self.trackers:
            tracker.log(metrics, report.step)

    def close(self) -> None:
        """Stop adding up."""
        self._hook.remove()


def measure_objectives(model: nn.Module, loader: Iterable[Batch], accelerator: Accelerator) -> dict[str, float]:
    """Return the objectives over all batches, without gradients and without dropout, and ``loss``.

    ``loss`` is the sum of the objectives' losses by the model's ``config.objective_weights``.

    Args:
        model: a :class:`~kglm.models.FusionEncoderForPreTraining`.
        loader: its batches; ``metadata["fates"]``, where a batch has it, tells the mentions apart.
        accelerator: gives the device.

    Raises:
        DataError: nothing is to be predicted.
    """
    was_training = model.training
    model.eval()
    sums = ObjectiveSums()
    try:
        with torch.inference_mode():
            for batch in loader:
                inputs = model_inputs(batch, accelerator.device)
                sums.add(model(**inputs), inputs, batch.get("metadata", {}).get("fates"))
    finally:
        model.train(was_training)
    metrics = sums.means()
    config: Any = model.config
    weights = dict(zip(OBJECTIVES, config.objective_weights, strict=True))
    losses = [weights[name] * metrics[f"{name}_loss"] for name in OBJECTIVES if f"{name}_loss" in metrics]
    if not losses:
        raise DataError("nothing is to be predicted in the held-out part of the corpus")
    return {**metrics, "loss": sum(losses)}
