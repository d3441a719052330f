"""Time linking of CommonsenseQA's statements (a question with one choice) to the merged ConceptNet.

Usage: ``python scripts/benchmark/linking.py --data-dir DIR``. Progress goes to stderr; the last line on stdout is one
JSON object. ``mentions_per_s`` is the number of statements in a second of one core in which all mentions are found:
from a list of Python strings to arrays of spans and forms, after one pass over the same texts, so that the words are
known; ``cold_mentions_per_s`` is that first pass, base forms of words met first included. Both are by CPU time; the
best of five passes counts.

``linked_per_s`` is the number of statements in a second of wall time that the entity linker links, candidates decided
by context (MiniLM, as many threads as torch takes), in one cold pass over 10,000 statements: base forms, contexts and
the labels of the concepts that are met are all computed in it. A sentence that several statements share (a question
before its five choices) is encoded once; ``sentences_read`` tells how many were. ``linked_per_cpu_s`` is the same by
CPU time, and ``relinked_per_s`` a second pass, the concepts' vectors known.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import patch

import torch

from kglm.data.multiple_choice import read_examples
from kglm.encoders import SpanVectors
from kglm.errors import KglmError
from kglm.kg import KnowledgeGraph
from kglm.kg.catalog import open_recipe
from kglm.linking import EntityLinker, LexicalLinker
from kglm.linking.detection import MentionDetector

PASSES = 5
LINKED = 10_000


def main() -> int:
    """Print the figures as JSON; return 1 where the data are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder with conceptnet/ and commonsense_qa/")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as cache:
            graph = open_recipe("conceptnet", cache, arguments.data_dir)
            texts = statements(arguments.data_dir)
            figures = {"statements": len(texts), **mentions(graph, texts), **peer(graph, texts)}
            figures |= linked(graph, texts[:LINKED])
            figures["ratio_peer"] = ratio(figures)
    except KglmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(figures))
    return 0


def statements(data_dir: Path) -> list[str]:
    """Return every question with each of its choices."""
    examples = read_examples(data_dir / "commonsense_qa" / "train_rand_split.jsonl.gz")
    return [f"{example.question} {choice}" for example in examples for choice in example.choices]


def mentions(graph: KnowledgeGraph, texts: Sequence[str]) -> dict[str, float]:
    """Return how fast the detector and the lexical linker are."""
    seconds, detector = timed(lambda: MentionDetector(graph))
    detector.detect_arrays(["compiled code is loaded"])
    cold, found = timed(lambda: detector.detect_arrays(texts))
    warm = min(timed(lambda: detector.detect_arrays(texts))[0] for _ in range(PASSES))
    adding, _ = timed(lambda: detector.add("a form that nobody has", 0))
    linker = LexicalLinker(graph)
    linker(texts)
    objects = min(timed(lambda: linker(texts))[0] for _ in range(PASSES))
    return {
        "mentions": len(found.starts),
        "mentions_per_s": round(len(texts) / warm),
        "cold_mentions_per_s": round(len(texts) / cold),
        "lexical_links_per_s": round(len(texts) / objects),
        "build_s": round(seconds, 2),
        "add_ms": round(1000 * adding, 2),
    }


def peer(graph: KnowledgeGraph, texts: Sequence[str]) -> dict[str, float | str]:
    """Return how fast spaCy's PhraseMatcher finds the same labels, without inflections, or why none is measured."""
    try:
        import spacy
        from spacy.matcher import PhraseMatcher
    except ImportError as error:
        return {"peer_skipped": f"spaCy is not installed ({error})"}
    language = spacy.blank("en")
    matcher = PhraseMatcher(language.vocab, attr="LOWER")
    matcher.add("label", list(language.tokenizer.pipe(graph.surfaces)))
    some = texts[: len(texts) // 10]
    seconds = min(
        timed(
            lambda: [spacy.util.filter_spans(matcher(doc, as_spans=True)) for doc in language.tokenizer.pipe(some)]
        )[0]
        for _ in range(2)
    )
    return {"peer": f"spaCy {spacy.__version__} PhraseMatcher", "peer_mentions_per_s": round(len(some) / seconds)}


def linked(graph: KnowledgeGraph, texts: Sequence[str]) -> dict[str, float]:
    """Return how fast the entity linker is."""
    linker = EntityLinker(graph)
    linker.link("compiled code is loaded")
    encoder, read = linker.encoder, 0
    encode = encoder.encode_spans

    def counted(sentences: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]]) -> SpanVectors:
        nonlocal read
        read += len(sentences)
        return encode(sentences, spans)

    with patch.object(encoder, "encode_spans", counted):
        start = time.perf_counter()
        cpu, found = timed(lambda: linker(texts))
        wall = time.perf_counter() - start
    start = time.perf_counter()
    linker(texts)
    again = time.perf_counter() - start
    return {
        "linked": len(texts),
        "linked_mentions": sum(map(len, found)),  # type: ignore[call-overload]
        "linked_per_s": round(len(texts) / wall),
        "linked_per_cpu_s": round(len(texts) / cpu),
        "relinked_per_s": round(len(texts) / again),
        "sentences_read": read,
        "concepts_encoded": len(linker.sources.descriptions),
        "threads": torch.get_num_threads(),
    }


def ratio(figures: dict[str, float | str]) -> float | None:
    """Return how many times faster than the peer mentions are found; None without a peer."""
    peer_speed = figures.get("peer_mentions_per_s")
    return None if peer_speed is None else round(float(figures["mentions_per_s"]) / float(peer_speed), 1)


def timed(function: Callable[[], object]) -> tuple[float, object]:
    """Return the CPU seconds of a call, and what it returned."""
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


if __name__ == "__main__":
    sys.exit(main())
