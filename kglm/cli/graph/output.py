"""What a command of ``kglm graph`` prints: tables, or one JSON document."""

from __future__ import annotations

import json
import sys
from typing import Any

import typer


def print_json(document: Any) -> None:
    """Print one JSON document on standard output; with escapes where that cannot show all characters."""
    ascii_only = "utf" not in (sys.stdout.encoding or "utf-8").lower()
    typer.echo(json.dumps(document, ensure_ascii=ascii_only, indent=2, allow_nan=False))


def note(text: str) -> None:
    """Tell something beside the result, on standard error."""
    typer.echo(text, err=True)
