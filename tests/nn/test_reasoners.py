"""What holds for every reasoner: parity with its restatement, and that no order, batch or empty graph matters."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
from naive_reasoners import NAIVE
from torch import Tensor, nn

from kglm.nn import GraphBatch, KagNet, Reasoner, ReasonerOutput
from kglm.nn.gcn import GCN
from kglm.nn.greaselm import GreaseLM
from kglm.nn.mhgrn import MHGRN
from kglm.nn.qagnn import QAGNN
from kglm.nn.relation_network import RelationNetwork
from kglm.nn.rgcn import RGCN
from kglm.testing import concatenate_graphs, random_graph, random_graph_batch

DIM = 8  # of entities and statements
CASES = {
    "kagnet": (KagNet, {"num_relations": 3, "concept_dim": 7, "gcn_dims": (6, 4), "path_dim": 9, "pair_dim": 5}),
    "relation_network": (RelationNetwork, {"num_relations": 3, "relation_dim": 5, "hidden_dim": 7, "path_dim": 6}),
    "gcn": (GCN, {"node_dim": 6}),
    "rgcn": (RGCN, {"num_relations": 3, "node_dim": 6, "num_bases": 2}),
    "mhgrn": (MHGRN, {"num_relations": 3, "node_dim": 6, "num_hops": 2, "num_bases": 2, "attention_dim": 5}),
    "mhgrn, 3 hops": (MHGRN, {"num_relations": 3, "node_dim": 4, "num_hops": 3, "num_bases": 1, "attention_dim": 5}),
    "greaselm": (GreaseLM, {"num_relations": 3, "node_dim": 6, "num_layers": 2, "interaction_dim": 7}),
    "qagnn": (QAGNN, {"num_relations": 3, "node_dim": 6, "num_layers": 2}),
    "qagnn, concepts": (QAGNN, {"num_relations": 3, "node_dim": 6, "num_layers": 2, "relevance": "concepts"}),
    "qagnn, sums": (QAGNN, {"num_relations": 3, "node_dim": 6, "num_layers": 1, "normalize": False}),
}
ATTENTIONS = ("path_attention", "pair_attention", "node_attention", "node_relevance")
GRAPH = random_graph_batch(num_nodes=(5, 0, 6, 4, 3), num_paths=(4, 0, 5, 0, 1), dtype=torch.float64)
STATEMENT = torch.randn(5, DIM, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def make(case: str, **overrides) -> Reasoner:
    cls, options = CASES[case]
    torch.manual_seed(0)
    model = cls(entity_dim=DIM, statement_dim=DIM, **{**options, **overrides}).double().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model


def assert_same(found: ReasonerOutput, expected: ReasonerOutput, **tolerance: float) -> None:
    for field in fields(ReasonerOutput):
        value, wanted = getattr(found, field.name), getattr(expected, field.name)
        assert (value is None) == (wanted is None), field.name
        if value is not None:
            torch.testing.assert_close(value, wanted, **(tolerance or {"rtol": 1e-10, "atol": 1e-10}))


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_reasoner_is_a_case() -> None:
    assert {cls for cls, _ in CASES.values()} == set(NAIVE)


def test_against_the_restatement_with_gradients(case: str) -> None:
    model = make(case)
    results = []
    for function in (model, lambda *inputs: NAIVE[type(model)](model, *inputs)):
        embeds, statement = GRAPH.entity_embeds.clone().requires_grad_(), STATEMENT.clone().requires_grad_()
        output = function(replace(GRAPH, entity_embeds=embeds), statement)
        model.zero_grad()
        output.graph_vector.square().sum().backward()
        results.append((output, {"embeds": embeds.grad, "statement": statement.grad, **gradients(model)}))
    assert_same(results[0][0], results[1][0])
    for name, gradient in results[0][1].items():
        torch.testing.assert_close(gradient, results[1][1][name], rtol=1e-9, atol=1e-9, msg=name)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {
        name: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
        for name, parameter in model.named_parameters()
    }


def test_every_parameter_learns(case: str) -> None:
    model = make(case)
    model(GRAPH, STATEMENT).graph_vector.square().sum().backward()
    for name, gradient in gradients(model).items():
        assert gradient.abs().max() > 1e-12, name


def test_batched_is_single(case: str) -> None:
    model = make(case)
    graphs = [
        random_graph(num_nodes=nodes, num_paths=paths, seed=i, dtype=torch.float64)
        for i, (nodes, paths) in enumerate(((6, 5), (0, 0), (9, 7), (4, 0), (3, 1)))
    ]
    singles = [model(graph, STATEMENT[i : i + 1]) for i, graph in enumerate(graphs)]
    together = model(concatenate_graphs(graphs), STATEMENT)
    merged = {
        field.name: torch.cat([getattr(single, field.name) for single in singles])
        for field in fields(ReasonerOutput)
        if getattr(together, field.name) is not None
    }
    assert_same(together, ReasonerOutput(**merged))


def permute_nodes(graph: GraphBatch) -> tuple[GraphBatch, Tensor]:
    """Another order of the nodes of each graph."""
    spans = [slice(*graph.node_offsets[g : g + 2].tolist()) for g in range(graph.num_graphs)]
    order = torch.cat([span.start + torch.randperm(span.stop - span.start) for span in spans])
    place = order.argsort()
    return (
        replace(
            graph,
            entity_embeds=graph.entity_embeds[order],
            node_types=graph.node_types[order],
            edge_index=place[graph.edge_index],
            pair_nodes=place[graph.pair_nodes],
            path_nodes=place[graph.path_nodes],
        ),
        order,
    )


def test_node_order_does_not_matter(case: str) -> None:
    model = make(case)
    permuted, order = permute_nodes(GRAPH)
    assert not torch.equal(order, torch.arange(len(order)))
    found, expected = model(permuted, STATEMENT), model(GRAPH, STATEMENT)
    of_nodes = ("node_attention", "node_relevance")
    moved = {name: value[order] for name in of_nodes if (value := getattr(expected, name)) is not None}
    assert_same(found, replace(expected, **moved))


def test_edge_order_does_not_matter(case: str) -> None:
    model = make(case)
    pairs = torch.randperm(GRAPH.edge_index.shape[1] // 2)
    flip = torch.stack((2 * pairs + 1, 2 * pairs), dim=1).flatten()  # keeps an edge and its reverse together
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


def test_path_order_does_not_matter(case: str) -> None:
    model, order = make(case), torch.randperm(GRAPH.num_paths).tolist()
    spans = [slice(*GRAPH.path_offsets[k : k + 2].tolist()) for k in order]
    permuted = replace(
        GRAPH,
        path_pair=GRAPH.path_pair[order],
        path_nodes=torch.cat([GRAPH.path_nodes[span] for span in spans]),
        path_edges=torch.cat([GRAPH.path_edges[span] for span in spans]),
        path_offsets=torch.tensor([0, *(span.stop - span.start for span in spans)]).cumsum(0),
    )
    found, expected = model(permuted, STATEMENT), model(GRAPH, STATEMENT)
    if expected.path_attention is not None:
        expected = replace(expected, path_attention=expected.path_attention[order])
    assert_same(found, expected)


@pytest.mark.parametrize("graph", [
    pytest.param(random_graph_batch(num_nodes=(0, 0), num_paths=(0, 0), dtype=torch.float64), id="no nodes"),
    pytest.param(
        random_graph_batch(num_nodes=(4, 1), num_paths=(0, 0), num_extra_edges=0, dtype=torch.float64), id="no edges"
    ),
    pytest.param(random_graph_batch(num_nodes=(4, 5), num_paths=(0, 0), dtype=torch.float64), id="no paths"),
])  # fmt: skip
def test_empty_graphs_train(case: str, graph: GraphBatch) -> None:
    model = make(case)
    output = model(graph, STATEMENT[:2])
    assert output.graph_vector.shape == (2, model.output_dim)
    assert_same(output, NAIVE[type(model)](model, graph, STATEMENT[:2]))
    model.train()
    model(graph, STATEMENT[:2]).graph_vector.sum().backward()
    # Distributed training waits for the gradient of every parameter.
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("table", [torch.float16, torch.float32])
def test_autocast_and_half_precision_tables(case: str, table: torch.dtype) -> None:
    model = make(case).float()
    graph, statement = replace(GRAPH, entity_embeds=GRAPH.entity_embeds.to(table)), STATEMENT.float()
    expected = model(graph, statement)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(graph, statement)
    assert output.graph_vector.dtype == torch.float32
    torch.testing.assert_close(output.graph_vector, expected.graph_vector, atol=0.15, rtol=0.15)
    output.graph_vector.sum().backward()


def test_dropout_only_in_training(case: str) -> None:
    model, plain = make(case, dropout=0.5), make(case)
    assert_same(model(GRAPH, STATEMENT), plain(GRAPH, STATEMENT))
    model.train()
    assert not torch.equal(model(GRAPH, STATEMENT).graph_vector, model(GRAPH, STATEMENT).graph_vector)


def test_attention_is_a_share(case: str) -> None:
    output = make(case)(GRAPH, STATEMENT)
    weights = [getattr(output, name) for name in ATTENTIONS[:3] if getattr(output, name) is not None]
    assert weights
    assert all((weight >= 0).all() and (weight <= 1 + 1e-12).all() for weight in weights)
    if output.node_attention is not None:
        for g in (0, 2, 3, 4):
            assert output.node_attention[GRAPH.node_graph == g].sum().item() == pytest.approx(1)


def test_it_is_built_on_any_device(case: str) -> None:
    """from_pretrained builds on the meta device, where a tensor of another device is an error."""
    with torch.device("meta"):
        cls, options = CASES[case]
        model = cls(entity_dim=DIM, statement_dim=DIM, **options)
    assert all(parameter.is_meta for parameter in model.parameters())
    assert not list(model.buffers())


@pytest.mark.parametrize(
    ("case", "options", "message"),
    [
        ("gcn", {"num_heads": 4}, "out_dim is 6, which num_heads 4 does not divide"),
        ("mhgrn", {"num_hops": 1}, "num_hops is 1; allowed: at least 2"),
        ("qagnn", {"num_heads": 4}, "node_dim is 6, which num_heads 4 does not divide"),
        ("qagnn", {"node_dim": 7}, "node_dim is 7; allowed: an even number"),
        ("qagnn", {"relevance": "score"}, "relevance is 'score'; allowed: statement, concepts"),
        ("qagnn", {"statement_dim": 9}, "but they have 8 and 9 dimensions; use 'concepts'"),
    ],
)
def test_dimensions_that_do_not_fit_are_refused(case: str, options: dict, message: str) -> None:
    cls, fields_of_case = CASES[case]
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        cls(**{"entity_dim": DIM, "statement_dim": DIM, **fields_of_case, **options})
    assert message in str(caught.value)
