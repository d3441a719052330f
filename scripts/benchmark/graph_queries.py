"""Time the searches of kglm.kg.search on a compiled graph, on one thread.

Usage: ``python scripts/benchmark/graph_queries.py GRAPH [--queries N]``. A line for each search goes to stderr; the
last line on stdout is one JSON object: CPU-seconds of N queries about entities drawn at random (of whole-graph
searches: of one), and under ``first_call_s`` what the first call took, loading or compiling included.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kglm.errors import KglmError
from kglm.kg import KnowledgeGraph, search


def main() -> int:
    """Print the figures as JSON; return 1 where the graph cannot be opened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graph", type=Path, help="folder of a compiled graph")
    parser.add_argument("--queries", type=int, default=1000, help="queries of each search")
    arguments = parser.parse_args()
    try:
        graph = KnowledgeGraph.open(arguments.graph)
    except KglmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(measure(graph, arguments.queries)))
    return 0


def measure(graph: KnowledgeGraph, queries: int) -> dict[str, object]:
    """Time every search, and return the figures."""
    sources, targets = np.random.default_rng(0).integers(0, graph.num_entities, (2, queries))
    seconds, first = {}, {}
    for name, run in searches(graph, sources, targets).items():
        start = time.perf_counter()
        run(slice(0, 1))
        first[name] = round(time.perf_counter() - start, 3)
        start = time.process_time()
        run(slice(None))
        seconds[name] = round(time.process_time() - start, 4)
        print(f"{name:40} {seconds[name]:9.4f} CPU-s   first call {first[name]:.2f} s", file=sys.stderr, flush=True)
    return {"graph": graph.name, "triples": graph.num_triples, "queries": queries, **seconds, "first_call_s": first}


def searches(graph: KnowledgeGraph, sources: np.ndarray, targets: np.ndarray) -> dict[str, Callable[[slice], object]]:
    """Return the searches by name, each a function of which queries to answer."""
    pairs = np.stack([sources, targets], 1)
    some = graph.relations[: max(1, graph.num_relations - 1)]  # a filter: what is not all is read from the triples
    return {
        "neighbors": lambda q: search.find_neighbors(graph, sources[q], direction="both"),
        "neighbors, 10 heaviest": lambda q: search.find_neighbors(graph, sources[q], direction="both", limit=10),
        "2 hops, fanout 10, 100 nodes": lambda q: search.extract_neighborhoods(
            graph, pairs[q], fanout=10, max_nodes=100
        ),
        "2 hops, fanout 10, 100 nodes, filtered": lambda q: search.extract_neighborhoods(
            graph, pairs[q], fanout=10, max_nodes=100, relations=some
        ),
        "pagerank 1e-4, top 100": lambda q: search.personalized_pagerank(graph, pairs[q], tolerance=1e-4, top_k=100),
        "pagerank 1e-5, top 100": lambda q: search.personalized_pagerank(graph, pairs[q], tolerance=1e-5, top_k=100),
        "paths, fewest hops": lambda q: search.shortest_paths(graph, sources[q], targets[q], cost="hops"),
        "paths, 1 / weight": lambda q: search.shortest_paths(graph, sources[q], targets[q]),
        "paths, 1 / weight, out": lambda q: search.shortest_paths(graph, sources[q], targets[q], direction="out"),
        "walks of 8": lambda q: search.random_walks(graph, sources[q]),
        "walks of 8, by weight": lambda q: search.random_walks(graph, sources[q], weighted=True),
        "walks of 8 as text": lambda q: sum(map(len, search.walk_texts(graph, sources[q]))),
        "weak components": lambda q: search.connected_components(graph),
        "strong components": lambda q: search.connected_components(graph, connection="strong"),
        "statistics": lambda q: search.graph_statistics(graph),
        "exact pagerank, 1 query": lambda q: search.exact_pagerank(graph, pairs[:1]),
    }


if __name__ == "__main__":
    sys.exit(main())
