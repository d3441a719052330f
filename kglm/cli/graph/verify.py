"""``kglm graph verify``."""

from __future__ import annotations

import typer

from kglm.cli.graph.arguments import AsJson, Graph


def verify(graph: Graph, as_json: AsJson = False) -> None:
    """Check every byte and every rule of a compiled graph.

    Exit code 0 when it is sound, 1 otherwise.

    Example: kglm graph verify my-graph/

    JSON keys: folder, sound, problems.
    """
    from kglm.cli.graph.opening import compiled_folder
    from kglm.cli.graph.output import print_json
    from kglm.errors import GraphError
    from kglm.inspection.tables import show
    from kglm.kg.verify import verify_graph

    folder = compiled_folder(graph)
    if not folder.is_dir():
        raise GraphError(f"'{graph}' is not compiled yet: nothing to verify at '{folder}'")
    problems = verify_graph(folder)
    if as_json:
        print_json({"folder": str(folder), "sound": not problems, "problems": problems})
    elif problems:
        count = f"{len(problems)} problem{'s' * (len(problems) != 1)} in {folder}; build the graph again"
        show("\n".join([count, *(f"- {problem}" for problem in problems)]))
    else:
        show(f"{folder} is sound")
    if problems:
        raise typer.Exit(1)
