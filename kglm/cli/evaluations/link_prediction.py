"""Filtered ranks of a trained knowledge-graph embedding on the triples that its run names, or on others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kglm.cli.settings import RUN_CONFIG, at_least, require_keys, text
from kglm.cli.stages.kge import KgeSettings, load_data
from kglm.embeddings.graph_embedding import KnowledgeGraphEmbedding, find_embedding
from kglm.embeddings.link_prediction import METRICS, SPLITS, LinkPredictionData, describe
from kglm.embeddings.triples import read_triples
from kglm.errors import ConfigError, UnknownNameError
from kglm.kg import KnowledgeGraph


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Rank the triples of a split, or of a file, and print the figures overall and by kind of relation.

    Raises:
        KglmError: the run, the graph or the file is not as it must be.
    """
    values = ("evaluation", "model", "graph_dir", "split", "triples", "batch_size")
    require_keys(config, values, ("paths",))
    model = Path(text("model", config["model"]))
    split = text("split", config["split"])
    if split not in SPLITS:
        raise UnknownNameError("split", split, SPLITS)
    find_embedding(model)  # before the graph is compiled
    settings = _settings_of_run(model)
    graph = _graph(settings, config["graph_dir"])
    embedding = KnowledgeGraphEmbedding.load(model, graph)
    data, name = load_data(settings, graph), split
    if config["triples"] is not None:
        name = text("triples", config["triples"])
        data, split = _with_triples(data, name, graph), "test"
    report = data.report(embedding.scorer, split, at_least("batch_size", config["batch_size"], 1))
    print(describe(report, name))
    return {metric: report[metric] for metric in METRICS}


def _settings_of_run(model: Path) -> KgeSettings:
    for folder in (model, model.parent):
        path = folder / RUN_CONFIG
        if (folder / "metrics.json").is_file() and path.is_file():
            return KgeSettings.from_config(json.loads(path.read_text(encoding="utf-8")))
    raise ConfigError(f"no finished run is at '{model}'; name the folder of a run of `kglm train stage=kge`")


def _graph(settings: KgeSettings, graph_dir: Any) -> KnowledgeGraph:
    if graph_dir is None:
        return settings.graph.open(settings.cache_dir)
    return KnowledgeGraph.open(text("graph_dir", graph_dir))


def _with_triples(data: LinkPredictionData, path: str, graph: KnowledgeGraph) -> LinkPredictionData:
    held = {**data.held, "test": read_triples(path, graph)}
    return LinkPredictionData(data.train, held, data.num_entities, data.num_relations)
