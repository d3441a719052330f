"""``kglm index search``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from kglm.cli.graph.arguments import AsJson
from kglm.cli.graph.completion import complete_graph, complete_path

if TYPE_CHECKING:
    from kglm.retrieval import Hit, TextIndex

# ruff: noqa: UP045


class Mode(StrEnum):
    """What finds."""

    AUTO = "auto"
    DENSE = "dense"
    BM25 = "bm25"
    HYBRID = "hybrid"


class Fusion(StrEnum):
    """How two rankings become one."""

    RRF = "rrf"
    SCORE = "score"


def search(
    index: Annotated[
        Path,
        typer.Argument(
            metavar="INDEX",
            help="Folder made by `kglm index build`.",
            autocompletion=complete_path,
            show_default=False,
        ),
    ],
    queries: Annotated[
        list[str],
        typer.Argument(metavar="QUERY...", help="Free text; several are searched at once.", show_default=False),
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="How many results.")] = 10,
    mode: Annotated[
        Mode, typer.Option("--mode", "-m", help="Vectors, words, or both; auto takes all that the index has.")
    ] = Mode.AUTO,
    fusion: Annotated[Fusion, typer.Option("--fusion", help="Of both: by rank or by score.")] = Fusion.RRF,
    graph: Annotated[
        Optional[str],
        typer.Option(
            "--graph",
            "-g",
            help="Refuse an index of another graph than this.",
            autocompletion=complete_graph,
            show_default=False,
        ),
    ] = None,
    reranker: Annotated[
        Optional[str],
        typer.Option(
            "--reranker",
            help="A cross-encoder, by name or folder, that orders the candidates anew.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search an index.

    Example: kglm index search entities "something to dig with" -k 5

    JSON: a list with one object for each query: query, hits (id, score, text,
    key).
    """  # fmt: skip
    from kglm.cli.graph.opening import open_graph
    from kglm.cli.graph.output import print_json
    from kglm.cli.index.encoder import encoder_of
    from kglm.errors import DataError
    from kglm.retrieval import TextIndex

    for query in queries:
        if not query.strip():
            raise DataError("a query is blank; expected some text")
    opened = TextIndex.open(
        index, encoder=encoder_of(index, mode.value), graph=None if graph is None else open_graph(graph)
    )  # fmt: skip
    found = opened.search(queries, k, mode=mode.value, fusion=fusion.value, reranker=_reranker(reranker))
    results = [(query, found.hits(row)) for row, query in enumerate(queries)]
    if as_json:
        print_json([{"query": query, "hits": [vars(hit) for hit in hits]} for query, hits in results])
    else:
        _show(opened, results)


def _reranker(name: str | None) -> Any:
    if name is None:
        return None
    from kglm.cli.transformers_logging import quiet_transformers
    from kglm.retrieval.cross_encoder import CrossEncoder

    quiet_transformers()
    return CrossEncoder.load(name)


def _show(index: TextIndex, results: list[tuple[str, list[Hit]]]) -> None:
    from kglm.inspection.tables import heading, show, table

    blocks: list[Any] = []
    for query, hits in results:
        keyed = any(hit.key and hit.key != hit.text for hit in hits)
        rows = [[f"{hit.score:.4f}", hit.text, *[hit.key] * keyed, hit.id] for hit in hits]
        blocks.append(heading(query, f"in {len(index):,} {index.manifest['what']} of {index.manifest['source']}"))
        blocks.append(table([">score", "text", *["key"] * keyed, ">id"], rows) if rows else "nothing found")
    show(*blocks)
