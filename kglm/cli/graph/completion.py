"""What the shell proposes when the tabulator key is pressed. Nothing is compiled, and no error shown, for that."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kglm.cli.graph.opening import MANIFEST, compiled_folder
from kglm.errors import KglmError

if TYPE_CHECKING:
    from kglm.kg import KnowledgeGraph


def complete_graph(incomplete: str) -> Iterator[str]:
    """Propose recipes, compiled folders, and files and folders on the way to one."""
    from kglm.kg.catalog import recipe_names

    yield from (name for name in recipe_names() if name.startswith(incomplete))
    yield from complete_path(incomplete)


def complete_path(incomplete: str) -> Iterator[str]:
    """Propose files and folders; a folder that is not a compiled graph ends in a slash."""
    head, slash, tail = incomplete.rpartition("/")
    folder = Path(f"{head}{slash}" or ".").expanduser()
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(tail) and (tail.startswith(".") or not entry.name.startswith(".")):
            ending = "/" if entry.is_dir() and not (entry / MANIFEST).is_file() else ""
            yield f"{head}{slash}{entry.name}{ending}"


def complete_entity(ctx: Any, incomplete: str) -> list[str]:
    """Propose labels, aliases and names that begin so, by bisecting the graph's sorted tables.

    Underscores stand for blanks, at which a shell would take the name apart.
    """
    graph = _graph(ctx)
    if graph is None:
        return []
    from kglm.inspection.names import find_entities, names_starting

    found = names_starting(graph, incomplete)
    if " " in incomplete:  # it is quoted
        return found
    joined = (form.replace(" ", "_") for form in found)
    return [form for form in dict.fromkeys(joined) if find_entities(graph, form)]


def complete_relation(ctx: Any, incomplete: str) -> list[str]:
    """Propose relations, whatever the case typed."""
    graph = _graph(ctx)
    relations = () if graph is None else graph.relations
    return [name for name in relations if name.lower().startswith(incomplete.lower())]


def complete_format(incomplete: str) -> list[str]:
    """Propose the formats that kglm reads."""
    from kglm.kg.readers import READERS

    return [name for name in sorted(READERS) if name.startswith(incomplete)]


def complete_export_format(incomplete: str) -> list[str]:
    """Propose the formats that kglm writes."""
    from kglm.kg.interchange.export import ENDINGS

    return [name for name in sorted(ENDINGS.values()) if name.startswith(incomplete)]


def complete_normalization(incomplete: str) -> list[str]:
    """Propose the rules for concept names."""
    from kglm.kg.normalization import NORMALIZATIONS

    return [name for name in NORMALIZATIONS if name.startswith(incomplete)]


def complete_relation_map(incomplete: str) -> Iterator[str]:
    """Propose the relation maps that come with kglm, and files."""
    yield from (name for name in relation_maps() if name.startswith(incomplete))
    yield from complete_path(incomplete)


def relation_maps() -> list[str]:
    """Return the relation maps that come with kglm, as ``conceptnet/relations.tsv``."""
    root = Path(str(files("kglm.graphs")))
    return sorted(str(path.relative_to(root)) for path in root.glob("*/relations*.tsv"))


def _first_argument() -> str:
    """Return what follows the command's name on the line.

    At the value of an option (``-r <TAB>``) the parser fails, and the context holds no arguments.
    """
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    try:
        words = shlex.split(line)
    except ValueError:  # a quotation mark that is still open
        words = line.split()
    return next((word for word in words[3:] if not word.startswith("-")), "")


def _graph(ctx: Any) -> KnowledgeGraph | None:
    """Return the graph named on the line so far, if it is compiled."""
    from kglm.kg import KnowledgeGraph

    where = ctx.params.get("graph") or _first_argument()
    if not where:
        return None
    try:
        return KnowledgeGraph.open(compiled_folder(where))
    except (KglmError, OSError):
        return None
