"""Restatements of the reasoners, one sample at a time, written from the equations."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from kglm.nn import GraphBatch, KagNet, Reasoner, ReasonerOutput
from kglm.nn.graph_convolution import GraphConvolution
from kglm.nn.path_encoder import PathEncoder


def naive_convolution(module: GraphConvolution, nodes: Tensor, edge_index: Tensor) -> Tensor:
    rows = []
    for i in range(nodes.shape[0]):
        neighbours = [int(source) for source, target in edge_index.t() if int(target) == i]
        row = module.self_projection.weight @ nodes[i] + module.self_projection.bias
        for j in neighbours:
            divisor = len(neighbours) if module.normalize else 1
            row = row + module.neighbour_projection.weight @ nodes[j] / divisor
        rows.append(module.activation(row))
    return torch.stack(rows) if rows else nodes.new_zeros(0, module.self_projection.out_features)


def naive_relation(table: Tensor, graph: GraphBatch, edge: int) -> Tensor:
    start, end = graph.edge_relation_offsets[edge : edge + 2].tolist()
    total = torch.zeros_like(table[0])
    for relation in graph.edge_relations[start:end].tolist():
        total = total + table[relation] / (end - start)
    return total


def naive_paths(module: PathEncoder, nodes: Tensor, graph: GraphBatch) -> list[Tensor]:
    table = module.relations.embedding.weight
    weight = torch.cat((module.node_gates.weight, module.relation_gates.weight), dim=1)
    vectors = []
    for k in range(graph.num_paths):
        hidden = cell = nodes.new_zeros(module.path_dim)
        for s in range(int(graph.path_offsets[k]), int(graph.path_offsets[k + 1])):
            edge = int(graph.path_edges[s])
            relation = torch.zeros_like(table[0]) if edge < 0 else naive_relation(table, graph, edge)
            x = torch.cat((nodes[graph.path_nodes[s]], relation))
            i, f, g, o = (weight @ x + module.node_gates.bias + module.hidden_gates.weight @ hidden).chunk(4)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * cell.tanh()
        vectors.append(hidden)
    return vectors


def naive_kagnet(module: KagNet, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
    concepts = graph.entity_embeds @ module.concept_projection.weight.t() + module.concept_projection.bias
    convolved = concepts
    for convolution in module.convolutions:
        convolved = naive_convolution(convolution, convolved, graph.edge_index)
    paths = naive_paths(module.path_encoder, torch.cat((concepts, convolved), dim=1), graph)

    first, second = module.pair_mlp[0], module.pair_mlp[3]
    alphas = statement.new_zeros(graph.num_paths)
    betas = statement.new_zeros(graph.num_pairs)
    vectors = []
    for g in range(graph.num_graphs):
        pairs = [m for m in range(graph.num_pairs) if int(graph.pair_graph[m]) == g]
        scores, evidence = [], []
        for m in pairs:
            q, a = graph.pair_nodes[:, m].tolist()
            features = torch.cat((concepts[q], concepts[a], statement[g]))
            hidden = functional.leaky_relu(first.weight @ features + first.bias)
            t = functional.leaky_relu(second.weight @ hidden + second.bias)
            own = [k for k in range(graph.num_paths) if int(graph.path_pair[k]) == m]
            relational = statement.new_zeros(module.path_encoder.path_dim)
            if own:
                alpha = torch.stack([paths[k] @ (module.path_query.weight @ t) for k in own]).softmax(0)
                alphas[own] = alpha
                relational = sum((alpha[n] * paths[k] for n, k in enumerate(own)), relational)
            scores.append(t @ (module.pair_query.weight @ statement[g]))
            evidence.append(torch.cat((t, relational)))
        vector = statement.new_zeros(module.output_dim)
        if pairs:
            beta = torch.stack(scores).softmax(0)
            betas[pairs] = beta
            vector = sum((beta[n] * row for n, row in enumerate(evidence)), vector)
        vectors.append(vector)
    return ReasonerOutput(torch.stack(vectors), alphas, betas)


NAIVE = {KagNet: naive_kagnet}


def all_reasoners() -> list[type[Reasoner]]:
    """Every concrete Reasoner of kglm.nn."""
    import importlib
    import pkgutil

    import kglm.nn

    for info in pkgutil.iter_modules(kglm.nn.__path__):
        importlib.import_module(f"kglm.nn.{info.name}")
    found, queue = [], list(Reasoner.__subclasses__())
    while queue:
        cls = queue.pop()
        queue.extend(cls.__subclasses__())
        if cls.__module__.startswith("kglm.nn."):
            found.append(cls)
    return found
