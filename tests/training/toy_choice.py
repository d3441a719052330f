"""A toy multiple-choice task with ragged choices, and a toy model with an ``encoder`` and dropout."""

from pathlib import Path
from types import SimpleNamespace

import torch
from accelerate import Accelerator
from safetensors.torch import save_model
from torch import nn

from kglm.training import TrainingConfig, evaluate

DIM = 6


class ToyData:
    """Questions of 2 to 5 choices; the right one has the largest sum of features."""

    def __init__(self, size=23, seed=0):
        generator = torch.Generator().manual_seed(seed)
        sizes = torch.randint(2, 6, (size,), generator=generator).tolist()
        self.features = [torch.randn(c, DIM, generator=generator) for c in sizes]
        self.lengths = sizes

    def __len__(self):
        return len(self.features)

    def __getitem__(self, index):
        features = self.features[index]
        return {"id": f"q{index}", "features": features, "label": int(features.sum(1).argmax())}


def collate(examples):
    return {
        "ids": [example["id"] for example in examples],
        "features": torch.cat([example["features"] for example in examples]),
        "num_choices": torch.tensor([len(example["features"]) for example in examples]),
        "labels": torch.tensor([example["label"] for example in examples]),
    }


class ToyModel(nn.Module):
    def __init__(self, dropout=0.2, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.encoder = nn.Sequential(nn.Linear(DIM, 8), nn.LayerNorm(8), nn.Dropout(dropout))
        self.head = nn.Linear(8, 1)

    def forward(self, features, num_choices, labels=None):
        logits = self.head(self.encoder(features)).squeeze(-1)
        loss = None
        if labels is not None:
            rows = logits.split(num_choices.tolist())
            losses = [nn.functional.cross_entropy(row, label) for row, label in zip(rows, labels, strict=True)]
            loss = torch.stack(losses).mean()
        return SimpleNamespace(loss=loss, logits=logits)


def evaluate_toy(model, accelerator: Accelerator):
    data = ToyData(9, seed=1)
    batches = [collate([data[i] for i in range(start, min(start + 4, 9))]) for start in range(0, 9, 4)]
    torch.rand(1)  # an evaluation that draws must not change the training
    return evaluate(model, batches, accelerator).metrics


def write_bundle(model, folder: Path):
    save_model(model, str(folder / "model.safetensors"))


def config(**changes):
    settings = {"batch_size": 3, "max_epochs": 3, "encoder_lr": 1e-2, "reasoner_lr": 3e-2, "precision": "fp32"}
    return TrainingConfig(**{**settings, "log_every": 2, "progress": False, **changes})
