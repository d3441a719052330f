"""The entrance: puts a run together and lets it go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, DistributedType
from torch import nn

from kglm.errors import ConfigError
from kglm.training.batches import Batch, number_of_questions
from kglm.training.config import TrainingConfig
from kglm.training.memory import keep_freed_memory
from kglm.training.parallel import new_accelerator
from kglm.training.precision import resolve_precision
from kglm.training.reproducibility import deterministic_algorithms
from kglm.training.run import BundleWriter, Callback, Evaluator, TrainingResult, TrainingRun
from kglm.training.sampler import EpochBatchSampler, LengthGroupedBatchSampler
from kglm.training.trackers import JsonlTracker, Tracker
from kglm.training.windows import WindowStream


def train(
    model: nn.Module,
    *,
    dataset: Sequence[Any],
    collate: Callable[[list[Any]], Batch],
    config: TrainingConfig,
    output_dir: Path | str,
    evaluate: Evaluator | None = None,
    batch_sampler: EpochBatchSampler | None = None,
    count: Callable[[Batch], int] = number_of_questions,
    save_bundle: BundleWriter | None = None,
    trackers: Sequence[Tracker] | None = None,
    callbacks: Sequence[Callback] = (),
    identity: Mapping[str, Any] | None = None,
    accelerator: Accelerator | None = None,
) -> TrainingResult:
    """Train ``model`` in place; at the end it holds the parameters of the last step.

    ``output_dir`` gets ``last/`` (all that an exact resume needs), ``best/`` (the bundle of the best evaluation),
    ``metrics.jsonl`` and, at the end, ``metrics.json``. SIGINT and SIGTERM end the current step, write ``last``
    and raise. Call :func:`~kglm.training.seed_everything` before making the model; the loop seeds its own part.

    Args:
        model: ``model(**batch).loss`` is the mean over the batch's questions. ``model.encoder``, if it has one,
            learns at its own rate.
        dataset: indexable, with a length; ``set_epoch`` is called if it has one, and on ``collate`` too.
        collate: makes a batch of a list of examples. Its ``ids`` and ``metadata`` do not go into the model.
        config: the settings.
        output_dir: the run's folder.
        evaluate: gives the metrics of the model as it stands, never on the test set. Called within autocast.
        batch_sampler: default: :class:`LengthGroupedBatchSampler` over ``dataset.lengths`` if there is such an
            attribute, else a plain shuffle.
        count: number of questions of a batch, by which its loss is weighed.
        save_bundle: writes model, tokenizer and what else belongs to it into a folder; default:
            ``model.save_pretrained``.
        trackers: default: one :class:`JsonlTracker`.
        callbacks: called after each step, in order, once its evaluation and checkpoint are done. One that raises
            KeyboardInterrupt stops the run as a signal does.
        identity: what else makes the run what it is, as JSON values (the data, the graph, the model's settings); a
            resume with another value is refused, by the value's name.
        accelerator: default: :func:`~kglm.training.new_accelerator`. Its own mixed precision and accumulation must be
            off.

    Raises:
        ConfigError: the parts do not fit each other, or the run in ``output_dir`` was another one.
        DataError: there is no training data, or the checkpoint is damaged.
        DivergedError: a loss or a gradient is not finite.
        TrainingInterrupted: a signal or a callback stopped the run; a KeyboardInterrupt.
    """
    if config.num_threads is not None:
        torch.set_num_threads(config.num_threads)
    accelerator = accelerator or new_accelerator()
    _check_accelerator(accelerator)
    if accelerator.device.type == "cpu":
        keep_freed_memory()
    output_dir = Path(output_dir)
    precision = resolve_precision(config.precision, accelerator.device)
    stream = WindowStream(
        dataset,
        collate,
        batch_sampler or _default_sampler(dataset, config),
        accumulation=config.gradient_accumulation_steps,
        num_workers=config.num_workers,
        pin_memory=accelerator.device.type == "cuda",
        process_index=accelerator.process_index,
        num_processes=accelerator.num_processes,
    )
    run = TrainingRun(
        model=model,
        stream=stream,
        evaluate=evaluate,
        count=count,
        save_bundle=save_bundle or _save_pretrained(model),
        trackers=[JsonlTracker(output_dir / "metrics.jsonl")] if trackers is None else list(trackers),
        callbacks=list(callbacks),
        subject=dict(identity or {}),
        config=config,
        precision=precision,
        output_dir=output_dir,
        accelerator=accelerator,
    )
    with deterministic_algorithms(config.deterministic):
        return run.run()


def _check_accelerator(accelerator: Accelerator) -> None:
    if accelerator.distributed_type in (DistributedType.FSDP, DistributedType.DEEPSPEED):
        raise ConfigError(
            f"the accelerator's distributed_type is {accelerator.distributed_type.value}; allowed: plain "
            "processes, as torchrun starts them, for trainer.fsdp=true shares the model out"
        )
    for name, allowed in (("mixed_precision", "no"), ("gradient_accumulation_steps", 1)):
        if (value := getattr(accelerator, name)) != allowed:
            raise ConfigError(
                f"accelerator.{name} is {value!r}; allowed: {allowed!r}, for TrainingConfig settles precision and "
                "gradient accumulation"
            )


def _default_sampler(dataset: Sequence[Any], config: TrainingConfig) -> LengthGroupedBatchSampler:
    lengths = getattr(dataset, "lengths", None)
    return LengthGroupedBatchSampler(
        [1] * len(dataset) if lengths is None else lengths, config.batch_size, config.seed
    )


def _save_pretrained(model: nn.Module) -> BundleWriter:
    if not callable(getattr(model, "save_pretrained", None)):
        raise ConfigError(f"{type(model).__name__} has no save_pretrained; give train() a save_bundle(model, folder)")
    return lambda trained, folder: trained.save_pretrained(folder)  # type: ignore[operator]
