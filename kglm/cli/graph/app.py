"""The commands of ``kglm graph``, in the order in which one needs them."""

from __future__ import annotations

import typer

from kglm.cli.graph.build import build
from kglm.cli.graph.coverage import coverage
from kglm.cli.graph.diff import diff
from kglm.cli.graph.export import export
from kglm.cli.graph.neighbors import neighbors
from kglm.cli.graph.path import path
from kglm.cli.graph.questions import questions
from kglm.cli.graph.search import search
from kglm.cli.graph.sparql import sparql
from kglm.cli.graph.stats import stats
from kglm.cli.graph.subgraph import subgraph
from kglm.cli.graph.verify import verify

# Numpy, numba and all of kglm.kg are imported inside the commands: help and completion stay fast.

COMMANDS = (build, stats, search, neighbors, path, subgraph, coverage, sparql, questions, export, diff, verify)

app = typer.Typer(
    name="graph",
    help="Build graphs, look into them, compare and export them.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    app.command()(command)
