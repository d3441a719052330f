"""Time the compiled graph and its search: schema graphs and paths of question-choice pairs, and networkx at the same.

Usage: ``python scripts/benchmark/graph_search.py --data-dir DIR``. Progress and all figures go to stderr; the last
line on stdout is one JSON object. One thread; compiled code is loaded before anything is timed. Times of search are
CPU seconds for 1,000 question-choice pairs of CommonsenseQA, drawn with a fixed seed and linked beforehand: the least
of some rounds, so that neighbours on the machine count for little. networkx gets as many of the pairs as
``--networkx-pairs`` and ``--networkx-seconds`` allow, in the order drawn; the ratios compare with the compiled code's
time on these same pairs.

``--graph FOLDER`` measures the two-hop work on another compiled graph instead, with random concepts that have as many
links as those of the questions have in the merged ConceptNet.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from csqa_features import compile_graph, in_own_process, progress

from kglm.data.grounding import ground
from kglm.data.multiple_choice import read_examples
from kglm.errors import KglmError
from kglm.kg import KnowledgeGraph
from kglm.kg.concept_subgraph import ConceptSubgraphs, extract_subgraphs
from kglm.kg.paths import ScoredLinks
from kglm.kg.schema_graph import ConceptSets, SchemaGraphs, SchemaOptions, extract_schema_graphs
from kglm.linking import LexicalLinker

PAIRS = 1000
MAX_PATHS = 100
SEED = 0
ROUNDS = 15
# How many links a concept of a question or a choice has in the merged ConceptNet: quantiles and values.
QUANTILES = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.997, 1)
DEGREES = (1, 4, 11, 24, 43, 72, 102, 135, 202, 358, 563, 873, 1465, 7755, 7755, 7755)
CONCEPTS = 6


def main() -> int:
    """Print the figures as JSON; return 1 where data are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, help="folder with conceptnet/ and commonsense_qa/")
    parser.add_argument("--networkx-pairs", type=int, default=PAIRS, help="pairs that networkx gets at most")
    parser.add_argument(
        "--networkx-seconds", type=float, default=100, help="time that networkx gets for each kind of work"
    )
    parser.add_argument("--graph", type=Path, help="measure the two-hop work on this compiled graph instead")
    arguments = parser.parse_args()
    if (arguments.data_dir is None) == (arguments.graph is None):
        parser.error("give either --data-dir or --graph")
    try:
        if arguments.graph is not None:
            print(json.dumps(measure_other(arguments.graph)))
        else:
            print(json.dumps(measure(arguments.data_dir, arguments.networkx_pairs, arguments.networkx_seconds)))
    except KglmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def measure(data_dir: Path, networkx_pairs: int, networkx_seconds: float) -> dict[str, float]:
    """Compile the merged ConceptNet, measure all, and return the figures."""
    examples = read_examples(data_dir / "commonsense_qa" / "train_rand_split.jsonl.gz")
    with tempfile.TemporaryDirectory() as folder:
        progress("compiling the graph")
        build_seconds = in_own_process(compile_graph, data_dir, Path(folder) / "graph")
        graph = KnowledgeGraph.open(Path(folder) / "graph")
        progress(f"{graph!r} after {build_seconds:.1f} s; linking, and loading compiled code")
        linked = ground(examples, LexicalLinker(graph))
        pairs = [linked[i] for i in np.random.default_rng(SEED).choice(len(linked), PAIRS, replace=False)]
        two_hop, three_hop = two_hop_graphs(graph), three_hop_graphs(graph)
        figures: dict[str, float] = {
            "build_s": build_seconds,
            "open_ms": open_milliseconds(Path(folder) / "graph"),
            **two_hop_figures(graph, pairs),
            "three_hop_cpu_s_per_1000": per_1000(three_hop, pairs),
        }
        progress("the same by networkx")
        simple = simple_graph(graph)
        for name, ours, peer in (
            ("two_hop", two_hop, lambda pair: peer_subgraph(simple, pair)),
            ("three_hop", three_hop, lambda pair: peer_paths(simple, pair)),
        ):
            seconds, done = until(peer, pairs[:networkx_pairs], networkx_seconds)
            share = per_1000(ours, pairs[:done])
            progress(f"{name}: networkx {1000 * seconds / done:.2f} CPU-s per 1,000, by {done} pairs; here {share}")
            figures[f"{name}_vs_networkx"] = round(1000 * seconds / done / share, 1)
            figures[f"{name}_networkx_cpu_s_per_1000"] = round(1000 * seconds / done, 2)
            figures[f"{name}_networkx_pairs"] = done
        return {**figures, **bytes_per_edge(graph)}


