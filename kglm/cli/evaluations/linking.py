"""An entity linker on a gold set, beside what alias and prior alone would do with the same candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from kglm.cli.linkers import EntityLinkerSettings
from kglm.cli.settings import require_keys, section, text
from kglm.embeddings.text_embeddings import text_table
from kglm.errors import ConfigError, require_file_place
from kglm.files import atomic_write_json
from kglm.kg.recipe import GraphRecipe
from kglm.linking.evaluation.gold import read_gold
from kglm.linking.evaluation.identifiers import EntityIdentifiers
from kglm.linking.evaluation.linking import LinkingReport, evaluate_linking
from kglm.linking.evaluation.metrics import MicroMacro
from kglm.linking.weights import PRIOR, PRIOR_WITH_NIL


@dataclass(frozen=True, kw_only=True)
class GoldSettings:
    """A gold set, and how its entities are named in the graph."""

    name: str
    path: str
    format: str | None
    identifiers: str | None


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Print the scores of a linker on a gold set as a table, and return them.

    Raises:
        KglmError: the configuration, the graph or the gold set is not as it must be.
    """
    require_keys(config, ("evaluation", "prior", "report"), ("graph", "linker", "gold", "paths"))
    if not isinstance(config["prior"], bool):
        raise ConfigError(f"prior is {config['prior']!r}; allowed: true, false")
    target = None if config["report"] is None else require_file_place(text("report", config["report"]), "report")
    gold = section(GoldSettings, config["gold"], "gold")
    settings = section(EntityLinkerSettings, config["linker"], "linker")
    recipe = section(GraphRecipe, config["graph"], "graph")
    documents = read_gold(gold.path, gold.format)
    cache_dir = Path(text("paths.cache_dir", config["paths"].get("cache_dir")))
    graph = recipe.open(cache_dir)
    identifiers = EntityIdentifiers.read(graph, gold.identifiers)
    linker = settings.open(graph)
    if linker.table is None:
        linker = settings.open(graph, table=text_table(graph, linker.encoder, cache_dir, content="description"))
    reports = {"linker": evaluate_linking(linker, documents, identifiers)}
    if config["prior"]:
        for name, weights in (("prior alone", PRIOR), ("prior and NIL", PRIOR_WITH_NIL)):
            reports[name] = evaluate_linking(linker.with_weights(weights), documents, identifiers)
    print_reports(gold.name, reports)
    if target is not None:
        atomic_write_json(target, {name: figures(report) for name, report in reports.items()})
    best = reports["linker"]
    return {
        "given_f1": best.given.micro.f1,
        "given_accuracy_with_nil": best.given_with_nil.micro.f1,
        "found_f1": best.found.micro.f1,
        "calibration_error": best.reliability.error,
    }


def print_reports(name: str, reports: Mapping[str, LinkingReport]) -> None:
    """Print one table for a gold set, and the recall of candidates and the calibration under it."""
    console = Console(width=110, highlight=False)
    first = next(iter(reports.values()))
    title = (
        f"{name}: {first.documents} documents, {first.mentions} mentions, {first.in_graph} of entities in the graph"
    )
    table = Table(title=title, title_justify="left")
    for heading in ("", "mentions", "entities"):
        table.add_column(heading)
    for heading in ("micro P", "R", "F1", "macro P", "R", "F1"):
        table.add_column(heading, justify="right")
    for system, report in reports.items():
        rows: tuple[tuple[str, str, MicroMacro], ...] = (
            ("given", "in the graph", report.given),
            ("given", "and NIL", report.given_with_nil),
            ("found", "in the graph", report.found),
            ("found", "and NIL", report.found_with_nil),
            ("found", "spans alone", report.spans),
        )
        for mentions, entities, scores in rows:
            values = [f"{100 * value:.1f}" for side in scores for value in side]
            table.add_row(system, mentions, entities, *values)
    console.print(table)
    for system, report in reports.items():
        recall = ", ".join(f"{100 * value:.1f} at {k}" for k, value in report.recall.items())
        console.print(
            f"{system}: recall of candidates {recall}; calibration error {100 * report.reliability.error:.1f}"
        )


def figures(report: LinkingReport) -> dict[str, Any]:
    """Return all that a report holds, as JSON can hold it."""
    values = asdict(report)
    for name in ("given", "given_with_nil", "found", "found_with_nil", "spans"):
        scores: MicroMacro = getattr(report, name)
        values[name] = {side: scores_._asdict() for side, scores_ in scores._asdict().items()}
    bins = report.reliability
    values["reliability"] = {
        "counts": bins.counts.tolist(),
        "confidences": bins.confidences.tolist(),
        "accuracies": bins.accuracies.tolist(),
        "error": bins.error,
    }
    return values
