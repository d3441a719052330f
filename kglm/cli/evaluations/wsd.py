"""Word sense disambiguation of a trained linker, or of an untrained one, on a sense-tagged text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kglm.cli.settings import require_keys, section, text
from kglm.errors import ConfigError, require_file_place
from kglm.files import atomic_write_jsonl
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.recipe import GraphRecipe
from kglm.linking.bundle import MANIFEST
from kglm.linking.entity_linker import EntityLinker
from kglm.linking.evaluation.sense_tagged import read_sense_tagged
from kglm.linking.evaluation.wsd import WsdReport, describe, evaluate_wsd, find_senses
from kglm.linking.options import EntityLinkerOptions


@dataclass(frozen=True, kw_only=True)
class TaggedGoldSettings:
    """A sense-tagged text, and whether the graph's sense counts were made on it."""

    name: str
    path: str
    counted: bool


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Print F1 overall and by part of speech, beside that of the first sense, and the calibration error.

    Raises:
        KglmError: the linker, the graph or the text is not as it must be.
    """
    require_keys(config, ("evaluation", "model", "end_to_end", "predictions"), ("graph", "gold", "paths"))
    if not isinstance(config["end_to_end"], bool):
        raise ConfigError(f"end_to_end is {config['end_to_end']!r}; allowed: true, false")
    gold = section(TaggedGoldSettings, config["gold"], "gold")
    predictions = config["predictions"]
    place = None if predictions is None else require_file_place(predictions, "file for predictions")
    folder = None if config["model"] is None else _linker_folder(Path(text("model", config["model"])))
    sentences = read_sense_tagged(gold.path)
    cache_dir = Path(text("paths.cache_dir", config["paths"].get("cache_dir")))
    linker = _linker(folder, section(GraphRecipe, config["graph"], "graph").open(cache_dir))
    report = evaluate_wsd(linker, sentences, counted=gold.counted)
    print(describe(report, gold.name))
    metrics = report.metrics()
    if config["end_to_end"]:
        scores = find_senses(linker, sentences)
        print(
            f"  mentions not given: precision {100 * scores.precision:.1f}, recall {100 * scores.recall:.1f}, "
            f"F1 {100 * scores.f1:.1f}"
        )
        metrics |= {f"end_to_end_{name}": value for name, value in scores._asdict().items()}
    if place is not None:
        _write(place, report)
    return metrics


def _linker_folder(model: Path) -> Path:
    """Return the folder of a linker, or of the one that a run has made.

    Raises:
        ConfigError: there is none.
    """
    for folder in (model, model / "linker"):
        if (folder / MANIFEST).is_file():
            return folder
    raise ConfigError(f"no linker is at '{model}'; name the folder of a run of `kglm train stage=linker`")


def _linker(folder: Path | None, graph: KnowledgeGraph) -> EntityLinker:
    if folder is None:
        return EntityLinker(graph, options=EntityLinkerOptions(kind="senses"))
    return EntityLinker.load(folder, graph)


def _write(place: Path, report: WsdReport) -> None:
    rows = [
        {"id": name, "entity": entity, "probability": probability, "correct": right}
        for name, entity, probability, right in report.answers
    ]
    atomic_write_jsonl(place, rows)
