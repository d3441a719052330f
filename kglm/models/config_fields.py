"""Checks that the configurations of this package share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from transformers import PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from kglm.errors import ConfigError, did_you_mean

# Keys that transformers itself writes or passes beside the declared fields.
_LIBRARY_KEYS = {
    "_commit_hash",
    "_name_or_path",
    "attn_implementation",
    "auto_map",
    "experts_implementation",
    "model_type",
    "name_or_path",
    "num_labels",
    "output_attentions",
    "quantization_config",
    "tie_word_embeddings",
    "torch_dtype",
}


def refuse_unknown(owner: str, given: Mapping[str, Any], fields: Iterable[str]) -> None:
    """Raise ConfigError at a keyword that is neither a field of the configuration nor of transformers."""
    fields = tuple(fields)
    for name in given:
        if name not in _LIBRARY_KEYS and not hasattr(PreTrainedConfig, name):
            raise ConfigError(
                f"{owner} has no field '{name}'{did_you_mean(name, fields)} (allowed: {', '.join(fields)})"
            )


def as_config(field: str, value: object) -> PreTrainedConfig:
    """Return a nested configuration given as such, or as its dict with ``model_type``.

    Raises:
        ConfigError: it is neither, or transformers knows no such model.
    """
    if isinstance(value, PreTrainedConfig):
        return value
    if not isinstance(value, dict):
        raise ConfigError(f"{field} is {value!r}; allowed: a PreTrainedConfig, or a dict with 'model_type'")
    model_type = str(value.get("model_type"))
    if model_type not in CONFIG_MAPPING:
        hint = did_you_mean(model_type, CONFIG_MAPPING)
        raise ConfigError(f"{field}.model_type is '{model_type}'{hint} ({len(CONFIG_MAPPING)} known)")
    return CONFIG_MAPPING[model_type](**value)


def check_choice(field: str, value: object, allowed: Iterable[str]) -> None:
    """Raise ConfigError unless ``value`` is one of the names allowed."""
    allowed = tuple(allowed)
    if value not in allowed:
        hint = did_you_mean(str(value), allowed)
        raise ConfigError(f"{field} is {value!r}{hint} (allowed: {', '.join(allowed)})")


def check_positive(field: str, value: object) -> None:
    """Raise ConfigError unless ``value`` is a positive whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ConfigError(f"{field} is {value!r}; allowed: a positive whole number")


def check_flag(field: str, value: object) -> None:
    """Raise ConfigError unless ``value`` is true or false."""
    if not isinstance(value, bool):
        raise ConfigError(f"{field} is {value!r}; allowed: true or false")
