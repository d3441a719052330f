"""A model's score on a set of questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from tqdm.auto import tqdm

from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.data.pipeline import PreparedQuestions
from kglm.errors import DataError
from kglm.inference.bundle import Bundle
from kglm.training import EvaluationResult, evaluate, new_accelerator


def score(
    bundle: Bundle,
    examples: Sequence[MultipleChoiceExample],
    *,
    batch_size: int,
    cache_dir: Path | str | None = None,
    accelerator: Accelerator | None = None,
) -> EvaluationResult:
    """Return the predictions of a model in full precision, and their accuracy where labels are known.

    With a cache, a frozen encoder reads each set of questions once, for all models that are built on it.

    Of several processes each scores its share, and all get the whole result.

    Raises:
        DataError: there is no question.
    """
    if not examples:
        raise DataError("there is no question to evaluate on")
    accelerator = accelerator or new_accelerator()
    model = bundle.model.to(accelerator.device)
    with accelerator.main_process_first():  # the others find in the cache what it made
        prepared = bundle.pipeline.prepare(examples, cache_dir)
        if model.reads_vectors and cache_dir is not None:
            prepared.read_by(model.encoder, cache_dir, accelerator.device)
    return evaluate(model, batches(prepared, batch_size, progress=accelerator.is_main_process), accelerator)


def batches(prepared: PreparedQuestions, batch_size: int, progress: bool = False) -> Iterator[dict[str, Any]]:
    """Yield questions in batches, in order."""
    starts = range(0, len(prepared.dataset), batch_size)
    for start in tqdm(starts, desc="scoring", unit="batch", disable=None if progress else True):
        stop = min(start + batch_size, len(prepared.dataset))
        yield prepared.collator([prepared.dataset[index] for index in range(start, stop)])
