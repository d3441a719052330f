"""Schema graphs of a whole data set, kept on disk under a key of everything they depend on."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from kglm.data.grounding import ground
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.files import atomic_directory, atomic_write_json
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.link_scores import LinkScores
from kglm.kg.paths import ScoredLinks
from kglm.kg.schema_graph import SchemaGraphs, SchemaOptions, extract_schema_graphs
from kglm.linking import LexicalLinker

logger = logging.getLogger(__name__)

VERSION = 2
MANIFEST = "manifest.json"


def features_key(
    examples: Sequence[MultipleChoiceExample],
    linker: LexicalLinker,
    options: SchemaOptions,
    scores: LinkScores | None = None,
) -> dict[str, object]:
    """Return all that the schema graphs of ``examples`` depend on: the graph's content, options, scores and texts."""
    texts = hashlib.sha256()
    for example in examples:
        texts.update(json.dumps([example.question, *example.choices]).encode())
    return {
        "version": VERSION,
        "graph": linker.graph.fingerprint,
        "linker": linker.options.cache_key(),
        "schema": asdict(options),
        "scores": None if scores is None else scores.digest,
        "texts": texts.hexdigest(),
    }


def schema_graphs(
    examples: Sequence[MultipleChoiceExample],
    graph: KnowledgeGraph,
    linker: LexicalLinker,
    options: SchemaOptions,
    *,
    scores: LinkScores | None = None,
    cache_dir: Path | str | None = None,
    workers: int | str = 1,
) -> SchemaGraphs:
    """Return the schema graphs of all question-choice pairs, question by question.

    Args:
        examples: G = the sum of their numbers of choices.
        graph: the graph that the linker links to.
        linker: finds the concepts.
        options: what the schema graphs hold.
        scores: of the links, by which paths are selected and pruned; None takes the weights.
        cache_dir: where they are kept and found again, memory-mapped; None keeps nothing.
        workers: threads, or the address of a Dask scheduler; see :func:`kglm.kg.schema_graph.extract_schema_graphs`.
    """
    key = features_key(examples, linker, options, scores)
    if cache_dir is None:
        return _extract(examples, graph, linker, options, scores, workers)
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    folder = Path(cache_dir) / "features" / digest
    if not (folder / MANIFEST).is_file():
        logger.info("extracting schema graphs of %d questions", len(examples))
        made = _extract(examples, graph, linker, options, scores, workers)
        with atomic_directory(folder) as temporary:
            for name, array in made.arrays().items():
                np.save(temporary / f"{name}.npy", array)
            atomic_write_json(temporary / MANIFEST, key)
    names = [field.name for field in fields(SchemaGraphs)]
    return SchemaGraphs(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names})


def _extract(
    examples: Sequence[MultipleChoiceExample],
    graph: KnowledgeGraph,
    linker: LexicalLinker,
    options: SchemaOptions,
    scores: LinkScores | None,
    workers: int | str,
) -> SchemaGraphs:
    links = None if scores is None else ScoredLinks.by_score(graph, scores.values)
    return extract_schema_graphs(graph, ground(examples, linker), options, workers, links)
