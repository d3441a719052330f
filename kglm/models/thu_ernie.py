"""The released weights of THU-ERNIE (Zhang et al., ACL 2019), read into a fusion encoder.

A release is a folder with ``pytorch_model.bin``, ``vocab.txt`` and a configuration, ``ernie_config.json`` (or
``bert_config.json``), which lists ``layer_types``: "sim", "mix", "norm"; layers not listed are "sim".
"""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import BertConfig, BertTokenizer

from kglm.errors import ConfigError, DataError, require_file
from kglm.models.config_fields import check_choice
from kglm.models.configuration_fusion_encoder import FusionEncoderConfig
from kglm.models.modeling_fusion_encoder import FusionEncoderModel, FusionEncoderPreTrainedModel
from kglm.models.modeling_fusion_pretraining import FusionEncoderForPreTraining

CONFIG_FILES = ("ernie_config.json", "bert_config.json")
WEIGHTS = "pytorch_model.bin"
VOCABULARY = "vocab.txt"
ENTITY_HEADS = 4
"""Heads of the entities' self-attention; the reference's code fixes it, its configuration does not say it."""

_LAYER_TYPES = {"sim": "plain", "mix": "mix", "norm": "fuse"}
_BERT_FIELDS = (
    "attention_probs_dropout_prob",
    "hidden_act",
    "hidden_dropout_prob",
    "hidden_size",
    "initializer_range",
    "intermediate_size",
    "max_position_embeddings",
    "num_attention_heads",
    "num_hidden_layers",
    "type_vocab_size",
    "vocab_size",
)
_LAYER = r"^bert\.encoder\.layer\.(\d+)\."
_LEGACY_RENAMES = [(r"\.gamma$", ".weight"), (r"\.beta$", ".bias")]  # of the first TensorFlow release
# Their names and ours, the first that matches; "encoder." is the fusion encoder within the pretraining model.
_RENAMES = [
    (_LAYER + r"attention\.self_ent\.", r"encoder.blocks.\1.fusion.attention."),
    (_LAYER + r"attention\.output_ent\.dense\.", r"encoder.blocks.\1.fusion.attention.output."),
    (_LAYER + r"attention\.output_ent\.LayerNorm\.", r"encoder.blocks.\1.fusion.attention.norm."),
    (_LAYER + r"intermediate\.dense_ent\.", r"encoder.blocks.\1.fusion.inward."),
    (_LAYER + r"output\.dense_ent\.", r"encoder.blocks.\1.fusion.outward."),
    (_LAYER + r"output\.LayerNorm_ent\.", r"encoder.blocks.\1.fusion.norm."),
    (r"^bert\.", "encoder.backbone."),
    (r"^cls\.predictions\.transform\.dense\.", "token_head.transform.dense."),
    (r"^cls\.predictions\.transform\.LayerNorm\.", "token_head.transform.norm."),
    (r"^cls\.predictions\.bias$", "token_head.bias"),
    (r"^cls\.predictions_ent\.transform\.dense\.", "entity_head.dense."),
    (r"^cls\.predictions_ent\.transform\.LayerNorm\.", "entity_head.norm."),
    (r"^cls\.seq_relationship\.", "sentence_head."),
]
_TIED = "cls.predictions.decoder.weight"  # the word embeddings once more
_INNER_ENTITY = re.compile(r"\.intermediate\.dense_ent\.weight$")


def load_thu_ernie(folder: Path | str) -> FusionEncoderPreTrainedModel:
    """Return the model of a release: with the pretraining heads if it holds them all, else the encoder alone.

    The configuration is set as the reference computes: ``entity_bias="all"``, ``cls_entity="always"``.

    Raises:
        DataError: a file is missing or malformed, or the weights are not those that the configuration describes.
    """
    folder = Path(folder)
    config_file = next(
        (folder / name for name in CONFIG_FILES if (folder / name).is_file()), folder / CONFIG_FILES[0]
    )
    settings = _read_settings(config_file)
    weights = _read_weights(folder / WEIGHTS)
    entity_dims = {value.shape[1] for name, value in weights.items() if _INNER_ENTITY.search(name)}
    if len(entity_dims) != 1:
        raise DataError(
            f"'{folder / WEIGHTS}' has entities of dimensions {sorted(entity_dims)} in its layers; expected one"
        )
    config = _to_config(config_file, settings, entity_dims.pop())
    renamed = {_rename(name): value for name, value in weights.items() if name != _TIED}
    encoder = FusionEncoderModel(config)
    if not any(name.startswith("cls.") for name in weights):
        _load(encoder, {name.removeprefix("encoder."): value for name, value in renamed.items()}, folder / WEIGHTS)
        return encoder.eval()
    model = FusionEncoderForPreTraining(config)
    model.encoder = encoder  # a release has the entity output too, which the objectives do not read
    _load(model, renamed, folder / WEIGHTS)
    encoder.drop_entity_output()
    return model.eval()


def load_thu_tokenizer(folder: Path | str, *, lowercase: bool = True) -> BertTokenizer:
    """Return the tokenizer of a release; the released model is of lower-cased text.

    Raises:
        DataError: the vocabulary is missing.
    """
    return BertTokenizer(vocab=str(require_file(Path(folder) / VOCABULARY, "vocabulary")), do_lower_case=lowercase)


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(require_file(path, "configuration").read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"'{path}' is not JSON ({error})") from error
    missing = [name for name in (*_BERT_FIELDS, "layer_types") if name not in settings]
    if missing:
        raise DataError(f"'{path}' lacks {', '.join(missing)}")
    return settings


def _read_weights(path: Path) -> dict[str, Tensor]:
    require_file(path, "weights")
    try:
        # Tensors only: a pickle could run anything.
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise DataError(f"'{path}' cannot be read as tensors only ({str(error).splitlines()[0]})") from error
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise DataError(f"'{path}' holds something else than tensors by name")
    return weights


def _to_config(path: Path, settings: dict[str, Any], entity_dim: int) -> FusionEncoderConfig:
    try:
        for i, layer_type in enumerate(settings["layer_types"]):
            check_choice(f"layer_types[{i}]", layer_type, _LAYER_TYPES)
        listed = [_LAYER_TYPES[layer_type] for layer_type in settings["layer_types"]]
        return FusionEncoderConfig(
            backbone_config=BertConfig(**{name: settings[name] for name in _BERT_FIELDS}),
            entity_dim=entity_dim,
            num_entity_heads=ENTITY_HEADS,
            fusion_layers=listed + ["plain"] * (settings["num_hidden_layers"] - len(listed)),
            entity_bias="all",
            cls_entity="always",
            zero_init=False,
            pooler=True,
        )
    except ConfigError as error:
        raise DataError(f"'{path}': {error}") from error


def _rename(name: str) -> str:
    for pattern, replacement in _LEGACY_RENAMES:
        name = re.sub(pattern, replacement, name)
    for pattern, replacement in _RENAMES:
        renamed, count = re.subn(pattern, replacement, name)
        if count:
            return renamed
    return name


def _load(model: FusionEncoderPreTrainedModel, weights: dict[str, Tensor], path: Path) -> None:
    expected = model.state_dict()
    problems = [f"lacks {name}" for name in expected if name not in weights]
    problems += [f"has the unknown {name}" for name in weights if name not in expected]
    problems += [
        f"has {name} of shape {tuple(value.shape)} instead of {tuple(expected[name].shape)}"
        for name, value in weights.items()
        if name in expected and value.shape != expected[name].shape
    ]
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise DataError(f"'{path}' is not what its configuration describes: it {'; it '.join(problems[:3])}{more}")
    model.load_state_dict(weights)
