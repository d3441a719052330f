"""Time the features of CommonsenseQA: linking every question and choice, and all schema graphs.

Usage: ``python scripts/benchmark/csqa_features.py --data-dir DIR [--workers N]``. Progress goes to stderr; the
last line on stdout is one JSON object. ``seconds`` is the wall time in which the linker is made and the features are
made and kept on disk; ``linking_seconds`` is the linking among it, and ``load_seconds`` what a later run needs to
find them there, memory-mapped. Compiling the graph (in its own process) and loading compiled code are told apart.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from kglm.data.features import schema_graphs
from kglm.data.grounding import ground
from kglm.data.multiple_choice import read_examples
from kglm.errors import KglmError
from kglm.kg import GraphRecipe, KnowledgeGraph
from kglm.kg.schema_graph import ConceptSets, SchemaOptions, extract_schema_graphs
from kglm.linking import LexicalLinker

RELATION_MAP = Path(__file__).parents[2] / "graphs" / "conceptnet" / "relations.tsv"


def main() -> int:
    """Print the figures as JSON; return 1 where the data are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder with conceptnet/ and commonsense_qa/")
    parser.add_argument("--workers", type=int, default=1, help="threads for the schema graphs")
    arguments = parser.parse_args()
    try:
        print(json.dumps(measure(arguments.data_dir, arguments.workers)))
    except KglmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def measure(data_dir: Path, workers: int) -> dict[str, float]:
    """Compile the graph, make the features of all questions, and return the figures."""
    examples = read_examples(data_dir / "commonsense_qa" / "train_rand_split.jsonl.gz")
    with tempfile.TemporaryDirectory() as folder:
        progress("compiling the graph")
        compile_seconds = in_own_process(compile_graph, data_dir, Path(folder) / "graph")
        graph = KnowledgeGraph.open(Path(folder) / "graph")
        progress(f"{graph!r} after {compile_seconds:.1f} s; loading compiled code")
        clock = Clock()
        extract_schema_graphs(graph, [ConceptSets(np.array([0]), np.array([1]))])
        jit_seconds = clock.lap()

        cpu = time.process_time()
        linker = LexicalLinker(graph)
        parts = {"linker_seconds": clock.lap()}
        progress(f"linker made in {parts['linker_seconds']} s; making the features of {len(examples):,} questions")
        options = SchemaOptions(max_hops=3, max_paths=100)
        make = partial(schema_graphs, examples, graph, linker, options, cache_dir=Path(folder), workers=workers)
        make()
        parts["features_seconds"] = clock.lap()
        cpu = time.process_time() - cpu
        progress(f"made in {parts['features_seconds']} s; loading them")
        schemas = make()
        load_seconds = clock.lap()
        progress(f"loaded in {load_seconds} s; linking once more")
        pairs = ground(examples, linker)
        return {
            "pairs": len(pairs),
            "seconds": round(sum(parts.values()), 3),
            "load_seconds": load_seconds,
            "linking_seconds": clock.lap(),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            "pairs_without_answer_concept": sum(len(pair.choice) == 0 for pair in pairs),
            "pairs_without_question_concept": sum(len(pair.question) == 0 for pair in pairs),
            "pairs_without_path": int((np.diff(schemas.path_offsets) == 0).sum()),
            "nodes": int(schemas.node_offsets[-1]),
            "edges": int(schemas.edge_offsets[-1]),
            "paths": int(schemas.path_offsets[-1]),
            "workers": workers,
            "cpu_seconds": round(cpu, 3),
            **parts,
            "jit_seconds": jit_seconds,
            "compile_seconds": compile_seconds,
        }


def compile_graph(data_dir: Path, folder: Path) -> float:
    """Compile the merged ConceptNet into ``folder`` and return how long that took."""
    clock = Clock()
    source = data_dir / "conceptnet" / "conceptnet_en.tsv.gz"
    GraphRecipe(name="conceptnet", source=str(source), relation_map=str(RELATION_MAP)).compile(folder)
    return clock.lap()


def in_own_process(function: Callable[..., float], *arguments: Path) -> float:
    """Call a function in a fresh process, so that its memory does not count here."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def progress(text: str) -> None:
    """Tell how far it is, on stderr."""
    print(text, file=sys.stderr, flush=True)


class Clock:
    """Wall time in laps."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def lap(self) -> float:
        """Return the seconds since the last lap."""
        now = time.perf_counter()
        seconds, self.start = now - self.start, now
        return round(seconds, 3)


if __name__ == "__main__":
    sys.exit(main())
