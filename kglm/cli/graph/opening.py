"""What a user may name as a graph: a compiled folder, a source file, or a recipe that comes with kglm."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kglm.errors import GraphError, did_you_mean

if TYPE_CHECKING:
    from kglm.kg import GraphRecipe, KnowledgeGraph

MANIFEST = "manifest.json"
"""As in :mod:`kglm.kg.manifest`, which is not imported here: completion must not wait for it."""
CACHE = "~/.cache/kglm"
HUB_PREFIX = "hf://"


def open_graph(where: str) -> KnowledgeGraph:
    """Open a graph; a source or a recipe is compiled to the cache on first use.

    Args:
        where: a folder made by ``kglm graph build``, a file or folder in any format that kglm reads, or the name of
            a recipe. A name in the file system comes before a recipe's.

    Raises:
        GraphError: there is no such graph, or the compiled one is damaged or of another version.
        DataError: the source cannot be read.
    """
    from kglm.cli.graph.output import note
    from kglm.kg import KnowledgeGraph

    if is_compiled(where):
        return KnowledgeGraph.open(Path(where).expanduser())
    recipe = find_recipe(where)
    folder = cached_folder(recipe)
    if (folder / MANIFEST).is_file():
        return KnowledgeGraph.open(folder)
    from kglm.cli.graph.building import build

    note(f"compiling graph '{recipe.name}' from {recipe.source} (kept in the cache for the next time)")
    built = build(recipe, folder)
    if built.tally.rejected:
        note(built.tally.summary())
    return built.graph


def is_compiled(where: str) -> bool:
    """Say whether a compiled graph lies there, sound or not."""
    return (Path(where).expanduser() / MANIFEST).is_file()


def compiled_folder(where: str) -> Path:
    """Return where the compiled graph lies, or will lie once it is opened.

    Raises:
        GraphError: there is no such graph.
    """
    return Path(where).expanduser() if is_compiled(where) else cached_folder(find_recipe(where))


def cached_folder(recipe: GraphRecipe) -> Path:
    """Return where the cache keeps the graph of a recipe, as :meth:`kglm.kg.GraphRecipe.open` does."""
    return cache_dir() / "graphs" / f"{recipe.name}-{recipe.content_key()}"


def find_recipe(where: str) -> GraphRecipe:
    """Return how the graph of a source or of a shipped recipe is compiled.

    Raises:
        GraphError: there is neither; says what was expected.
        DataError: a file of the recipe cannot be had.
    """
    from kglm.kg import GraphRecipe, catalog
    from kglm.kg.readers import detect_format

    path = Path(where).expanduser()
    if where.startswith(HUB_PREFIX):
        return GraphRecipe(name=where.rsplit("/", 1)[-1], source=where)
    if path.exists():
        detect_format(path)  # its message tells what a source may be
        return GraphRecipe(name=graph_name(path), source=str(path))
    if where in catalog.recipe_names():
        return catalog.find_recipe(where).graph_recipe(cache_dir())
    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    near = did_you_mean(path.name, [*siblings, *catalog.recipe_names()]) or "."
    raise GraphError(
        f"there is no graph '{where}'{near} Expected a folder made by `kglm graph build`, a source file, or a recipe "
        f"({', '.join(catalog.recipe_names())})"
    )


def graph_name(path: Path) -> str:
    """Return what the graph of a source is called: the file's name without its endings."""
    name = path.resolve().name
    return name.split(".")[0] or name


def cache_dir() -> Path:
    """Return the folder of compiled graphs and other things that can be made again."""
    return Path(os.environ.get("KGLM_CACHE_DIR") or CACHE).expanduser().absolute()
