"""Training: one readable loop on Accelerate, for any model whose output has ``loss`` and ``logits``."""

from kglm.training.batches import Batch, model_inputs, number_of_questions
from kglm.training.config import TrainingConfig
from kglm.training.evaluation import EvaluationResult, Prediction, evaluate, write_predictions
from kglm.training.interruption import TrainingInterrupted
from kglm.training.loop import train
from kglm.training.optimization import parameter_groups
from kglm.training.parallel import new_accelerator
from kglm.training.precision import autocast, resolve_precision
from kglm.training.progress import StepReport
from kglm.training.reproducibility import seed_everything
from kglm.training.run import TrainingResult
from kglm.training.sampler import EpochBatchSampler, LengthGroupedBatchSampler
from kglm.training.step import DivergedError
from kglm.training.trackers import JsonlTracker, TensorBoardTracker, Tracker

__all__ = [
    "Batch",
    "DivergedError",
    "EpochBatchSampler",
    "EvaluationResult",
    "JsonlTracker",
    "LengthGroupedBatchSampler",
    "Prediction",
    "StepReport",
    "TensorBoardTracker",
    "Tracker",
    "TrainingConfig",
    "TrainingInterrupted",
    "TrainingResult",
    "autocast",
    "evaluate",
    "model_inputs",
    "new_accelerator",
    "number_of_questions",
    "parameter_groups",
    "resolve_precision",
    "seed_everything",
    "train",
    "write_predictions",
]
