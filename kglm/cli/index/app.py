"""The commands of ``kglm index``."""

from __future__ import annotations

import typer

from kglm.cli.index.build import build
from kglm.cli.index.search import search

# Torch, faiss and all of kglm.retrieval are imported inside the commands: help and completion stay fast.

app = typer.Typer(
    name="index",
    help="Index entities, triples or texts by vectors and words, and search them.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (build, search):
    app.command()(command)
