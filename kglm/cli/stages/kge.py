"""A knowledge-graph embedding: triples, model, training, and the report on the best one."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import nn

from kglm.cli.settings import RUN_CONFIG, at_least, require_keys, section, text
from kglm.embeddings.graph_embedding import KnowledgeGraphEmbedding
from kglm.embeddings.link_prediction import METRICS, LinkPredictionData, both_sides, describe
from kglm.embeddings.objective import LinkPredictionObjective, ObjectiveConfig
from kglm.embeddings.queries import QueryCollator, TripleQueries
from kglm.embeddings.ranking import rank_triples, ranking_metrics
from kglm.embeddings.scorer_config import ScorerConfig
from kglm.embeddings.scorers import build_scorer
from kglm.errors import ConfigError, UnknownNameError
from kglm.files import atomic_write_json
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.recipe import GraphRecipe
from kglm.training import JsonlTracker, TensorBoardTracker, TrainingConfig, seed_everything, train

logger = logging.getLogger(__name__)

METRICS_FILE = "metrics.json"


@dataclass(frozen=True, kw_only=True)
class HeldSettings:
    """What the trained model is judged by; see :meth:`LinkPredictionData.load`."""

    valid: str | None
    test: str | None
    held_out: float


@dataclass(frozen=True, kw_only=True)
class KgeSettings:
    """Everything that the stage ``kge`` is told. ``dev_triples`` of the valid split choose the best model."""

    name: str
    seed: int
    cache_dir: Path
    graph: GraphRecipe
    held: HeldSettings
    dev_triples: int | None
    scorer: ScorerConfig
    objective: ObjectiveConfig
    trainer: TrainingConfig

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> KgeSettings:
        """Check a resolved configuration.

        Raises:
            ConfigError: a field is unknown or missing, or its value is not allowed.
        """
        values = ("stage", "name", "seed", "run_dir", "dev_triples")
        require_keys(config, values, ("graph", "held", "embedding", "trainer", "paths"))
        embedding, dev = config["embedding"], config["dev_triples"]
        seed = at_least("seed", config["seed"], 0)
        for key in embedding:
            if key not in {"scorer", "objective"}:
                raise ConfigError(f"embedding has no '{key}' (groups: scorer, objective)")
        trainer = section(TrainingConfig, {**config["trainer"], "seed": seed}, "trainer")
        if trainer.selection_metric not in METRICS:
            raise UnknownNameError("selection_metric", trainer.selection_metric, METRICS)
        return cls(
            name=text("name", config["name"]),
            seed=seed,
            cache_dir=Path(text("paths.cache_dir", config["paths"].get("cache_dir"))),
            graph=section(GraphRecipe, config["graph"], "graph"),
            held=section(HeldSettings, config["held"], "held"),
            dev_triples=None if dev is None else at_least("dev_triples", dev, 1),
            scorer=section(ScorerConfig, embedding.get("scorer") or {}, "embedding.scorer"),
            objective=section(ObjectiveConfig, embedding.get("objective") or {}, "embedding.objective"),
            trainer=trainer,
        )


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Train, select by the valid triples, and report the best model on valid and, where there are any, test triples.

    Args:
        config: the resolved configuration; it is kept beside the results.
        output_dir: gets ``best/`` (the embedding), ``last/`` (for a resume), ``metrics.json``, ``tensorboard/`` and
            ``config.json``.

    Returns:
        ``{"valid_mrr": ..., "test_mrr": ..., "valid_hits@10": ...}`` for the splits there are.

    Raises:
        KglmError: the configuration, the data or the graph is not as it must be.
    """
    settings = KgeSettings.from_config(config)
    if (output_dir / METRICS_FILE).is_file() and not settings.trainer.resume:
        raise ConfigError(
            f"'{output_dir}' holds a finished run; name another folder with run_dir=..., or remove it first"
        )
    graph = settings.graph.open(settings.cache_dir)
    logger.info("%r", graph)
    data = load_data(settings, graph)
    _train(settings, graph, data, output_dir)
    atomic_write_json(output_dir / RUN_CONFIG, dict(config))
    reports = _report(settings, graph, data, output_dir)
    print(f"{settings.name}, seed {settings.seed}   ({output_dir})")
    for split, report in reports.items():
        print(describe(report, split))
    return {f"{split}_{name}": report[name] for split, report in reports.items() for name in METRICS}


def load_data(settings: KgeSettings, graph: KnowledgeGraph) -> LinkPredictionData:
    """Return the graph's triples in splits."""
    held = settings.held
    return LinkPredictionData.load(
        graph, valid=held.valid, test=held.test, held_out=held.held_out, seed=settings.seed
    )


def _train(settings: KgeSettings, graph: KnowledgeGraph, data: LinkPredictionData, output_dir: Path) -> None:
    seed_everything(settings.seed)
    queries = data.queries()
    objective = LinkPredictionObjective(
        build_scorer(graph.num_entities, graph.num_relations, settings.scorer), settings.objective
    )
    dev, known = data.sample("valid", settings.dev_triples), data.known("valid")

    def dev_metrics(model: nn.Module, accelerator: Accelerator) -> dict[str, float]:
        ranks = rank_triples(objective.scorer, dev, known, settings.trainer.eval_batch_size)
        return ranking_metrics(both_sides(ranks))

    def save(model: nn.Module, folder: Path) -> None:
        provenance = {"run": settings.name, "seed": settings.seed, "objective": asdict(settings.objective)}
        scorer = objective.scorer
        KnowledgeGraphEmbedding(scorer, graph.fingerprint, graph.relations, provenance).save(folder)

    options = settings.objective
    logger.info("%d triples make %d questions; %d more judge", len(data.train), len(queries), len(dev))
    train(
        objective,
        dataset=range(len(queries)),
        collate=QueryCollator(
            queries,
            negatives=options.negatives,
            batch_answers=options.batch_answers,
            answer_weight=options.answer_weight,
            sampling=options.sampling,
            seed=settings.seed,
        ),
        evaluate=dev_metrics,
        save_bundle=save,
        count=lambda batch: len(batch["answers"]),
        identity=_identity(settings, graph, queries),
        config=settings.trainer,
        output_dir=output_dir,
        trackers=[JsonlTracker(output_dir / "metrics.jsonl"), TensorBoardTracker(output_dir / "tensorboard")],
    )


def _identity(settings: KgeSettings, graph: KnowledgeGraph, queries: TripleQueries) -> dict[str, Any]:
    """Return what, beside the training settings, makes a run what it is; a resume with another is refused."""
    digest = hashlib.sha256()
    for array in (queries.anchors, queries.relations, queries.indptr, queries.answers):
        digest.update(array.tobytes())
    return {
        "graph": graph.fingerprint,
        "training triples": digest.hexdigest(),
        "scorer": asdict(settings.scorer),
        "objective": asdict(settings.objective),
    }


def _report(
    settings: KgeSettings, graph: KnowledgeGraph, data: LinkPredictionData, output_dir: Path
) -> dict[str, dict[str, Any]]:
    """Rank the triples of every split with the best model, and add the figures to the metrics."""
    embedding = KnowledgeGraphEmbedding.load(output_dir / "best", graph)
    batch_size = settings.trainer.eval_batch_size
    reports = {split: data.report(embedding.scorer, split, batch_size) for split in data.held}
    metrics = json.loads((output_dir / METRICS_FILE).read_text(encoding="utf-8"))
    atomic_write_json(output_dir / METRICS_FILE, {**metrics, "splits": reports})
    return reports
