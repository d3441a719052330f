"""Recall, nDCG and mean reciprocal rank of an index on queries with known answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kglm.cli.index.encoder import encoder_of
from kglm.cli.settings import at_least, require_keys, section, text
from kglm.errors import ConfigError, require_file_place
from kglm.files import atomic_write_jsonl
from kglm.inspection.tables import heading, number, show, table
from kglm.retrieval import SearchResult, TextIndex, retrieval_metrics
from kglm.retrieval.judgements import Judgements, read_judgements


@dataclass(frozen=True, kw_only=True)
class RetrieverSettings:
    """How an index is searched; see :meth:`kglm.retrieval.TextIndex.search`."""

    mode: str
    pool: int
    fusion: str
    weights: tuple[float, ...] | None


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Search an index for all queries of a file, and print and return how well it did.

    Raises:
        KglmError: a setting is not allowed, or the index or the queries cannot be used.
    """
    values = ("evaluation", "index", "queries", "query_field", "relevant_field", "ks", "rankings")
    require_keys(config, values, ("retriever", "paths"))
    retriever = section(RetrieverSettings, config["retriever"], "retriever")
    ks = _ks(config["ks"])
    rankings = None if config["rankings"] is None else require_file_place(config["rankings"], "file of rankings")
    folder = Path(text("index", config["index"]))
    index = TextIndex.open(folder, encoder=encoder_of(folder, retriever.mode))
    judged = read_judgements(
        text("queries", config["queries"]),
        index,
        query_field=text("query_field", config["query_field"]),
        relevant_field=text("relevant_field", config["relevant_field"]),
    )
    found = index.search(
        judged.queries,
        max(ks),
        mode=retriever.mode,
        pool=retriever.pool,
        fusion=retriever.fusion,
        weights=retriever.weights,
    )
    if rankings is not None:
        atomic_write_jsonl(rankings, _rankings(judged, found))
    metrics = retrieval_metrics(found.ids, judged.relevant, ks)
    detail = f"{len(judged.queries):,} queries on {number(len(index))} {index.manifest['what']}, {retriever.mode}"
    rows = [[f"{k}", f"{metrics[f'recall@{k}']:.3f}", f"{metrics[f'ndcg@{k}']:.3f}"] for k in ks]
    show(
        heading("retrieval", detail),
        table([">k", ">recall@k", ">nDCG@k"], rows),
        f"MRR@{max(ks)} {metrics['mrr']:.3f}",
    )
    return metrics


def _ks(values: Any) -> tuple[int, ...]:
    if not isinstance(values, list | tuple) or not values:
        raise ConfigError(f"ks is {values!r}; allowed: a list of whole numbers from 1")
    return tuple(sorted({at_least("ks", value, 1) for value in values}))


def _rankings(judged: Judgements, found: SearchResult) -> list[dict[str, Any]]:
    return [
        {"query": query, "relevant": sorted(relevant), "hits": [vars(hit) for hit in found.hits(row)]}
        for row, (query, relevant) in enumerate(zip(judged.queries, judged.relevant, strict=True))
    ]
