"""A chooser of word senses by their vectors, on an encoder with or without the senses fused into it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn
from transformers import PreTrainedTokenizerBase

from kglm.cli.fusion import Entities, build_model
from kglm.cli.fusion_task_settings import FusionTaskSettings, shared_settings
from kglm.cli.settings import RUN_CONFIG, section
from kglm.cli.text_classification import METRICS, refuse_finished, shown
from kglm.data.entity_inputs import TextCollator
from kglm.data.pretraining.semcor import TaggedSentence, read_tagged
from kglm.data.relation_examples import hash_share
from kglm.data.word_senses import SenseCollator, SenseDataset, SenseExample, Senses, to_examples, wordnet_inventory
from kglm.encoders import check_max_length
from kglm.encoders.digest import weights_digest
from kglm.errors import ConfigError, DataError
from kglm.files import atomic_write_json, atomic_write_jsonl
from kglm.models.modeling_fusion_senses import FusionEncoderForWordSenses
from kglm.training import (
    Batch,
    JsonlTracker,
    TensorBoardTracker,
    autocast,
    model_inputs,
    resolve_precision,
    seed_everything,
    train,
)

logger = logging.getLogger(__name__)

MEASURES = ("accuracy", "ambiguous_accuracy", "loss")


@dataclass(frozen=True, kw_only=True)
class SenseTask:
    """Sense-tagged text.

    Attributes:
        name: what the task is called.
        train: SemCor; a tenth of its files, by the hash of their name, is ``dev``.
        test: an evaluation set in its format.
        fused: whether the senses of a sentence's words enter the encoder; if not, it is the plain one.
        max_sentences: of the training part, the first by the hash of their text; None takes all.
        max_dev_sentences: of the dev part, likewise.
        hidden: share of the words that are masked in the text of every part: the encoder has to learn from their
            senses, if these enter it, what stands there.
    """

    name: str
    train: str
    test: str
    fused: bool
    max_sentences: int | None
    max_dev_sentences: int | None
    hidden: float

    def __post_init__(self) -> None:
        if not 0 <= self.hidden <= 1:
            raise ConfigError(f"senses.hidden is {self.hidden}; allowed: a number from 0 to 1")

    def load(self) -> dict[str, list[TaggedSentence]]:
        """Return the sentences of each part.

        Raises:
            DataError: a file is missing or malformed, or a part is empty.
        """
        sentences = list(read_tagged(self.train))
        held_out = [hash_share(_file(sentence)) < 0.1 for sentence in sentences]
        parts = {
            "train": _first([s for s, held in zip(sentences, held_out, strict=True) if not held], self.max_sentences),
            "dev": _first([s for s, held in zip(sentences, held_out, strict=True) if held], self.max_dev_sentences),
            "test": list(read_tagged(self.test)),
        }
        for name, part in parts.items():
            if not part:
                raise DataError(f"the part '{name}' of the sense-tagged text has no sentence")
        return parts


def _first(sentences: list[TaggedSentence], count: int | None) -> list[TaggedSentence]:
    """Return the first sentences by the hash of their text; None returns all."""
    return sorted(sentences, key=lambda sentence: hash_share(sentence.text))[:count]


def _file(sentence: TaggedSentence) -> str:
    return sentence.id.rpartition(".")[0]


@dataclass(frozen=True, kw_only=True)
class SenseSettings(FusionTaskSettings):
    """Everything that the stage is told."""

    senses: SenseTask

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> SenseSettings:
        """Check a resolved configuration.

        Raises:
            ConfigError: a field is unknown or missing, or its value is not allowed.
        """
        shared = shared_settings(config, "senses", MEASURES)
        if shared["entities"].source == "none":
            raise ConfigError(
                "entities.source is 'none', but senses are chosen by their vectors; with senses.fused=false they "
                "stay out of the encoder"
            )
        return cls(senses=section(SenseTask, config["senses"], "senses"), **shared)


@dataclass(frozen=True)
class SenseRun:
    """A model with its data, ready to be trained."""

    model: FusionEncoderForWordSenses
    tokenizer: PreTrainedTokenizerBase
    parts: Mapping[str, SenseDataset]
    collate: SenseCollator
    batch_size: int

    @cached_property
    def inventories(self) -> Set[Senses]:
        """The senses of the words in the training part: what is in it is a lemma seen in training."""
        return {mention.candidates for example in self.parts["train"].examples for mention in example.text.mentions}

    def batches(self, name: str) -> Iterator[Batch]:
        """Yield the sentences of a part, those of like lengths together."""
        part = self.parts[name]
        order = np.argsort(part.lengths, kind="stable").tolist()
        for start in range(0, len(order), self.batch_size):
            yield self.collate([part[index] for index in order[start : start + self.batch_size]])

    def save(self, model: nn.Module, folder: Path) -> None:
        """Write model and tokenizer."""
        model.save_pretrained(folder)  # type: ignore[operator]
        self.tokenizer.save_pretrained(folder)

    def predict(self, name: str, model: nn.Module, accelerator: Accelerator) -> tuple[list[dict[str, Any]], float]:
        """Return a row for each word of a part, and the mean loss."""
        examples = {example.id: example for example in self.parts[name].examples}
        rows: list[dict[str, Any]] = []
        losses = 0.0
        was_training = model.training
        model.eval()
        with torch.inference_mode():
            for batch in self.batches(name):
                output = model(**model_inputs(batch, accelerator.device))
                losses += output.loss.item() * len(batch["ids"])
                best = output.logits.argmax(-1).cpu().numpy()
                for row, sentence in enumerate(batch["ids"]):
                    rows += _rows(examples[sentence], best[row], self.inventories)
        model.train(was_training)
        return rows, losses / len(examples)


def _slices(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return accuracy and number of words by part of speech, and of ambiguous words by what is known of them.

    The senses of a word are in WordNet's order, the most frequent one first.
    """
    hits = defaultdict(list)
    for row in rows:
        names = [row["pos"]]
        if row["senses"] > 1:
            names.append("lemma seen in training" if row["seen"] else "lemma not seen in training")
            names.append("first sense" if row["label"] == 0 else "another sense")
        for name in names:
            hits[name].append(row["correct"])
    return {name: {"accuracy": sum(found) / len(found), "words": len(found)} for name, found in sorted(hits.items())}


