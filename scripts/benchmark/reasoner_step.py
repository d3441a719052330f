"""Cost of one training step of each reasoner: ragged batch against one graph at a time, and against PyG's layers.

python scripts/benchmark/reasoner_step.py
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence

import torch

from kglm.models.reasoners import REASONERS, build_reasoner
from kglm.nn import GraphBatch
from kglm.nn.gcn import SymmetricConvolution
from kglm.nn.ragged import segment_index
from kglm.nn.relation_slots import RelationSlots
from kglm.nn.rgcn import RelationalConvolution
from kglm.testing import concatenate_graphs, random_graph

RELATIONS, DIM = 17, 384


def make_graphs(count: int) -> list[GraphBatch]:
    """Return graphs of 15 to 60 nodes and 45 to 120 paths, with two random relations an edge: more than real ones."""
    generator = torch.Generator().manual_seed(0)
    sizes = torch.randint(15, 60, (count,), generator=generator).tolist()
    return [
        random_graph(
            num_nodes=size, num_paths=30 + size, num_concepts=4, num_extra_edges=2 * size, num_relations=RELATIONS,
            entity_dim=DIM, seed=seed,
        )
        for seed, size in enumerate(sizes)
    ]  # fmt: skip


def seconds(step: Callable[[], object], repeats: int) -> float:
    """Return the shortest of some runs, after one that warms up."""
    step()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return min(times)


def compare_reasoners(graphs: Sequence[GraphBatch], repeats: int) -> dict[str, dict[str, float]]:
    """Return seconds of forward and backward, batched and one graph at a time."""
    batch, statement = concatenate_graphs(graphs), torch.randn(len(graphs), DIM)
    found = {}
    for name in REASONERS:
        model = build_reasoner({"name": name, "entity_dim": DIM, "num_relations": RELATIONS}, DIM).train()

        def together(model: torch.nn.Module = model) -> None:
            model(batch, statement).graph_vector.sum().backward()

        def apart(model: torch.nn.Module = model) -> None:
            for index, graph in enumerate(graphs):
                model(graph, statement[index : index + 1]).graph_vector.sum().backward()

        found[name] = {"batched": seconds(together, repeats), "one by one": seconds(apart, 1)}
        print(f"{name:17} batched {found[name]['batched']:.3f} s   one by one {found[name]['one by one']:.3f} s")
    return found


def compare_layers(graphs: Sequence[GraphBatch], repeats: int) -> dict[str, dict[str, float]]:
    """Return seconds of forward and backward of a layer here and in PyG."""
    from torch_geometric.nn import GCNConv, RGCNConv

    batch = concatenate_graphs(graphs)
    nodes = torch.randn(batch.num_nodes, 100, requires_grad=True)
    edges = segment_index(batch.edge_relation_offsets, batch.edge_relations.numel())
    triples, slots = batch.edge_index[:, edges], RelationSlots.of(batch, RELATIONS)
    gcn, pyg_gcn = SymmetricConvolution(100, 100), GCNConv(100, 100)
    rgcn = RelationalConvolution(num_relations=RELATIONS, num_bases=4, in_dim=100, out_dim=100)
    pyg_rgcn = RGCNConv(100, 100, 2 * RELATIONS, num_bases=4)
    steps: dict[str, tuple[Callable[[], torch.Tensor], Callable[[], torch.Tensor]]] = {
        "gcn layer": (lambda: gcn(nodes, batch.edge_index), lambda: pyg_gcn(nodes, batch.edge_index)),
        "rgcn layer": (lambda: rgcn(nodes, slots), lambda: pyg_rgcn(nodes, triples, batch.edge_relations)),
    }
    found = {}
    for name, (mine, theirs) in steps.items():
        here, there = (seconds(lambda step=step: step().sum().backward(), repeats) for step in (mine, theirs))
        found[name] = {"here": here, "pyg": there}
        print(f"{name:17} here {here:.4f} s   PyG {there:.4f} s")
    return found


def main() -> None:
    """Compare, and print everything once more as JSON in the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=80, help="question-choice pairs of the batch")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    graphs = make_graphs(arguments.graphs)
    batch = concatenate_graphs(graphs)
    sizes = {
        "graphs": len(graphs),
        "nodes": batch.num_nodes,
        "edges": batch.edge_index.shape[1],
        "triples": batch.edge_relations.numel(),
        "paths": batch.num_paths,
        "threads": torch.get_num_threads(),
    }
    print(", ".join(f"{value} {name}" for name, value in sizes.items()))
    results = compare_reasoners(graphs, arguments.repeats) | compare_layers(graphs, arguments.repeats)
    print(json.dumps({**sizes, "seconds": results}))


if __name__ == "__main__":
    main()
