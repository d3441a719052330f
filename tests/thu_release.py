"""A randomly initialised THU-ERNIE in the layout of its release."""

from __future__ import annotations

import json
from pathlib import Path

import torch

D, D_E, WIDE, VOCAB = 8, 12, 16, 20
SETTINGS = {
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": D,
    "initializer_range": 0.02,
    "intermediate_size": WIDE,
    "max_position_embeddings": 10,
    "num_attention_heads": 2,
    "num_hidden_layers": 4,
    "type_vocab_size": 2,
    "vocab_size": VOCAB,
    "layer_types": ["sim", "mix", "norm"],  # the last is "sim", not listed
}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmno"]


def random_release() -> dict[str, torch.Tensor]:
    """Return random weights under the names of the release."""
    generator = torch.Generator().manual_seed(0)
    weights = {}

    def put(name: str, *shape: int) -> None:
        weights[name] = torch.randn(*shape, generator=generator)

    def linear(name: str, inner: int, outer: int) -> None:
        put(f"{name}.weight", outer, inner)
        put(f"{name}.bias", outer)

    def norm(name: str, dim: int, weight: str = "weight", bias: str = "bias") -> None:
        put(f"{name}.{weight}", dim)
        put(f"{name}.{bias}", dim)

    for kind, rows in (("word", VOCAB), ("position", 10), ("token_type", 2)):
        put(f"bert.embeddings.{kind}_embeddings.weight", rows, D)
    norm("bert.embeddings.LayerNorm", D, "gamma", "beta")  # as of old
    for i, kind in enumerate(["sim", "mix", "norm", "sim"]):
        layer = f"bert.encoder.layer.{i}"
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", D, D)
            if kind == "norm":
                linear(f"{layer}.attention.self_ent.{part}", D_E, D_E)
        linear(f"{layer}.attention.output.dense", D, D)
        norm(f"{layer}.attention.output.LayerNorm", D)
        if kind == "norm":
            linear(f"{layer}.attention.output_ent.dense", D_E, D_E)
            norm(f"{layer}.attention.output_ent.LayerNorm", D_E)
        linear(f"{layer}.intermediate.dense", D, WIDE)
        linear(f"{layer}.output.dense", WIDE, D)
        norm(f"{layer}.output.LayerNorm", D)
        if kind != "sim":
            linear(f"{layer}.intermediate.dense_ent", D_E, WIDE)
            linear(f"{layer}.output.dense_ent", WIDE, D_E)
            norm(f"{layer}.output.LayerNorm_ent", D_E)
    linear("bert.pooler.dense", D, D)
    linear("cls.predictions.transform.dense", D, D)
    norm("cls.predictions.transform.LayerNorm", D)
    put("cls.predictions.bias", VOCAB)
    weights["cls.predictions.decoder.weight"] = weights["bert.embeddings.word_embeddings.weight"]
    linear("cls.predictions_ent.transform.dense", D, D_E)
    norm("cls.predictions_ent.transform.LayerNorm", D_E)
    linear("cls.seq_relationship", D, 2)
    return weights


def write_release(folder: Path, weights: dict[str, torch.Tensor] | None = None, **settings) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "ernie_config.json").write_text(json.dumps({**SETTINGS, **settings}))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    torch.save(random_release() if weights is None else weights, folder / "pytorch_model.bin")
    return folder
