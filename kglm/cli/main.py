"""The command line: ``kglm train | sweep | evaluate | answer | predict | report | graph | index | convert``."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from kglm import __version__
from kglm.cli.convert import app as convert_app
from kglm.cli.graph.app import app as graph_app
from kglm.cli.index.app import app as index_app
from kglm.errors import KglmError

# Torch and transformers are imported inside the commands: help and completion stay fast.

app = typer.Typer(
    name="kglm",
    help="Knowledge-graph-augmented language models: train, evaluate, and answer with evidence.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(graph_app)
app.add_typer(index_app)
app.add_typer(convert_app)
HYDRA_COMMAND: dict[str, Any] = {
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
}


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kglm {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Knowledge-graph-augmented language models: train, evaluate, and answer with evidence."""


@app.command(**HYDRA_COMMAND)
def train(context: typer.Context) -> None:
    """Train an experiment composed by Hydra, e.g. kglm train experiment=everyday_kagnet seed=1 (--help for more)."""
    from kglm.cli.train import main

    main(context.args)


@app.command(**HYDRA_COMMAND)
def sweep(context: typer.Context) -> None:
    """Search for the best settings of an experiment, e.g. kglm sweep experiment=csqa_kagnet sweep=learning_rates."""
    from kglm.cli.sweep import main

    main(context.args)


@app.command(**HYDRA_COMMAND)
def evaluate(context: typer.Context) -> None:
    """Score a trained model on a task, e.g. kglm evaluate model=RUN task=csqa split=test (--help for more)."""
    from kglm.cli.evaluate import main

    main(context.args)


Model = Annotated[Path, typer.Option("--model", "-m", help="Folder of a `kglm train` run or of a model bundle.")]
Graph = Annotated[
    Optional[Path],  # noqa: UP045  typer reads the annotation at run time
    typer.Option("--graph", help="Compiled graph to use instead of the model's own; must be the same by content."),
]


@app.command()
def answer(
    question: Annotated[str, typer.Argument(help="The question, free text.")],
    choice: Annotated[list[str], typer.Option("--choice", "-c", help="A choice; give two to ten of them.")],
    model: Model,
    graph: Graph = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")] = False,
    plot: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--plot", help="Draw the schema graph with the evidence highlighted (.png, .svg or .pdf)."),
    ] = None,
    paths: Annotated[int, typer.Option("--paths", min=1, help="How many paths to show or draw.")] = 5,
) -> None:
    """Answer a question, and show the paths in the graph that carried the answer."""
    from kglm.cli.answer import answer_question

    result = answer_question(question, choice, model, graph, plot=plot, paths=paths)
    typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=2) if as_json else result.format(paths))


@app.command()
def predict(
    questions: Annotated[Path, typer.Argument(help="Questions in the CommonsenseQA shape, JSON lines (.gz too).")],
    predictions: Annotated[Path, typer.Argument(help="File for the answers, JSON lines.")],
    model: Model,
    graph: Graph = None,
    paths: Annotated[int, typer.Option("--paths", min=0, help="Evidence paths kept for each choice.")] = 5,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Questions scored at once.")] = 32,
) -> None:
    """Answer a file of questions."""
    from kglm.cli.predict import predict_file

    typer.echo(predict_file(questions, predictions, model, graph, paths=paths, batch_size=batch_size))


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs, or folders that hold such.")],
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", "-o", help="Folder for report.md, report.html and report.json."),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Split of the task to report on.")] = "test",
    baseline: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--baseline", "-b", help="Experiment that the others are compared with; the first by default."),
    ] = None,
    graph: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--graph", help="Graph that cuts the questions into slices: linked or not, hops, relation."),
    ] = None,
    mistakes: Annotated[
        int, typer.Option("--mistakes", min=0, help="Worst mistakes of each experiment, shown with their evidence.")
    ] = 0,
) -> None:
    """Compare finished runs: mean and deviation over seeds, significance, slices, calibration, plots."""
    from kglm.cli.report import write_report

    markdown = write_report(runs, out, split=split, baseline=baseline, graph=graph, mistakes=mistakes)
    typer.echo(markdown, nl=False)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; an error that a user can mend is one paragraph on standard error and exit code 1."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        app(arguments, prog_name="kglm", standalone_mode=True)
    except KglmError as error:
        typer.echo(f"kglm: error: {error}", err=True)
        raise SystemExit(1) from None
    except OSError as error:
        if error.filename is None or error.strerror is None:
            raise
        typer.echo(f"kglm: error: {error.strerror}: '{error.filename2 or error.filename}'", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":  # for `torchrun -m kglm.cli.main`
    main()
