"""What a command of ``kglm graph`` prints: tables, or one JSON document."""

from __future__ import annotations

import json
from typing import Any

import typer


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))


def note(text: str) -> None:
    """Tell something beside the result, on standard error."""
    typer.echo(text, err=True)
