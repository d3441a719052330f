from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from naive_reasoners import NAIVE

from kglm.nn import GraphBatch, KagNet, ReasonerOutput
from kglm.testing import concatenate_graphs, random_graph, random_graph_batch

SIZES = ((6, 5), (0, 0), (9, 7), (4, 0), (3, 1))


def make(**overrides) -> KagNet:
    torch.manual_seed(0)
    fields = {
        "entity_dim": 8,
        "statement_dim": 10,
        "num_relations": 3,
        "concept_dim": 7,
        "gcn_dims": (6, 4),
        "relation_dim": 5,
        "path_dim": 9,
        "pair_dim": 11,
    }
    return KagNet(**{**fields, **overrides}).double()


GRAPH = random_graph_batch(dtype=torch.float64)
STATEMENT = torch.randn(5, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def assert_same(found: ReasonerOutput, expected: ReasonerOutput) -> None:
    torch.testing.assert_close(found.graph_vector, expected.graph_vector)
    torch.testing.assert_close(found.path_attention, expected.path_attention)
    torch.testing.assert_close(found.pair_attention, expected.pair_attention)


@pytest.mark.parametrize("normalize", [True, False])
def test_against_the_restatement_with_gradients(normalize: bool) -> None:
    model = make(normalize=normalize)
    results = []
    for function in (model, lambda *inputs: NAIVE[KagNet](model, *inputs)):
        embeds, statement = GRAPH.entity_embeds.clone().requires_grad_(), STATEMENT.clone().requires_grad_()
        output = function(replace(GRAPH, entity_embeds=embeds), statement)
        model.zero_grad()
        output.graph_vector.square().sum().backward()
        gradients = [p.grad.clone() for p in (embeds, statement, *model.parameters())]
        assert all(gradient.any() for gradient in gradients)
        results.append((output, gradients))
    assert_same(results[0][0], results[1][0])
    torch.testing.assert_close(results[0][1], results[1][1])


def test_batched_is_single() -> None:
    model = make()
    graphs = [
        random_graph(num_nodes=nodes, num_paths=paths, seed=i, dtype=torch.float64)
        for i, (nodes, paths) in enumerate(SIZES)
    ]
    singles = [model(graph, STATEMENT[i : i + 1]) for i, graph in enumerate(graphs)]
    merged = ReasonerOutput(
        *(
            torch.cat([getattr(single, name) for single in singles])
            for name in ("graph_vector", "path_attention", "pair_attention")
        )
    )
    assert_same(model(concatenate_graphs(graphs), STATEMENT), merged)


def test_node_order_does_not_matter() -> None:
    model, order = make(), torch.randperm(GRAPH.num_nodes)
    place = order.argsort()
    permuted = replace(
        GRAPH,
        entity_embeds=GRAPH.entity_embeds[order],
        edge_index=place[GRAPH.edge_index],
        pair_nodes=place[GRAPH.pair_nodes],
        path_nodes=place[GRAPH.path_nodes],
    )
    assert_same(model(permuted, STATEMENT), model(GRAPH, STATEMENT))


def test_edge_order_does_not_matter() -> None:
    model = make()
    flip = torch.arange(GRAPH.edge_index.shape[1]).view(-1, 2).flip(0).flatten()  # keeps 2k and 2k + 1 together
    place = flip.argsort()
    bags = [
        GRAPH.edge_relations[GRAPH.edge_relation_offsets[e] : GRAPH.edge_relation_offsets[e + 1]].flip(0)
        for e in flip.tolist()
    ]
    permuted = replace(
        GRAPH,
        edge_index=GRAPH.edge_index[:, flip],
        edge_relations=torch.cat(bags),
        edge_relation_offsets=torch.tensor([0, *map(len, bags)]).cumsum(0),
        path_edges=torch.where(GRAPH.path_edges < 0, -1, place[GRAPH.path_edges]),
    )
    assert_same(model(permuted, STATEMENT), model(GRAPH, STATEMENT))


def test_path_order_does_not_matter() -> None:
    model, order = make(), torch.randperm(GRAPH.num_paths).tolist()
    spans = [slice(*GRAPH.path_offsets[k : k + 2].tolist()) for k in order]
    permuted = replace(
        GRAPH,
        path_pair=GRAPH.path_pair[order],
        path_nodes=torch.cat([GRAPH.path_nodes[span] for span in spans]),
        path_edges=torch.cat([GRAPH.path_edges[span] for span in spans]),
        path_offsets=torch.tensor([0, *(span.stop - span.start for span in spans)]).cumsum(0),
    )
    found, expected = model(permuted, STATEMENT), model(GRAPH, STATEMENT)
    assert_same(replace(found, path_attention=expected.path_attention), expected)
    torch.testing.assert_close(found.path_attention, expected.path_attention[order])


def test_attentions_sum_to_one_and_gaps_are_zero() -> None:
    model = make()
    output = model(GRAPH, STATEMENT)
    for m in GRAPH.path_pair.unique():
        torch.testing.assert_close(output.path_attention[GRAPH.path_pair == m].sum().item(), 1.0)
    for g in GRAPH.pair_graph.unique():
        torch.testing.assert_close(output.pair_attention[GRAPH.pair_graph == g].sum().item(), 1.0)
    assert not output.graph_vector[[1, 3]].any()  # no nodes; nodes but no pairs
    assert output.graph_vector[[0, 2, 4]].any(1).all()


def test_pairs_without_paths_contribute_their_t() -> None:
    model = make()
    none = torch.zeros(0, dtype=torch.long)
    pathless = replace(GRAPH, path_pair=none, path_nodes=none, path_edges=none, path_offsets=torch.zeros(1).long())
    output = model(pathless, STATEMENT)
    assert output.graph_vector[0, :11].any()
    assert not output.graph_vector[:, 11:].any()
    assert_same(output, NAIVE[KagNet](model, pathless, STATEMENT))


def test_a_batch_of_empty_graphs_trains() -> None:
    model = make()
    empty = random_graph_batch(num_nodes=(0, 0), num_paths=(0, 0), dtype=torch.float64)
    output = model(empty, STATEMENT[:2])
    assert output.graph_vector.shape == (2, model.output_dim)
    assert not output.graph_vector.any()
    output.graph_vector.sum().backward()
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in model.parameters())


def test_no_convolutions() -> None:
    assert make(gcn_dims=())(GRAPH, STATEMENT).graph_vector.shape == (5, 20)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_autocast_and_half_precision_tables(dtype: torch.dtype) -> None:
    model = make().float()
    graph: GraphBatch = replace(GRAPH, entity_embeds=GRAPH.entity_embeds.to(dtype))
    expected = model(graph, STATEMENT)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(graph, STATEMENT)
    assert output.graph_vector.dtype == output.path_attention.dtype == torch.float32
    torch.testing.assert_close(output.graph_vector, expected.graph_vector, atol=0.02, rtol=0.02)
    output.graph_vector.sum().backward()


def test_dropout_only_in_training() -> None:
    model = make(dropout=0.5)
    assert not torch.equal(model(GRAPH, STATEMENT).graph_vector, model(GRAPH, STATEMENT).graph_vector)
    model.eval()
    assert_same(model(GRAPH, STATEMENT), make()(GRAPH, STATEMENT))
