"""Synthetic questions as a task: made once for a graph and kept as JSON lines."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kglm.data.multiple_choice import read_examples, write_examples
from kglm.data.synthetic.options import QuestionOptions
from kglm.data.synthetic.templates import QuestionTemplates
from kglm.data.task import Examples, Task
from kglm.errors import ConfigError, DataError
from kglm.files import atomic_directory, atomic_write_json
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.recipe import GraphRecipe

if TYPE_CHECKING:
    from kglm.data.synthetic.generator import QuestionCounts, QuestionGenerator
    from kglm.encoders import TextEncoder

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class SyntheticTask(Task):
    """Multiple-choice questions from a graph's triples; no labelled data enters.

    The questions of the three splits name different entities (by label), so that dev and test ask about what was
    never asked about in training. They are kept under ``cache_dir/questions`` by a key of all that they depend on.

    Attributes:
        name: of the task.
        graph: how the graph is compiled.
        cache_dir: where graph and questions are kept.
        train: at most so many questions to train on.
        dev: at most so many to select the model by.
        test: at most so many to report on.
        templates: file with the forms of questions; None asks by the clauses of :mod:`kglm.kg.verbalization`.
        encoder: name of the encoder whose cosine shall not tell the answer; None takes distractors as they are drawn.
        options: which triples are asked, and how.
    """

    name: str
    graph: GraphRecipe
    cache_dir: str
    train: int
    dev: int
    test: int
    templates: str | None = None
    encoder: str | None = None
    options: QuestionOptions = field(default_factory=QuestionOptions)

    def __post_init__(self) -> None:
        for split in self.SPLITS:
            if getattr(self, split) < 1:
                raise ConfigError(f"task {split} is {getattr(self, split)}, expected at least 1")
        if not self.options.held_out:
            raise ConfigError("task held_out is 0; dev and test need a share of the entities")

    def load(self) -> dict[str, Examples]:
        """Make the questions, or find those made before.

        Raises:
            DataError: the graph gives a split no question, or the file of templates is malformed.
            ConfigError: the encoder cannot be loaded.
            UnknownNameError: the graph has no relation of a name.
        """
        graph = self.graph.open(self.cache_dir)
        templates = QuestionTemplates() if self.templates is None else QuestionTemplates.read(self.templates)
        reader = None if self.encoder is None else load_reader(self.encoder)
        key = {
            "graph": graph.fingerprint,
            "name": graph.name,
            "templates": templates.digest,
            "encoder": None if reader is None else reader.digest,
            "sizes": [getattr(self, split) for split in self.SPLITS],
            "options": self.options.cache_key(),
        }
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        folder = Path(self.cache_dir) / "questions" / digest
        if not (folder / MANIFEST).is_file():
            logger.info("making questions from %r", graph)
            self._make(folder, key, make_generator(graph, self.options, templates, reader))
        return {split: read_examples(folder / f"{split}.jsonl") for split in self.SPLITS}

    def _make(self, folder: Path, key: dict[str, Any], generator: QuestionGenerator) -> None:
        from kglm.data.synthetic.generator import QuestionCounts

        made = {}
        with atomic_directory(folder) as temporary:
            for split in self.SPLITS:
                counts = QuestionCounts()
                questions = generator.questions(split, getattr(self, split), counts)
                write_examples(temporary / f"{split}.jsonl", questions)
                if not counts.total:
                    raise DataError(
                        f"graph '{generator.graph.name}' gives no {split} question; ask more relations, name longer "
                        "labels (max_words), or hold out another share of the entities (held_out)"
                    )
                made[split] = summary(counts)
                logger.info("%s: %s", split, describe(counts))
            atomic_write_json(temporary / MANIFEST, {"key": key, "graph": asdict(self.graph), "made": made})


def load_reader(name: str) -> TextEncoder:
    """Return the encoder whose cosine shall not tell the answer, on a GPU if there is one.

    Raises:
        ConfigError: it cannot be loaded.
    """
    from kglm.encoders import TextEncoder, default_device

    return TextEncoder.load(name, max_length=32, device=default_device())


def make_generator(
    graph: KnowledgeGraph, options: QuestionOptions, templates: QuestionTemplates, reader: TextEncoder | None
) -> QuestionGenerator:
    """Return the generator; without a reader, distractors are taken as they are drawn."""
    from kglm.data.synthetic.generator import QuestionGenerator

    if reader is None:
        return QuestionGenerator(graph, options, templates)
    from kglm.data.synthetic.filtering import CosineFilter

    return QuestionGenerator(graph, options, templates, CosineFilter(graph, reader))


def summary(counts: QuestionCounts) -> dict[str, Any]:
    """Return the counts for a manifest or a report."""
    return {
        "questions": counts.total,
        "relations": dict(counts.made.most_common()),
        "too_few_distractors": counts.too_few,
        "cosine_accuracy": counts.cosine_accuracy,
    }


def describe(counts: QuestionCounts) -> str:
    """Return the counts as a line."""
    line = f"{counts.total:,} questions on {len(counts.made)} relations"
    if counts.cosine_accuracy is not None:
        line += f", the encoder's cosine is right in {100 * counts.cosine_accuracy:.1f} %"
    return line
