"""``kglm graph coverage``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kglm.cli.graph.arguments import AsJson, Graph

if TYPE_CHECKING:
    from kglm.inspection.coverage import Coverage
    from kglm.inspection.tables import Block

MIN_COVERED = 3


def coverage(
    graph: Graph,
    questions: Annotated[
        list[Path],
        typer.Argument(
            metavar="QUESTIONS...",
            help="Files of questions in the CommonsenseQA shape (.jsonl, .jsonl.gz).",
            show_default=False,
        ),
    ],
    question_concept: Annotated[
        bool,
        typer.Option(
            "--question-concept",
            help="Take the question's concept from the data set's question_concept field, not from its text.",
        ),
    ] = False,
    examples: Annotated[
        int, typer.Option("--examples", min=0, help="How many answers without a path to list.")
    ] = MIN_COVERED,
    as_json: AsJson = False,
) -> None:
    """Measure how much of a question set a graph grounds and connects.

    A wrong choice that is connected as often as the right one shows how little
    the mere presence of a path tells.

    Example: kglm graph coverage my-graph csqa/train.jsonl.gz --question-concept

    JSON keys: graph, question_source, questions, unlabelled,
    concepts_per_question, concepts_per_choice, right and wrong (choices,
    question_grounded, choice_grounded, both_grounded, within (1, 2, 3),
    shares), direct_edge_accuracy, chance, unconnected (id, question, answer,
    question_concepts, answer_concepts), unconnected_total.
    """  # fmt: skip
    from kglm.cli.graph.opening import open_graph
    from kglm.cli.graph.output import note, print_json
    from kglm.data.multiple_choice import read_examples
    from kglm.inspection.coverage import measure_coverage

    asked = [example for path in questions for example in read_examples(path)]
    opened = open_graph(graph)
    note(f"linking {len(asked):,} questions to {opened.num_entities:,} entities")
    found = measure_coverage(asked, opened, question_concept=question_concept, max_examples=examples)
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)


def _show(found: Coverage) -> None:
    from kglm.inspection.tables import heading, number, pairs, share, show, table

    kinds = (found.right, found.wrong)
    counts = {
        "question grounded": [kind.question_grounded for kind in kinds],
        "choice grounded": [kind.choice_grounded for kind in kinds],
        "both grounded": [kind.both_grounded for kind in kinds],
        "direct edge": [kind.within[1] for kind in kinds],
        "within 2 hops": [kind.within[2] for kind in kinds],
        "within 3 hops": [kind.within[3] for kind in kinds],
    }
    rows = [
        [name, share(right, kinds[0].choices), right, share(wrong, kinds[1].choices), wrong]
        for name, (right, wrong) in counts.items()
    ]
    asked = f"{found.questions:,} questions, concepts from the {found.question_source}"
    unlabelled = f", {found.unlabelled:,} without an answer left out" if found.unlabelled else ""
    facts = [
        ("concepts per question", number(round(found.concepts_per_question, 2))),
        ("concepts per choice", number(round(found.concepts_per_choice, 2))),
    ]
    if found.direct_edge_accuracy is not None and found.chance is not None:
        guess = f"{100 * found.direct_edge_accuracy:.1f} % right (any choice: {100 * found.chance:.1f} %)"
        facts.append(("picking by direct edge", guess))
    blocks: list[Block] = [
        heading(f"{found.graph}", f"{asked}{unlabelled}"),
        table(["", ">answers", f">of {kinds[0].choices:,}", ">wrong choices", f">of {kinds[1].choices:,}"], rows),
        pairs(facts),
    ]
    if found.unconnected:
        lost = [
            [one.question, one.answer, ", ".join(one.question_concepts), ", ".join(one.answer_concepts)]
            for one in found.unconnected
        ]
        blocks += [
            f"{found.unconnected_total:,} answers are not connected, {len(lost)} of them:",
            table(["question", "answer", "question's concepts", "answer's"], lost),
        ]
    show(*blocks)
