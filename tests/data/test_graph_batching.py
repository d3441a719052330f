from dataclasses import fields

import numpy as np
import pytest
import torch

from kglm.data.graph_batching import batch_graphs
from kglm.embeddings.entity_table import EntityTable
from kglm.kg import Triple
from kglm.kg.schema_graph import ConceptSets, SchemaOptions, extract_schema_graphs
from kglm.nn.graph_batch import GraphBatch


@pytest.fixture(scope="module")
def graph(graph_of):
    rng = np.random.default_rng(0)
    triples = {(f"e{a:02}", f"r{r}", f"e{b:02}") for a, b, r in rng.integers(0, (25, 25, 3), (90, 3)) if a != b}
    return graph_of(*(Triple(*triple) for triple in sorted(triples)))


@pytest.fixture(scope="module")
def graphs(graph):
    rng = np.random.default_rng(1)
    pairs = []
    for size in (2, 3, 0, 1, 4):
        ids = rng.permutation(graph.num_entities).astype(np.int32)
        pairs.append(ConceptSets(ids[:size], ids[size : size + rng.integers(0, 3)]))
    return extract_schema_graphs(graph, pairs, SchemaOptions(max_hops=3, max_paths=12))


@pytest.fixture(scope="module")
def table(graph):
    vectors = np.random.default_rng(2).normal(size=(graph.num_entities, 4)).astype(np.float32)
    return EntityTable(vectors, graph.fingerprint, {})


def naive(graphs, indices, table):
    """The batch, element by element."""
    lists = {field.name: [] for field in fields(GraphBatch)}
    node_base = edge_base = pair_base = 0
    lists["node_offsets"], lists["edge_relation_offsets"], lists["path_offsets"] = [0], [0], [0]
    for position, g in enumerate(indices):
        nodes = range(graphs.node_offsets[g], graphs.node_offsets[g + 1])
        lists["entity_embeds"] += [table.vectors[graphs.nodes[n]] for n in nodes]
        lists["node_offsets"].append(node_base + len(nodes))
        own_types = [0] * int(graphs.question_counts[g]) + [1] * int(graphs.choice_counts[g])
        lists["node_types"] += own_types + [2] * (len(nodes) - len(own_types))
        edges = range(graphs.edge_offsets[g], graphs.edge_offsets[g + 1])
        for e in edges:
            lists["edge_index"].append([graphs.edges[0, e] + node_base, graphs.edges[1, e] + node_base])
            span = range(graphs.edge_relation_offsets[e], graphs.edge_relation_offsets[e + 1])
            lists["edge_relations"] += [graphs.edge_relations[k] for k in span]
            lists["edge_relation_offsets"].append(lists["edge_relation_offsets"][-1] + len(span))
        q, c = int(graphs.question_counts[g]), int(graphs.choice_counts[g])
        for i in range(q):
            for j in range(c):
                lists["pair_nodes"].append([node_base + i, node_base + q + j])
                lists["pair_graph"].append(position)
        for p in range(graphs.path_offsets[g], graphs.path_offsets[g + 1]):
            lists["path_pair"].append(pair_base + graphs.path_pair[p])
            span = range(graphs.step_offsets[p], graphs.step_offsets[p + 1])
            lists["path_nodes"] += [node_base + graphs.path_nodes[s] for s in span]
            lists["path_edges"] += [edge_base + e if (e := graphs.path_edges[s]) >= 0 else -1 for s in span]
            lists["path_offsets"].append(lists["path_offsets"][-1] + len(span))
        node_base, edge_base, pair_base = node_base + len(nodes), edge_base + len(edges), pair_base + q * c
    return lists


@pytest.mark.parametrize("indices", [[0, 1, 2, 3, 4], [4, 0], [2], [1, 1]])
def test_equals_the_naive_batch(graphs, table, indices):
    batch, expected = batch_graphs(graphs, indices, table), naive(graphs, indices, table)
    for field in fields(GraphBatch):
        value = getattr(batch, field.name)
        wanted = torch.tensor(np.array(expected[field.name]), dtype=value.dtype)
        if field.name in ("edge_index", "pair_nodes"):
            wanted = wanted.reshape(-1, 2).T
        assert value.tolist() == wanted.reshape(value.shape).tolist(), field.name


def test_a_path_walks_along_its_edges_from_its_pairs_question_to_its_choice(graphs, table):
    batch = batch_graphs(graphs, range(5), table)
    assert batch.num_paths > 0
    for p in range(batch.num_paths):
        span = slice(batch.path_offsets[p], batch.path_offsets[p + 1])
        nodes, edges = batch.path_nodes[span].tolist(), batch.path_edges[span].tolist()
        assert [nodes[0], nodes[-1]] == batch.pair_nodes[:, batch.path_pair[p]].tolist()
        assert edges[-1] == -1
        for step, edge in enumerate(edges[:-1]):
            assert batch.edge_index[:, edge].tolist() == nodes[step : step + 2]


def test_a_batch_of_unlinked_questions_is_empty_but_whole(graph, table):
    nothing = np.zeros(0, dtype=np.int32)
    graphs = extract_schema_graphs(graph, [ConceptSets(nothing, nothing)] * 2)
    batch = batch_graphs(graphs, [0, 1], table)
    assert (batch.num_graphs, batch.num_nodes, batch.num_pairs, batch.num_paths) == (2, 0, 0, 0)
    assert batch.entity_embeds.shape == (0, 4)
