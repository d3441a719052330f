"""A model with all it needs to answer: weights, tokenizer, compiled graph and entity vectors in one folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from kglm.data.facts import FactOptions
from kglm.data.facts.corpora import reopen_corpora
from kglm.data.pipeline import FusedEntities, Knowledge, QuestionPipeline, Reasoning
from kglm.embeddings.entity_table import EntityTable
from kglm.encoders import load_encoder
from kglm.errors import ConfigError, DataError, FingerprintMismatchError
from kglm.files import atomic_directory, atomic_write_json, link_or_copy
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.link_scores import LinkScores
from kglm.kg.schema_graph import SchemaOptions
from kglm.linking import LexicalLinker, LexicalLinkerOptions
from kglm.models import KnowledgeQAForMultipleChoice

MANIFEST = "bundle.json"
VERSION = 1
BEST = "best"
MAX_LENGTH = 512  # tokens that an untrained model reads of a text, where its encoder takes so many
LINK_SCORES = "link_scores"
CORPORA = "fact_corpora"
FUSED_ENTITIES = "fused_entities"


@dataclass(frozen=True)
class Bundle:
    """A model and the pipeline that feeds it."""

    model: KnowledgeQAForMultipleChoice
    pipeline: QuestionPipeline

    def save(self, folder: Path | str) -> None:
        """Write the bundle, all or nothing; graph and corpora are linked, not copied, where the disk allows it."""
        knowledge = self.pipeline.knowledge
        manifest: dict[str, Any] = {"version": VERSION, "max_length": self.pipeline.max_length, "graph": None}
        with atomic_directory(folder) as temporary:
            self.model.save_pretrained(temporary)
            self.pipeline.tokenizer.save_pretrained(temporary)
            if knowledge is not None:
                shutil.copytree(knowledge.graph.folder, temporary / "graph", copy_function=link_or_copy)
                reasoning, facts, fused = knowledge.reasoning, knowledge.facts, knowledge.fused
                manifest |= {
                    "graph": {"name": knowledge.graph.name, "fingerprint": knowledge.graph.fingerprint},
                    "linker": asdict(knowledge.linker.options),
                    "schema": None if reasoning is None else asdict(reasoning.schema),
                    "facts": None if facts is None else facts.to_dict(),
                    "fused": None if fused is None else {"shuffle_seed": fused.shuffle_seed},
                }
                if fused is not None:
                    fused.table.save(temporary / FUSED_ENTITIES)
                if knowledge.corpora:
                    manifest["fact_corpora"] = {
                        name: {"digest": corpus.digest} for name, corpus in knowledge.corpora.items()
                    }
                    for name, corpus in knowledge.corpora.items():
                        target = temporary / CORPORA / name
                        shutil.copytree(corpus.index.folder, target, copy_function=link_or_copy)
                if reasoning is not None:
                    reasoning.table.save(temporary / "entity_table")
                    if reasoning.scores is not None:
                        reasoning.scores.save(temporary / LINK_SCORES)
            atomic_write_json(temporary / MANIFEST, manifest)

    @classmethod
    def load(cls, folder: Path | str, graph: KnowledgeGraph | None = None) -> Bundle:
        """Read a bundle, or the best one of a training run.

        Args:
            folder: of the bundle, or of the run.
            graph: use this graph instead of the one in the bundle; it must be the same by content.

        Raises:
            DataError: the folder holds no bundle, or a damaged one.
            FingerprintMismatchError: the model was made on another graph.
            EncoderMismatchError: its facts were indexed with another encoder than the one of that name here.
        """
        folder = _find(Path(folder))
        manifest = _read_manifest(folder)
        model, tokenizer = _load_model(folder)
        knowledge = _load_knowledge(folder, manifest, model.config.graph_fingerprint, graph)
        _check_fused(folder, model, knowledge)
        return cls(model, QuestionPipeline(tokenizer, manifest["max_length"], knowledge))

    @classmethod
    def of_encoder(cls, name: str, options: Mapping[str, Any] | None = None) -> Bundle:
        """Return an untrained model: it answers by the cosine of question and choice, and reads nothing else.

        Args:
            name: of the encoder; see :func:`kglm.encoders.load_encoder` for both.
            options: of its configuration.

        Raises:
            ConfigError: the encoder cannot be loaded.
        """
        encoder, tokenizer = load_encoder(name, options)
        positions = getattr(encoder.config, "max_position_embeddings", None) or MAX_LENGTH
        length = min(positions, tokenizer.model_max_length, MAX_LENGTH)
        return cls(KnowledgeQAForMultipleChoice.from_encoder(encoder), QuestionPipeline(tokenizer, length, None))


def _find(folder: Path) -> Path:
    for candidate in (folder, folder / BEST):
        if (candidate / MANIFEST).is_file():
            return candidate
    reason = "holds no model bundle" if folder.is_dir() else "does not exist"
    raise DataError(
        f"model '{folder}' {reason}; expected the folder of a finished `kglm train` run, or a folder with {MANIFEST}"
    )


def _load_model(folder: Path) -> tuple[KnowledgeQAForMultipleChoice, PreTrainedTokenizerBase]:
    try:
        model = KnowledgeQAForMultipleChoice.from_pretrained(folder).eval()
        return model, AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, RuntimeError, SafetensorError, ConfigError) as error:
        raise DataError(f"the model in '{folder}' cannot be loaded: {' '.join(str(error).split())}") from error


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version = manifest["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"the bundle manifest '{folder / MANIFEST}' cannot be read ({error})") from error
    if version != VERSION:
        raise DataError(f"the model bundle '{folder}' has version {version}, this kglm reads version {VERSION}")
    for key in ("max_length", "graph", *(("linker", "schema") if manifest.get("graph") else ())):
        if key not in manifest:
            raise DataError(f"the bundle manifest '{folder / MANIFEST}' lacks '{key}'")
    return dict(manifest)


def _load_knowledge(
    folder: Path, manifest: dict[str, Any], model_fingerprint: str | None, graph: KnowledgeGraph | None
) -> Knowledge | None:
    """Open what the routes of knowledge draw on; manifest and model must both have been made on its graph."""
    if manifest["graph"] is None:
        return None
    graph = graph or KnowledgeGraph.open(folder / "graph")
    for expected in (manifest["graph"]["fingerprint"], model_fingerprint):
        if expected is not None and expected != graph.fingerprint:
            remedy = (
                "Leave the graph out to use the one in the model's folder, compile it again from the same source "
                "and options, or train on this one."
            )
            raise FingerprintMismatchError(f"the model '{folder}'", expected, graph.fingerprint, remedy)
    try:
        linker = LexicalLinker(graph, LexicalLinkerOptions(**manifest["linker"]))
        schema = None if manifest["schema"] is None else SchemaOptions(**manifest["schema"])
        # Bundles made before there were facts, or fused entities, do not name them.
        facts = None if manifest.get("facts") is None else FactOptions.from_dict(manifest["facts"])
        fused = None
        if manifest.get("fused") is not None:
            table = EntityTable.open(folder / FUSED_ENTITIES, graph)
            fused = FusedEntities(table, **manifest["fused"])
    except (TypeError, AttributeError) as error:
        raise DataError(f"the bundle manifest '{folder / MANIFEST}' cannot be read ({error})") from error
    reasoning = None if schema is None else _load_reasoning(folder, schema, graph)
    if facts is None or not facts.corpora:
        return Knowledge(graph, linker, reasoning, facts, fused=fused)
    corpora = reopen_corpora(facts, graph, folder / CORPORA, manifest.get("fact_corpora", {}))
    return Knowledge(graph, linker, reasoning, facts, corpora, fused)


def _check_fused(folder: Path, model: KnowledgeQAForMultipleChoice, knowledge: Knowledge | None) -> None:
    """Check that the encoder takes in the vectors that lie beside it.

    Raises:
        DataError: it takes in none, others, or they are missing.
    """
    fused = None if knowledge is None else knowledge.fused
    wanted = model.config.entity_dim
    found = None if fused is None else fused.table.dim
    if wanted != found:
        raise DataError(
            f"the encoder in '{folder}' takes in {_vectors(wanted)}, but the bundle holds {_vectors(found)}"
        )


def _vectors(dim: int | None) -> str:
    return "no entity vectors" if dim is None else f"entity vectors of dimension {dim}"


def _load_reasoning(folder: Path, schema: SchemaOptions, graph: KnowledgeGraph) -> Reasoning:
    scores = LinkScores.open(folder / LINK_SCORES, graph) if (folder / LINK_SCORES).exists() else None
    return Reasoning(schema, EntityTable.open(folder / "entity_table", graph), scores)
