"""Restatements of the reasoners, one sample at a time, written from the equations."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from kglm.nn import GraphBatch, KagNet, Reasoner, ReasonerOutput
from kglm.nn.attentive_pooling import AttentivePooling
from kglm.nn.gcn import GCN
from kglm.nn.graph_attention import GraphAttention, TripleKinds
from kglm.nn.graph_convolution import GraphConvolution
from kglm.nn.greaselm import GreaseLM
from kglm.nn.mhgrn import MHGRN
from kglm.nn.path_encoder import PathEncoder
from kglm.nn.qagnn import QAGNN
from kglm.nn.relation_matrices import RelationMatrices
from kglm.nn.relation_network import RelationNetwork
from kglm.nn.rgcn import RGCN


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


def linear(module: nn.Linear, row: Tensor) -> Tensor:
    out = module.weight @ row
    return out if module.bias is None else out + module.bias


def nodes_of(graph: GraphBatch, g: int) -> list[int]:
    return list(range(int(graph.node_offsets[g]), int(graph.node_offsets[g + 1])))


def graph_of(graph: GraphBatch, node: int) -> int:
    return next(g for g in range(graph.num_graphs) if node in nodes_of(graph, g))


def triples_of(graph: GraphBatch) -> list[tuple[int, int, int]]:
    """Source, relation and target of every triple."""
    found = []
    for e, (source, target) in enumerate(graph.edge_index.t().tolist()):
        start, end = graph.edge_relation_offsets[e : e + 2].tolist()
        found += [(source, relation, target) for relation in graph.edge_relations[start:end].tolist()]
    return found


def naive_pooling(module: AttentivePooling, rows: list[Tensor], query: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The pooled vector, and the weights averaged over heads, of one graph."""
    heads, width = module.num_heads, module.value.out_features // module.num_heads
    if not rows:
        return query.new_zeros(heads * width), []
    pooled, totals = [], [query.new_zeros(()) for _ in rows]
    for h in range(heads):
        part = slice(h * width, (h + 1) * width)
        q = linear(module.query, query)[part]
        logits = torch.stack([q @ linear(module.key, row)[part] / width**0.5 for row in rows])
        weights = logits.softmax(0)
        pooled.append(sum(w * linear(module.value, row)[part] for w, row in zip(weights, rows, strict=True)))
        totals = [total + w / heads for total, w in zip(totals, weights, strict=True)]
    return torch.cat(pooled), totals


def pool_nodes(
    module: AttentivePooling, nodes: list[Tensor], graph: GraphBatch, statement: Tensor
) -> tuple[Tensor, Tensor]:
    vectors, attention = [], statement.new_zeros(graph.num_nodes)
    for g in range(graph.num_graphs):
        vector, weights = naive_pooling(module, [nodes[i] for i in nodes_of(graph, g)], statement[g])
        for i, weight in zip(nodes_of(graph, g), weights, strict=True):
            attention[i] = weight
        vectors.append(vector)
    return torch.stack(vectors), attention


