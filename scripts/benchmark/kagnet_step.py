"""Time one training step of KagNet's module on real schema graphs, and check it against a naive restatement.

Usage: ``python scripts/benchmark/kagnet_step.py --data-dir DIR [--steps N]``. Batches of 8 questions with 5 choices
from CommonsenseQA over the merged ConceptNet (paths up to 3 hops, at most 100 a pair); random statement and entity
vectors of 384 dimensions; forward, backward and AdamW step on one thread. The last line on stdout is one JSON
object: ``cpu_seconds`` is the median of a step. For scale, ``flops`` counts the matrix products of a forward pass and
``matmul_cpu_seconds`` is what three times as many take here in one large product: the limit of any implementation.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from kglm.data.graph_batching import batch_graphs
from kglm.data.grounding import ground
from kglm.data.multiple_choice import read_examples
from kglm.embeddings.entity_table import EntityTable
from kglm.errors import KglmError
from kglm.kg import GraphRecipe
from kglm.kg.schema_graph import extract_schema_graphs
from kglm.linking import LexicalLinker
from kglm.nn import GraphBatch, KagNet

RELATION_MAP = Path(__file__).parents[2] / "graphs" / "conceptnet" / "relations.tsv"
DIM = 384
QUESTIONS, CHOICES = 8, 5


def main() -> int:
    """Print the figures as JSON; return 1 where the data are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder with conceptnet/ and commonsense_qa/")
    parser.add_argument("--steps", type=int, default=10, help="steps that are timed")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    try:
        batches, num_relations = make_batches(arguments.data_dir, arguments.steps)
    except KglmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(measure(batches, num_relations)))
    return 0


def make_batches(data_dir: Path, count: int) -> tuple[list[GraphBatch], int]:
    """Return ``count`` batches of real schema graphs, and the number of relations."""
    examples = read_examples(data_dir / "commonsense_qa" / "train_rand_split.jsonl.gz")[: QUESTIONS * count]
    recipe = GraphRecipe(
        name="conceptnet",
        source=str(data_dir / "conceptnet" / "conceptnet_en.tsv.gz"),
        relation_map=str(RELATION_MAP),
    )
    with tempfile.TemporaryDirectory() as folder:
        print("compiling the graph", file=sys.stderr)
        graph = recipe.compile(Path(folder) / "graph")
        schemas = extract_schema_graphs(graph, ground(examples, LexicalLinker(graph)))
        vectors = np.random.default_rng(0).normal(size=(graph.num_entities, DIM)).astype(np.float32)
        table = EntityTable(vectors, graph.fingerprint, {})
        size = QUESTIONS * CHOICES
        batches = [batch_graphs(schemas, range(i * size, (i + 1) * size), table) for i in range(count)]
    return batches, graph.num_relations


def measure(batches: list[GraphBatch], num_relations: int) -> dict[str, float]:
    """Train on the batches and return the figures."""
    torch.manual_seed(0)
    model = KagNet(entity_dim=DIM, statement_dim=DIM, num_relations=num_relations, dropout=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    times = []
    for graph in [batches[0], *batches]:  # the first one warms up
        statement = torch.randn(graph.num_graphs, DIM)
        start = time.process_time()
        model(graph, statement).graph_vector.square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.process_time() - start)
    flops = statistics.median(forward_flops(model, graph) for graph in batches)
    return {
        "cpu_seconds": round(statistics.median(times[1:]), 4),
        "matmul_cpu_seconds": round(matmul_seconds(3 * flops), 4),
        "flops": flops,
        "nodes": statistics.median(graph.num_nodes for graph in batches),
        "pairs": statistics.median(graph.num_pairs for graph in batches),
        "paths": statistics.median(graph.num_paths for graph in batches),
    }


def forward_flops(model: KagNet, graph: GraphBatch) -> int:
    """Return twice the multiply-adds of the matrix products that no implementation can leave out."""
    rows = {
        "concept_projection": graph.num_nodes,
        "convolutions": graph.num_nodes,
        "path_encoder.node_gates": graph.num_nodes,
        "path_encoder.hidden_gates": graph.path_nodes.numel(),
        "pair_mlp": graph.num_pairs,
        "path_query": graph.num_pairs,
        "pair_query": graph.num_graphs,
        "path_encoder.relation": model.path_encoder.relations.embedding.num_embeddings,
    }
    matrices = [(name, p.numel()) for name, p in model.named_parameters() if p.dim() == 2 and "embedding" not in name]
    return sum(2 * next(rows[key] for key in rows if name.startswith(key)) * size for name, size in matrices)


def matmul_seconds(flops: float) -> float:
    """Return the CPU-seconds of ``flops`` in one large single-precision product."""
    size = 1024
    first, second = torch.randn(size, size), torch.randn(size, size)
    first @ second
    start = time.process_time()
    for _ in range(5):
        first @ second
    return flops / (2 * size**3) * (time.process_time() - start) / 5


if __name__ == "__main__":
    sys.exit(main())
