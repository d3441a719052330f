"""``kglm graph build``."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from kglm.cli.graph.arguments import AsJson, parse_pairs
from kglm.cli.graph.completion import (
    complete_format,
    complete_graph,
    complete_normalization,
    complete_path,
    complete_relation_map,
)

if TYPE_CHECKING:
    from kglm.cli.graph.building import Built
    from kglm.kg import GraphRecipe

# ruff: noqa: UP045


class MergeWeights(StrEnum):
    """What becomes of the weights of equal triples."""

    MAX = "max"
    SUM = "sum"


def build(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A file (.gz, .bz2, .zst too), a folder, hf://NAME, or a recipe.",
            autocompletion=complete_graph,
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="Folder for the compiled graph.", autocompletion=complete_path, show_default=False
        ),
    ],
    format: Annotated[
        Optional[str],
        typer.Option(
            "--format",
            "-f",
            help="How SOURCE is read (conceptnet5, csv, parquet, rdf, tsv, wordnet, ...); told from its "
            "content unless named.",
            autocompletion=complete_format,
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        Optional[str],
        typer.Option("--name", help="What the graph is called; SOURCE's name unless given.", show_default=False),
    ] = None,
    relation_map: Annotated[
        Optional[str],
        typer.Option(
            "--relation-map",
            help="Table 'source target direction' that merges relations: a file, or one "
            "that comes with kglm (conceptnet/relations.tsv).",
            autocompletion=complete_relation_map,
            show_default=False,
        ),
    ] = None,
    normalization: Annotated[
        Optional[str],
        typer.Option(
            "--normalization",
            help="Rules for concept names: casefold-1, conceptnet-1, none.",
            autocompletion=complete_normalization,
            show_default=False,
        ),
    ] = None,
    language: Annotated[
        Optional[str],
        typer.Option(
            "--language",
            help="Of labels (RDF) or concepts (ConceptNet): a code, several with commas, or all.",
            show_default=False,
        ),
    ] = None,
    merge_weights: Annotated[
        Optional[MergeWeights],
        typer.Option("--merge-weights", help="Of equal triples: keep the largest, or add up.", show_default=False),
    ] = None,
    max_rejected: Annotated[
        Optional[int],
        typer.Option(
            "--max-rejected", min=0, help="How many malformed lines are borne; 100 unless given.", show_default=False
        ),
    ] = None,
    shuffle_seed: Annotated[
        Optional[int],
        typer.Option(
            "--shuffle-seed",
            min=0,
            help="Build the control: tails dealt out at random, within each relation.",
            show_default=False,
        ),
    ] = None,
    column: Annotated[
        Optional[list[str]],
        typer.Option(
            "--column",
            "-c",
            metavar="ROLE=COLUMN",
            help="For tables: head=subj, relation=2 (from 0), weight=..., source=...; repeat for each.",
            show_default=False,
        ),
    ] = None,
    option: Annotated[
        Optional[list[str]],
        typer.Option(
            "--option", "-o", metavar="KEY=VALUE", help="Option of the reader; may be repeated.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compile a graph from a source.

    An old graph in OUT is replaced, in one step, when all is done. Malformed
    lines are counted, and written to rejected.jsonl in OUT with the reason.

    Example: kglm graph build wikidata.nt.gz my-graph --language de

    Example: kglm graph build t.csv g -c head=subj -c relation=pred -c tail=obj

    JSON keys: folder, name, fingerprint, format, entities, relations, triples,
    intake (unit, lines, accepted, skipped, rejected), rejected_file, seconds,
    bytes.
    """  # fmt: skip
    from kglm.cli.graph.building import build as compile_graph
    from kglm.cli.graph.opening import find_recipe
    from kglm.cli.graph.output import note, print_json

    require_place(out)
    changes: dict[str, Any] = {
        "name": name,
        "format": format,
        "relation_map": None if relation_map is None else find_relation_map(relation_map),
        "normalization": normalization,
        "merge_weights": None if merge_weights is None else merge_weights.value,
        "max_rejected": max_rejected,
        "shuffle_seed": shuffle_seed,
    }
    recipe = find_recipe(source) if format is None else _named_format(source, format)
    recipe = replace(recipe, **{field: value for field, value in changes.items() if value is not None})
    recipe = _with_options(recipe, parse_pairs(column, "--column"), parse_pairs(option, "--option"), language)
    note(f"building '{recipe.name}' from {recipe.source} (format {recipe.format})")
    built = compile_graph(recipe, out)
    document = _document(built, recipe, out)
    if as_json:
        print_json(document)
    else:
        _show(document)


