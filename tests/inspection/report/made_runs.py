"""Folders of runs with made-up results."""

import numpy as np

from kglm.files import atomic_write_json, atomic_write_jsonl


def predictions(correct, choices=4, seed=0):
    """Return predictions of which those marked are right, with confidences of all kinds."""
    generator = np.random.default_rng(seed)
    rows = []
    for number, right in enumerate(correct):
        label = number % choices
        predicted = label if right else (label + 1) % choices
        best = generator.uniform(0.4, 1)
        rest = (1 - best) / (choices - 1)
        rows.append(
            {
                "id": f"q{number}",
                "probabilities": [best if choice == predicted else rest for choice in range(choices)],
                "predicted": predicted,
                "label": label,
                "correct": bool(right),
            }
        )
    return rows


def write_run(folder, correct, *, name="text", seed=0, split="test", **config):
    """Write what ``kglm train`` leaves, as far as a report reads it."""
    folder.mkdir(parents=True)
    rows = predictions(correct, seed=seed)
    metrics = {
        "seconds": 60.0,
        "dev": {"accuracy": 0.5},
        "splits": {split: {"accuracy": float(np.mean(correct)) if len(correct) else 0.0}},
    }
    atomic_write_json(folder / "metrics.json", metrics)
    atomic_write_json(folder / "config.json", {"name": name, "seed": seed, "run_dir": str(folder), **config})
    history = [{"step": 10, "train/loss": 1.5}, {"step": 20, "train/loss": 0.9}, {"step": 20, "dev/accuracy": 0.5}]
    atomic_write_jsonl(folder / "metrics.jsonl", history)
    atomic_write_jsonl(folder / f"predictions_{split}.jsonl", rows)
    return folder
