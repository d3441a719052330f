"""``kglm index build``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from kglm.cli.graph.arguments import AsJson
from kglm.cli.graph.completion import complete_graph, complete_path
from kglm.cli.index.encoder import DEFAULT_ENCODER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kglm.kg import KnowledgeGraph
    from kglm.retrieval import Document, TextIndex

# typer reads these at run time, hence Optional.
# ruff: noqa: UP045


class What(StrEnum):
    """What of a graph is indexed."""

    ENTITIES = "entities"
    TRIPLES = "triples"


class Preset(StrEnum):
    """How the vectors are indexed."""

    AUTO = "auto"
    EXACT = "exact"
    HNSW = "hnsw"
    IVF_PQ = "ivf_pq"


class Format(StrEnum):
    """How a file of texts is read."""

    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    LINES = "lines"


def build(
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="Folder for the index.", autocompletion=complete_path, show_default=False),
    ],
    graph: Annotated[
        Optional[str],
        typer.Option(
            "--graph",
            "-g",
            help="Index this graph: a recipe, a compiled folder or a source file.",
            autocompletion=complete_graph,
            show_default=False,
        ),
    ] = None,
    what: Annotated[
        What, typer.Option("--what", help="Of a graph: its entities, or its triples as clauses.")
    ] = What.ENTITIES,
    texts: Annotated[
        Optional[Path],
        typer.Option(
            "--texts", "-t", help="Or index the texts of this file.", autocompletion=complete_path, show_default=False
        ),
    ] = None,
    column: Annotated[
        Optional[str],
        typer.Option(
            "--column", "-c", help="Field that holds the text; a.b goes into JSON objects.", show_default=False
        ),
    ] = None,
    key: Annotated[
        Optional[str], typer.Option("--key", help="Field that names a text in results.", show_default=False)
    ] = None,
    format: Annotated[
        Optional[Format],
        typer.Option("--format", "-f", help="Of the file; told from its ending unless named.", show_default=False),
    ] = None,
    header: Annotated[
        bool,
        typer.Option("--header/--no-header", help="Whether a CSV or TSV file names its columns; else --column 0."),
    ] = True,
    encoder: Annotated[
        str, typer.Option("--encoder", "-e", help="Makes the vectors: a name, a folder, or none for BM25 alone.")
    ] = DEFAULT_ENCODER,
    max_length: Annotated[int, typer.Option("--max-length", min=3, help="Tokens read of a text.")] = 128,
    device: Annotated[str, typer.Option("--device", help="Where the encoder runs.")] = "cpu",
    bm25: Annotated[bool, typer.Option("--bm25/--no-bm25", help="Whether words are indexed too.")] = True,
    language: Annotated[
        str, typer.Option("--language", help="Of BM25's words: en (lemmas, stop words), or none.")
    ] = "en",
    preset: Annotated[Preset, typer.Option("--preset", "-p", help="How vectors are indexed.")] = Preset.AUTO,
    factory: Annotated[
        Optional[str],
        typer.Option("--factory", help="Or faiss's factory string, such as IVF1024,SQ8.", show_default=False),
    ] = None,
    memory: Annotated[
        Optional[str],
        typer.Option(
            "--memory",
            help="Budget such as 2GB, for --preset auto; half of the machine's unless given.",
            show_default=False,
        ),
    ] = None,
    shard_size: Annotated[
        Optional[int],
        typer.Option(
            "--shard-size", min=1, help="Index so many vectors at a time and merge on disk (IVF).", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Index a graph's entities or triples, or the texts of a file.

    An old index in OUT is replaced, in one step, when all is done.

    Example: kglm index build entities --graph everyday

    Example: kglm index build facts --graph everyday --what triples

    Example: kglm index build q --texts dev.jsonl --column question.stem --key id

    JSON keys: folder, what, source, texts, bytes, seconds, encoder (name,
    digest, dim, max_length), bm25 (language, k1, b), graph (name, fingerprint),
    vectors (preset, factory, search, refine).
    """  # fmt: skip
    from kglm.cli.graph.output import print_json

    if (graph is None) == (texts is None):
        raise typer.BadParameter("give either --graph or --texts")
    if graph is not None and (column is not None or key is not None or format is not None):
        raise typer.BadParameter("--column, --key and --format apply to --texts only")
    from kglm.cli.index.memory import parse_memory
    from kglm.retrieval.index_files import require_place

    require_place(out)
    options = _options(encoder, preset.value, factory, None if memory is None else parse_memory(memory), shard_size)
    opened = _open(graph)
    documents, source = _documents(opened, what.value, texts, column, key, format, header)
    started = perf_counter()
    if options is not None:
        from kglm.cli.index.encoder import load
        from kglm.retrieval.faiss_library import require_faiss

        require_faiss()  # before the long work
        options["encoder"] = load(encoder, max_length, device)
    from kglm.retrieval import TextIndex

    index = TextIndex.build(
        documents, out, bm25=bm25, language=language, graph=opened, source=source,
        what="texts" if opened is None else what.value, **(options or {}),
    )  # fmt: skip
    document = _document(index, perf_counter() - started)
    if as_json:
        print_json(document)
    else:
        _show(document)


