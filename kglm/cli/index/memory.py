"""Amounts of memory as people write them."""

from __future__ import annotations

import re

from kglm.errors import ConfigError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def parse_memory(text: str) -> int:
    """Return the bytes of ``2GB``, ``500 MB`` or ``1000000``.

    Raises:
        ConfigError: it is none of them.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", text.strip().lower())
    if match is None:
        raise ConfigError(f"memory is '{text}'; allowed: a number of bytes, or such as 500MB or 2GB")
    return int(float(match[1]) * _UNITS[match[2]])