def measure_other(folder: Path) -> dict[str, float]:
    """Measure the two-hop work on another compiled graph."""
    graph = KnowledgeGraph.open(folder)
    progress(f"{graph!r}; loading compiled code")
    pairs = random_pairs(graph)
    return {"open_ms": open_milliseconds(folder), **two_hop_figures(graph, pairs), **bytes_per_edge(graph)}


def two_hop_graphs(graph: KnowledgeGraph) -> Callable[[list[ConceptSets]], ConceptSubgraphs]:
    """Return the two-hop work: as QA-GNN, all nodes next to two concepts and all triples among them, uncapped."""
    return lambda pairs: extract_subgraphs(graph, pairs, max_nodes=graph.num_entities)


def three_hop_graphs(graph: KnowledgeGraph) -> Callable[[list[ConceptSets]], SchemaGraphs]:
    """Return the three-hop work: the best paths of up to three hops, and the schema graphs around them."""
    options, links = SchemaOptions(max_hops=3, max_paths=MAX_PATHS), ScoredLinks.by_weight(graph)
    return lambda pairs: extract_schema_graphs(graph, pairs, options, links=links)


def two_hop_figures(graph: KnowledgeGraph, pairs: list[ConceptSets]) -> dict[str, float]:
    """Return the time of the two-hop work and what an edge that it visits costs."""
    run = two_hop_graphs(graph)
    seconds = per_1000(run, pairs)
    made = run(pairs)
    degrees = np.diff(np.asarray(graph.links.indptr).astype(np.int64))
    of_concepts = int(sum(degrees[pair.question].sum() + degrees[pair.choice].sum() for pair in pairs))
    visited = of_concepts + int(made.visited.sum())
    progress(
        f"two hops: {len(made.nodes):,} nodes, {len(made.edge_relations):,} triples; {visited:,} edges visited, "
        f"{of_concepts:,} of them those of the concepts"
    )
    return {
        "two_hop_cpu_s_per_1000": seconds,
        "two_hop_visited_edges": visited,
        "two_hop_ns_per_visited_edge": round(seconds * len(pairs) / 1000 / visited * 1e9, 2),
    }


def per_1000(run: Callable[[list[ConceptSets]], Any], pairs: list[ConceptSets]) -> float:
    """Return CPU seconds per 1,000 pairs, the least of some rounds after one that loads compiled code."""
    run(pairs)
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        run(pairs)
        rounds.append(time.process_time() - start)
    return round(min(rounds) * 1000 / len(pairs), 5)


def until(run: Callable[[ConceptSets], Any], pairs: Iterable[ConceptSets], seconds: float) -> tuple[float, int]:
    """Run pair by pair until the pairs or the time are over; return CPU seconds and the number of pairs done."""
    start, done = time.process_time(), 0
    for pair in pairs:
        run(pair)
        done += 1
        if time.process_time() - start > seconds:
            break
    return time.process_time() - start, done


def open_milliseconds(folder: Path) -> float:
    """Return the median wall time of opening a graph in a process that has opened it before."""
    times = []
    for _ in range(21):
        clock = time.perf_counter()
        KnowledgeGraph.open(folder)
        times.append(time.perf_counter() - clock)
    return round(1000 * statistics.median(times), 3)