def _rows(example: SenseExample, best: np.ndarray, seen: Set[Senses]) -> Iterator[dict[str, Any]]:
    for place, (mention, label, pos) in enumerate(
        zip(example.text.mentions, example.labels, example.pos, strict=True)
    ):
        yield {
            "id": f"{example.id}:{place}",
            "word": mention.text,
            "pos": pos,
            "senses": len(mention.candidates),
            "seen": mention.candidates in seen,
            "label": label,
            "predicted": int(best[place]),
            "correct": int(best[place]) == label,
        }


def measure(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return accuracy over all words, and over those with more than one sense; a sense not listed counts as wrong.

    Raises:
        DataError: there is no word with more than one sense.
    """
    ambiguous = [row["correct"] for row in rows if row["senses"] > 1]
    if not ambiguous:
        raise DataError("no word has more than one sense")
    return {
        "accuracy": sum(row["correct"] for row in rows) / len(rows),
        "ambiguous_accuracy": sum(ambiguous) / len(ambiguous),
    }


def run(config: Mapping[str, Any], output_dir: Path) -> dict[str, float]:
    """Train, select by the dev split, and report the best model on the splits asked for, slice by slice.

    Args:
        config: the resolved configuration; it is kept beside the results.
        output_dir: gets ``best/``, ``last/``, ``metrics.json`` (with the accuracy of the most frequent sense as
            ``first_sense``), ``predictions_SPLIT.jsonl``, ``tensorboard/`` and ``config.json``.

    Returns:
        ``{"dev_accuracy": ..., "dev_ambiguous_accuracy": ..., ...}``

    Raises:
        KglmError: the configuration, the data or the graph is not as it must be.
    """
    settings = SenseSettings.from_config(config)
    refuse_finished(output_dir, settings.trainer)
    seed_everything(settings.seed)
    made = prepare(settings)

    def on_dev(model: nn.Module, accelerator: Accelerator) -> dict[str, float]:
        rows, loss = made.predict("dev", model, accelerator)
        return {**measure(rows), "loss": loss}

    identity = {
        "initial weights": weights_digest(made.model),
        "model": hashlib.sha256(
            json.dumps(made.model.config.to_dict(), sort_keys=True, default=str).encode()
        ).hexdigest(),
        "max_length": settings.max_length,
        "entities": repr(settings.entities),
        **{
            f"{name} texts": hashlib.sha256(repr([(e.text, e.labels) for e in part.examples]).encode()).hexdigest()
            for name, part in made.parts.items()
        },
    }
    result = train(
        made.model,
        dataset=made.parts["train"],
        collate=made.collate,
        evaluate=on_dev,
        save_bundle=made.save,
        config=settings.trainer,
        output_dir=output_dir,
        trackers=[JsonlTracker(output_dir / "metrics.jsonl"), TensorBoardTracker(output_dir / "tensorboard")],
        identity=identity,
    )
    atomic_write_json(output_dir / RUN_CONFIG, dict(config))
    results = _report(settings, made, result.best_dir, output_dir)
    print(f"{settings.name}, seed {settings.seed}: {shown(results)}   ({output_dir})")
    return results


def _report(settings: SenseSettings, made: SenseRun, best: Path, output_dir: Path) -> dict[str, float]:
    accelerator = Accelerator(mixed_precision="no")
    model: Any = FusionEncoderForWordSenses.from_pretrained(best)
    model.to(accelerator.device)
    splits: dict[str, Any] = {}
    for name in settings.report_splits:
        with autocast(resolve_precision(settings.trainer.precision, accelerator.device), accelerator.device):
            rows, loss = made.predict(name, model, accelerator)
        first = sum(row["label"] == 0 for row in rows) / len(rows)
        splits[name] = {
            **measure(rows),
            "loss": loss,
            "words": len(rows),
            "first_sense": first,
            "slices": _slices(rows),
        }
        atomic_write_jsonl(output_dir / f"predictions_{name}.jsonl", rows)
    metrics = json.loads((output_dir / METRICS).read_text(encoding="utf-8"))
    atomic_write_json(output_dir / METRICS, {**metrics, "splits": splits})
    return {
        f"{name}_{metric}": values[metric]
        for name, values in splits.items()
        for metric in ("accuracy", "ambiguous_accuracy", "first_sense")
    }


def prepare(settings: SenseSettings) -> SenseRun:
    """Return the untrained model with its data."""
    entities = Entities.open(settings.entities, settings.graph, settings.cache_dir)
    if entities is None:
        raise ConfigError("entities.source is 'none', but senses are chosen by their vectors")
    inventory = wordnet_inventory(entities.graph)
    sentences = settings.senses.load()
    plain = not settings.senses.fused
    model, tokenizer = build_model(
        FusionEncoderForWordSenses, settings.encoder, settings.fusion, entities, plain=plain
    )
    check_max_length(settings.max_length, model.config.backbone_config, tokenizer)
    parts = {
        name: SenseDataset(
            to_examples(part, inventory, entities.graph),
            tokenizer,
            settings.max_length,
            hidden=settings.senses.hidden,
        )
        for name, part in sentences.items()
    }
    for name, part in parts.items():
        logger.info("%s: %d sentences, %d words", name, len(part), sum(len(e.labels) for e in part.examples))
    fused = entities.vectors if settings.senses.fused else None
    # The control shuffles what enters the encoder, not what words are compared with.
    collate = SenseCollator(TextCollator(tokenizer, fused), entities.table)
    return SenseRun(model, tokenizer, parts, collate, settings.trainer.eval_batch_size)