def _options(
    encoder: str, preset: str, factory: str | None, memory: int | None, shard_size: int | None
) -> dict[str, Any] | None:
    """Return how the vectors are indexed, or None where there shall be none."""
    given = {"factory": factory, "memory": memory, "shard_size": shard_size}
    if encoder != "none":
        return {"preset": preset, **given}
    if preset != Preset.AUTO or any(value is not None for value in given.values()):
        raise typer.BadParameter("--preset, --factory, --memory and --shard-size need an encoder")
    return None


def _open(graph: str | None) -> KnowledgeGraph | None:
    from kglm.cli.graph.opening import open_graph

    return None if graph is None else open_graph(graph)


def _documents(
    graph: KnowledgeGraph | None,
    what: str,
    texts: Path | None,
    column: str | None,
    key: str | None,
    format: Format | None,
    header: bool,
) -> tuple[Iterator[Document], str]:
    """Return what is indexed, and where it comes from."""
    from kglm.retrieval import graph_documents, read_documents

    if graph is not None:
        return graph_documents(graph, what), graph.name
    assert texts is not None
    named = None if format is None else format.value
    return read_documents(texts, column=column, key=key, format=named, header=header), texts.name


def _document(index: TextIndex, seconds: float) -> dict[str, Any]:
    plan = None if index.vectors is None else index.vectors.plan
    return {
        "folder": str(index.folder),
        "what": index.manifest["what"],
        "source": index.manifest["source"],
        "texts": len(index),
        "bytes": sum(path.stat().st_size for path in index.folder.rglob("*") if path.is_file()),
        "seconds": round(seconds, 3),
        "encoder": index.manifest["encoder"],
        "bm25": index.manifest["bm25"],
        "graph": index.manifest["graph"],
        "vectors": None if plan is None else {
            "preset": plan.preset, "factory": plan.factory, "search": plan.search, "refine": plan.refine,
        },
    }  # fmt: skip


def _show(document: dict[str, Any]) -> None:
    from kglm.inspection.tables import heading, number, pairs, show, size

    encoder, plan, bm25 = document["encoder"], document["vectors"], document["bm25"]
    facts: list[tuple[str, object]] = [(document["what"], number(document["texts"]))]
    if encoder is not None:
        how = plan["factory"] or "exact search"
        facts += [
            ("encoder", f"{encoder['name']}, {encoder['dim']} dimensions"),
            ("vectors", f"{how} ({plan['preset']})"),
        ]
    if bm25 is not None:
        facts.append(("words", f"BM25, language {bm25['language']}"))
    facts += [("time", f"{document['seconds']:.1f} s"), ("on disk", size(document["bytes"]))]
    show(heading(document["folder"], f"index of {document['source']}"), pairs(facts))