def bytes_per_edge(graph: KnowledgeGraph) -> dict[str, float]:
    """Return the bytes of all adjacency, relation and weight arrays, for each triple and direction."""
    parts = (graph.outgoing, graph.incoming, graph.links)
    sizes = {
        id(array): (name, array.nbytes)
        for part in parts
        for name, array in vars(part).items()
        if isinstance(array, np.ndarray) and name != "weight_values"
    }
    total = sum(size for _, size in sizes.values()) + len(graph.outgoing.weight_values) * 4
    pointers = sum(size for name, size in sizes.values() if name == "indptr")
    directed = 2 * graph.num_triples
    return {
        "bytes_per_edge": round(total / directed, 2),
        "bytes_per_edge_without_pointers": round((total - pointers) / directed, 2),
    }


def random_pairs(graph: KnowledgeGraph) -> list[ConceptSets]:
    """Draw sets of concepts whose degrees are distributed as those of CommonsenseQA in the merged ConceptNet."""
    rng = np.random.default_rng(SEED)
    degrees = np.diff(np.asarray(graph.links.indptr).astype(np.int64))
    order = np.argsort(degrees, kind="stable")
    ranked = degrees[order]
    wanted = np.interp(rng.random((PAIRS, CONCEPTS)), QUANTILES, DEGREES)
    pairs = []
    for row in wanted:
        # Any of the entities whose degree is within a tenth of the one wanted.
        low, high = np.searchsorted(ranked, row * 0.9), np.searchsorted(ranked, row * 1.1, side="right")
        low = np.minimum(low, len(ranked) - 1)
        chosen = dict.fromkeys(order[rng.integers(low, np.maximum(high, low + 1))].tolist())
        concepts = np.array(list(chosen), dtype=np.int32)
        pairs.append(ConceptSets(concepts[:-1], concepts[-1:]))
    return pairs


def simple_graph(graph: KnowledgeGraph) -> nx.Graph:
    """Return the simple undirected graph as the peers hold it, entity ids for nodes, relations on the edges."""
    simple = nx.Graph()
    simple.add_nodes_from(range(graph.num_entities))
    for head in range(graph.num_entities):
        row = graph.out_edges(head)
        for tail, relation in zip(row.neighbors.tolist(), row.relations.tolist(), strict=True):
            if tail == head:
                continue
            if not simple.has_edge(head, tail):
                simple.add_edge(head, tail, relations=[])
            simple[head][tail]["relations"].append((head, relation, tail))
    return simple


def peer_subgraph(simple: nx.Graph, pair: ConceptSets) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Make a subgraph as QA-GNN's preprocessing does: common neighbours of every two concepts, then node pairs."""
    concepts = {*pair.question.tolist(), *pair.choice.tolist()}
    between: set[int] = set()
    for one in concepts:
        for other in concepts:
            if one != other:
                between |= set(simple[one]) & set(simple[other])
    nodes = [*concepts, *sorted(between - concepts)]
    triples = []
    for one in nodes:
        for other in nodes:
            if simple.has_edge(one, other):
                triples += [triple for triple in simple[one][other]["relations"] if triple[0] == one]
    return nodes, triples


def peer_paths(simple: nx.Graph, pair: ConceptSets) -> list[list[int]]:
    """Find paths as KagNet's preprocessing does: between two concepts, longer and longer, until 100 are found."""
    found = []
    for source in pair.question.tolist():
        for target in pair.choice.tolist():
            distinct: dict[tuple[int, ...], None] = {}
            for cutoff in (1, 2, 3):
                for path in nx.all_simple_paths(simple, source=source, target=target, cutoff=cutoff):
                    distinct[tuple(path)] = None
                    if len(distinct) >= MAX_PATHS:
                        break
                if len(distinct) >= MAX_PATHS:
                    break
            found += [list(path) for path in distinct]
    return found


if __name__ == "__main__":
    sys.exit(main())