def require_place(out: Path) -> None:
    """Check that a compiled graph may be written to a folder.

    Raises:
        DataError: it is a file, or a folder that holds something other than a compiled graph.
    """
    from kglm.errors import DataError
    from kglm.kg.manifest import may_be_replaced

    if not may_be_replaced(out):
        raise DataError(f"the folder '{out}' holds something other than a compiled graph; nothing is overwritten")
    blocking = next((place for place in (out, *out.parents) if place.exists() and not place.is_dir()), None)
    if blocking is not None:
        raise DataError(f"'{out}' cannot be made: '{blocking}' is a file")


def find_relation_map(text: str) -> str:
    """Return the path of a relation map: a file, or else one that comes with kglm.

    Raises:
        DataError: there is none; names those that come with kglm.
    """
    from kglm.cli.graph.completion import relation_maps
    from kglm.errors import DataError, did_you_mean

    if Path(text).expanduser().is_file():
        return str(Path(text).expanduser())
    known = relation_maps()
    if text in known:
        return str(files("kglm.graphs") / text)
    near = did_you_mean(text, known) or "."
    raise DataError(f"relation map '{text}' does not exist{near} With kglm come: {', '.join(known)}")


def _named_format(source: str, format: str) -> GraphRecipe:
    """Return the recipe of a source whose format is given, so that it need not be told from its content."""
    from kglm.cli.graph.opening import find_recipe, graph_name
    from kglm.kg import GraphRecipe

    path = Path(source).expanduser()
    if path.exists():
        return GraphRecipe(name=graph_name(path), source=str(path), format=format)
    return replace(find_recipe(source), format=format)


def _with_options(
    recipe: GraphRecipe, columns: dict[str, str], options: dict[str, str], language: str | None
) -> GraphRecipe:
    """Return the recipe with a format and the reader's options.

    Raises:
        ConfigError: the reader has no such option, or no languages or columns.
    """
    from kglm.kg.readers import detect_format

    format = recipe.format or detect_format(recipe.source)
    given: dict[str, Any] = {**recipe.options, **{key: _value(text) for key, text in options.items()}}
    if columns:
        given["columns"] = {role: int(text) if text.isdecimal() else text for role, text in columns.items()}
    if language is not None:
        given.update(_language(format, language))
    return replace(recipe, format=format, options=given)


def _language(format: str, language: str) -> dict[str, Any]:
    from kglm.errors import ConfigError
    from kglm.kg.readers import reader_options

    known = reader_options(format)
    codes = [code.strip() for code in language.split(",") if code.strip()]
    if "languages" in known:
        return {"languages": None if language == "all" else codes}
    if "language" not in known:
        raise ConfigError(f"--language does not apply to the format '{format}'")
    if len(codes) != 1:
        raise ConfigError(f"--language is '{language}'; allowed with the format '{format}': one code, or all")
    return {"language": None if language == "all" else codes[0]}


def _value(text: str) -> Any:
    """Return what a value means: JSON where it is some (true, 3, ["a"], null), else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _document(built: Built, recipe: GraphRecipe, out: Path) -> dict[str, Any]:
    from kglm.kg.tally import REJECTED_FILE

    graph, rejected = built.graph, out / REJECTED_FILE
    return {
        "folder": str(out),
        "name": graph.name,
        "fingerprint": graph.fingerprint,
        "format": recipe.format,
        "entities": graph.num_entities,
        "relations": graph.num_relations,
        "triples": graph.num_triples,
        "intake": built.tally.counts(),
        "rejected_file": str(rejected) if rejected.is_file() else None,
        "seconds": round(built.seconds, 3),
        "bytes": sum(path.stat().st_size for path in out.iterdir() if path.is_file()),
    }


def _show(document: dict[str, Any]) -> None:
    from kglm.inspection.tables import heading, number, pairs, show, size

    intake = document["intake"]
    rejected = number(intake["rejected"])
    if document["rejected_file"]:
        rejected += f", see {document['rejected_file']}"
    facts = [
        ("entities", number(document["entities"])),
        ("relations", number(document["relations"])),
        ("triples", number(document["triples"])),
        (f"{intake['unit']}s read", number(intake["lines"])),
        ("  accepted", number(intake["accepted"])),
        *((f"  skipped: {reason}", number(count)) for reason, count in intake["skipped"].items()),
        ("  rejected", rejected),
        ("time", f"{document['seconds']:.1f} s"),
        ("on disk", size(document["bytes"])),
    ]
    show(heading(document["folder"], f"graph '{document['name']}', {document['fingerprint'][:12]}"), pairs(facts))
