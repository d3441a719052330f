"""``kglm graph questions``."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated, Optional

import typer

from kglm.cli.graph.arguments import AsJson, Graph, MinWeight, Relations
from kglm.cli.graph.completion import complete_path, complete_relation

# ruff: noqa: UP045


def questions(
    graph: Graph,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="JSON lines.", autocompletion=complete_path, show_default=False
        ),
    ],
    limit: Annotated[
        Optional[int], typer.Option("--limit", "-n", min=1, help="At most so many; all by default.")
    ] = None,
    choices: Annotated[int, typer.Option("--choices", "-c", min=2, max=10, help="Choices of a question.")] = 5,
    relation: Relations = None,
    without: Annotated[
        Optional[list[str]],
        typer.Option(
            "--without",
            metavar="NAME",
            help="Not this relation; may be repeated.",
            autocompletion=complete_relation,
            show_default=False,
        ),
    ] = None,
    min_weight: MinWeight = 0.0,
    max_words: Annotated[int, typer.Option("--max-words", min=1, help="Words of the longest label.")] = 4,
    split: Annotated[
        Optional[str],
        typer.Option("--split", help="train, dev or test: they ask about different entities.", show_default=False),
    ] = None,
    templates: Annotated[
        Optional[Path],
        typer.Option(
            "--templates",
            help="Table with the columns relation, asked (tail or head) and question.",
            autocompletion=complete_path,
            show_default=False,
        ),
    ] = None,
    encoder: Annotated[
        Optional[str],
        typer.Option(
            "--encoder",
            help="Choose distractors so that this encoder's cosine does not tell the answer.",
            show_default=False,
        ),
    ] = None,
    pool: Annotated[int, typer.Option("--pool", min=1, help="With --encoder: entities to choose from.")] = 32,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed makes the same questions.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Make multiple-choice questions from a graph, in the shape that kglm train task=files reads.

    Example: kglm graph questions everyday --out questions.jsonl -n 1000 --choices 4

    JSON keys: path, questions, relations (questions by relation), too_few_distractors, cosine_accuracy.
    """  # fmt: skip
    from kglm.cli.graph.opening import open_graph
    from kglm.cli.graph.output import print_json
    from kglm.data.multiple_choice import write_examples
    from kglm.data.synthetic.generator import QuestionCounts
    from kglm.data.synthetic.options import QuestionOptions
    from kglm.data.synthetic.task import describe, load_reader, make_generator, summary
    from kglm.data.synthetic.templates import QuestionTemplates
    from kglm.data.task import Task
    from kglm.errors import DataError, UnknownNameError, require_file_place
    from kglm.inspection.tables import show

    if split is not None and split not in Task.SPLITS:
        raise UnknownNameError("split", split, Task.SPLITS)
    require_file_place(out, "file for the questions")
    options = QuestionOptions(
        choices=choices,
        relations=tuple(relation) if relation else None,
        without=tuple(without or ()),
        min_weight=min_weight,
        max_words=max_words,
        pool=max(pool, choices - 1),
        seed=seed,
    )
    forms = QuestionTemplates() if templates is None else QuestionTemplates.read(templates)
    reader = None if encoder is None else load_reader(encoder)
    opened = open_graph(graph)
    counts = QuestionCounts()
    made = make_generator(opened, options, forms, reader).questions(split, limit, counts)
    first = next(made, None)
    if first is None:
        raise DataError(f"graph '{opened.name}' gives no question; ask more relations, or allow longer labels")
    write_examples(out, chain((first,), made))
    if as_json:
        print_json({"path": str(out), **summary(counts)})
    else:
        show(f"wrote {out}: {describe(counts)}")