def naive_gcn(module: GCN, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
    nodes = [linear(module.concept_projection, row) for row in graph.entity_embeds]
    edges = graph.edge_index.t().tolist()
    for convolution in module.convolutions:
        degree = [1 + sum(target == i for _, target in edges) for i in range(len(nodes))]
        updated = []
        for i in range(len(nodes)):
            row = convolution.projection.weight @ nodes[i] / degree[i]
            for source, target in edges:
                if target == i:
                    message = convolution.projection.weight @ nodes[source]
                    row = row + message / (degree[source] * degree[i]) ** 0.5
            updated.append((row + convolution.bias).relu())
        nodes = updated
    vector, attention = pool_nodes(module.pooling, nodes, graph, statement)
    return ReasonerOutput(vector, node_attention=attention)


def naive_matrix(module: RelationMatrices, relation: int) -> Tensor:
    """W_r, to be multiplied with a column."""
    return sum(a * basis.t() for a, basis in zip(module.coefficients[relation], module.bases, strict=True))


def naive_rgcn(module: RGCN, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
    nodes = [linear(module.concept_projection, row) for row in graph.entity_embeds]
    triples = triples_of(graph)
    for convolution in module.convolutions:
        updated = []
        for i in range(len(nodes)):
            row = linear(convolution.self_projection, nodes[i])
            for r in range(2 * module.num_relations):
                sources = [source for source, relation, target in triples if (relation, target) == (r, i)]
                for source in sources:
                    row = row + naive_matrix(convolution.matrices, r) @ nodes[source] / len(sources)
            updated.append(row.relu())
        nodes = updated
    vector, attention = pool_nodes(module.pooling, nodes, graph, statement)
    return ReasonerOutput(vector, node_attention=attention)


def naive_relation_network(module: RelationNetwork, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
    table = module.relations.embedding.weight
    vectors, attention = [], statement.new_zeros(graph.num_paths)
    for g in range(graph.num_graphs):
        own = [k for k in range(graph.num_paths) if int(graph.pair_graph[graph.path_pair[k]]) == g]
        objects = []
        for k in own:
            start, end = graph.path_offsets[k : k + 2].tolist()
            relation = torch.ones_like(table[0])
            for edge in graph.path_edges[start : end - 1].tolist():
                relation = relation * naive_relation(table, graph, edge)
            hidden = (
                linear(module.question_projection, graph.entity_embeds[graph.path_nodes[start]])
                + linear(module.choice_projection, graph.entity_embeds[graph.path_nodes[end - 1]])
                + linear(module.relation_projection, relation)
                + linear(module.statement_projection, statement[g])
            )
            objects.append(functional.gelu(linear(module.output_projection, functional.gelu(hidden))))
        vector = statement.new_zeros(module.output_dim)
        if own:
            query = linear(module.path_query, statement[g])
            weights = torch.stack([query @ row for row in objects]).softmax(0)
            attention[own] = weights
            vector = sum((w * row for w, row in zip(weights, objects, strict=True)), vector)
        vectors.append(vector)
    return ReasonerOutput(torch.stack(vectors), path_attention=attention)


def all_walks(graph: GraphBatch, hops: int) -> list[tuple[list[int], list[int]]]:
    """Nodes and relations of every walk of so many hops."""
    walks = [([i], []) for i in range(graph.num_nodes)]
    for _ in range(hops):
        walks = [
            ([*nodes, target], [*relations, relation])
            for nodes, relations in walks
            for source, relation, target in triples_of(graph)
            if source == nodes[-1]
        ]
    return walks


def naive_mhgrn(module: MHGRN, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
    """Every walk by itself; no score is shifted, no state shared."""
    dim, hops = module.output_dim, len(module.passing.matrices)
    types = graph.node_types.tolist()
    concepts = [linear(module.concept_projection, row) for row in graph.entity_embeds]
    typed = [linear(module.typed_projection, row).view(3, dim)[t] for row, t in zip(concepts, types, strict=True)]
    path_attention = statement.new_zeros(graph.num_paths)
    node_attention = statement.new_zeros(graph.num_nodes)
    starts = [module.transitions.start(row) for row in statement]
    emissions = [module.transitions.relation(row) for row in statement]

    def score(nodes: list[int], relations: list[int]) -> Tensor:
        g = graph_of(graph, nodes[0])
        log = starts[g][types[nodes[0]]] + sum(emissions[g][r] for r in relations)
        for first, second in pairwise(relations):
            log = log + module.transitions.transition[first, second]
        return log.exp()

    walks = {k: [(n, r, score(n, r)) for n, r in all_walks(graph, k)] for k in range(1, hops + 1)}
    vectors = []
    for g in range(graph.num_graphs):
        ends = [i for i in nodes_of(graph, g) if types[i] == 1]
        rows, betas, totals = [], [], []
        for i in ends:
            reached, present, total_of = [], [], {}
            for k in range(1, hops + 1):
                own = [(nodes, relations, weight) for nodes, relations, weight in walks[k] if nodes[-1] == i]
                if not own:
                    continue
                total = sum(weight for *_, weight in own)
                z = typed[i].new_zeros(dim)
                for nodes, relations, weight in own:
                    x = typed[nodes[0]]
                    for t in range(hops):
                        r = relations[t] if t < k else module.passing.padding
                        x = naive_matrix(module.passing.matrices[t], r) @ x
                    z = z + weight / total * x
                reached.append(z)
                present.append(k)
                total_of[k] = total
            message, beta = typed[i].new_zeros(dim), {}
            if reached:
                query = linear(module.hop_query, statement[g])
                weights = torch.stack([query @ z / dim**0.5 for z in reached]).softmax(0)
                message = sum((w * z for w, z in zip(weights, reached, strict=True)), message)
                beta = dict(zip(present, weights, strict=True))
            own_part = linear(module.own_projection, concepts[i])
            rows.append(functional.gelu(own_part + linear(module.message_projection, message)))
            betas.append(beta)
            totals.append(total_of)
        vector, weights = naive_pooling(module.pooling, rows, statement[g])
        vectors.append(vector)
        for i, weight, beta, total in zip(ends, weights, betas, totals, strict=True):
            node_attention[i] = weight
            for p in range(graph.num_paths):
                span = slice(*graph.path_offsets[p : p + 2].tolist())
                nodes, k = graph.path_nodes[span].tolist(), len(graph.path_nodes[span]) - 1
                if nodes[-1] == i and k <= hops:
                    along = sum(weight for walk, _, weight in walks[k] if walk == nodes)
                    path_attention[p] = (weight * beta[k] * along / total[k]).detach()
    return ReasonerOutput(torch.stack(vectors), path_attention=path_attention, node_attention=node_attention)


def context_triples(graph: GraphBatch, num_relations: int) -> tuple[list[tuple[int, int, int]], list[int]]:
    """All triples with those of the context nodes, and the types of all nodes."""
    triples, types = triples_of(graph), [*graph.node_types.tolist(), *[3] * graph.num_graphs]
    first = 2 * num_relations
    for g in range(graph.num_graphs):
        context = graph.num_nodes + g
        for i in nodes_of(graph, g):
            if types[i] == 0:
                triples += [(context, first, i), (i, first + 1, context)]
            elif types[i] == 1:
                triples += [(context, first + 2, i), (i, first + 3, context)]
    return triples + [(i, first + 4, i) for i in range(len(types))], types


def naive_graph_attention(
    layer: GraphAttention, kinds: TripleKinds, nodes: list[Tensor], features: list[Tensor], triples, types
) -> list[Tensor]:
    heads, dim = layer.num_heads, len(nodes[0])
    width = dim // heads
    inputs = [torch.cat(parts) for parts in zip(nodes, features, strict=True)]

    def kind(source: int, relation: int, target: int) -> Tensor:
        row = kinds.relation.weight[relation] + kinds.source_type.weight[types[source]]
        return kinds.output(row + kinds.target_type.weight[types[target]])

    received = [torch.zeros_like(row) for row in nodes]
    for s in range(len(nodes)):
        sent = [triple for triple in triples if triple[0] == s]
        keys = [linear(layer.key, inputs[t]) + linear(layer.kind_key, kind(s, r, t)) for _, r, t in sent]
        messages = [linear(layer.message, inputs[s]) + linear(layer.kind_message, kind(s, r, t)) for _, r, t in sent]
        query = linear(layer.query, inputs[s])
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            logits = torch.stack([query[part] @ key[part] / width**0.5 for key in keys])
            factor = 1 if layer.normalize else len(sent)
            for (_, _, t), weight, message in zip(sent, logits.softmax(0) * factor, messages, strict=True):
                row = torch.zeros_like(message)
                row[part] = message[part]
                received[t] = received[t] + weight * row
    return [row + layer.update(got) for row, got in zip(nodes, received, strict=True)]


def naive_relevance(module: QAGNN, graph: GraphBatch, statement: Tensor) -> list[Tensor]:
    found = []
    for i in range(graph.num_nodes):
        g = graph_of(graph, i)
        other = statement[g]
        if module.relevance == "concepts":
            own = [graph.entity_embeds[j] for j in nodes_of(graph, g) if int(graph.node_types[j]) < 2]
            other = torch.stack(own).mean(0)
        entity = graph.entity_embeds[i]
        found.append(entity @ other / (entity.norm() * other.norm()))
    return found


def naive_qagnn(module: QAGNN, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
    triples, types = context_triples(graph, module.num_relations)
    nodes = [linear(module.concept_projection, row) for row in graph.entity_embeds]
    nodes += [functional.gelu(linear(module.context_projection, row)) for row in statement]
    relevance = naive_relevance(module, graph, statement)
    features = []
    for kind, rho in zip(types, [*relevance, *[statement.new_ones(())] * graph.num_graphs], strict=True):
        dim = module.relevance_embedding.projection.in_features
        sines = torch.stack([(1.1**j * rho).sin() for j in range(dim)])
        embedded = functional.gelu(linear(module.relevance_embedding.projection, sines))
        features.append(torch.cat((functional.gelu(module.node_type.weight[kind]), embedded)))
    for layer in module.layers:
        nodes = naive_graph_attention(layer, module.kinds, nodes, features, triples, types)
    pooled, attention = pool_nodes(module.pooling, nodes, graph, statement)
    vectors = torch.cat((pooled, torch.stack(nodes[graph.num_nodes :])), dim=1)
    found = torch.stack(relevance) if relevance else statement.new_zeros(0)
    return ReasonerOutput(vectors, node_attention=attention, node_relevance=found)


def naive_greaselm(module: GreaseLM, graph: GraphBatch, statement: Tensor) -> ReasonerOutput:
    """Without an encoder in between."""
    triples, types = context_triples(graph, module.num_relations)
    nodes = [linear(module.concept_projection, row) for row in graph.entity_embeds]
    nodes += [statement.new_zeros(module.concept_projection.out_features)] * graph.num_graphs
    features = [functional.gelu(module.node_type.weight[kind]) for kind in types]
    tokens = list(statement)
    for layer in module.layers:
        nodes = naive_graph_attention(layer, module.kinds, nodes, features, triples, types)
        for g, token in enumerate(tokens):
            place = graph.num_nodes + g
            joint = torch.cat((token, nodes[place]))
            joint = joint + linear(module.exchange_out, functional.gelu(linear(module.exchange_in, joint)))
            tokens[g], nodes[place] = joint[: len(token)], joint[len(token) :]
    pooled, attention = pool_nodes(module.pooling, nodes, graph, torch.stack(tokens))
    return ReasonerOutput(torch.cat((pooled, torch.stack(nodes[graph.num_nodes :])), dim=1), node_attention=attention)


NAIVE = {
    GCN: naive_gcn,
    GreaseLM: naive_greaselm,
    KagNet: naive_kagnet,
    MHGRN: naive_mhgrn,
    QAGNN: naive_qagnn,
    RGCN: naive_rgcn,
    RelationNetwork: naive_relation_network,
}


def all_reasoners() -> list[type[Reasoner]]:
    """Every concrete Reasoner of kglm.nn."""
    import importlib
    import inspect
    import pkgutil

    import kglm.nn

    for info in pkgutil.iter_modules(kglm.nn.__path__):
        importlib.import_module(f"kglm.nn.{info.name}")
    found, queue = [], list(Reasoner.__subclasses__())
    while queue:
        cls = queue.pop()
        queue.extend(cls.__subclasses__())
        if cls.__module__.startswith("kglm.nn.") and not inspect.isabstract(cls):
            found.append(cls)
    return found
