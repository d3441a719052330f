import builtins
import sys

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kglm.data.pyg import from_pyg, to_pyg, to_pyg_hetero
from kglm.errors import ConfigError, DataError, GraphError, UnknownNameError
from kglm.kg.records import Triple

TRIPLES = [
    Triple("dog", "IsA", "animal", 2.0),
    Triple("cat", "IsA", "animal"),
    Triple("cat", "IsA", "pet", 0.5),
    Triple("trowel", "IsA", "tool"),
    Triple("cat", "Chases", "dog"),
    Triple("dog", "Chases", "cat", 3.0),
    Triple("dog", "Chases", "dog"),
]
NAMES = st.sampled_from(["a", "b", "c", "größe", "x y"])


def triples(graph):
    return sorted(triple[:4] for triple in graph.triples())


def test_edges_relations_weights_and_nodes(graph_of):
    pytest.importorskip("torch_geometric")
    graph = graph_of(*TRIPLES)
    data = to_pyg(graph)
    data.validate()
    assert (data.num_nodes, data.num_edges) == (graph.num_entities, graph.num_triples)
    assert data.edge_index.dtype == data.edge_type.dtype == data.n_id.dtype == torch.int64
    assert data.edge_weight.dtype == torch.float32
    expected = [
        (graph.entity_id(t.head), graph.entity_id(t.tail), graph.relation_id(t.relation), t.weight)
        for t in graph.triples()
    ]
    found = zip(*data.edge_index.tolist(), data.edge_type.tolist(), data.edge_weight.tolist(), strict=True)
    assert list(found) == expected


def test_a_part_is_numbered_anew_and_keeps_entity_ids(graph_of):
    pytest.importorskip("torch_geometric")
    graph = graph_of(*TRIPLES)
    data = to_pyg(graph, [graph.entity_id("dog"), graph.entity_id("cat")])
    assert [graph.entities[i] for i in data.n_id.tolist()] == ["cat", "dog"]
    assert data.edge_index.tolist() == [[0, 1, 1], [1, 0, 1]]
    with pytest.raises(GraphError, match="entity id 99"):
        to_pyg(graph, [99])


@settings(max_examples=6, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    items=st.lists(st.builds(Triple, NAMES, NAMES, NAMES, st.sampled_from([1.0, 0.5])), min_size=1, max_size=8),
    typed=st.booleans(),
    data=st.data(),
)
def test_round_trips(graph_of, items, typed, data):
    pytest.importorskip("torch_geometric")
    graph = graph_of(*items)
    relation = data.draw(st.sampled_from(graph.relations)) if typed else None
    hetero = to_pyg_hetero(graph, type_relation=relation, max_types=data.draw(st.integers(1, 3)))
    hetero.validate()
    assert hetero.num_nodes == graph.num_entities
    assert triples(graph_of(*from_pyg(hetero, graph.entities))) == triples(graph)
    assert triples(graph_of(*from_pyg(to_pyg(graph), graph.entities, graph.relations))) == triples(graph)


def test_types_are_the_heaviest_tails_of_the_relation(graph_of):
    pytest.importorskip("torch_geometric")
    graph = graph_of(*TRIPLES)
    data = to_pyg_hetero(graph, type_relation="IsA")
    members = {kind: [graph.entities[i] for i in data[kind].n_id.tolist()] for kind in data.node_types}
    assert members == {"animal": ["cat", "dog"], "tool": ["trowel"], "entity": ["animal", "pet", "tool"]}
    assert set(data.edge_types) == {
        ("animal", "IsA", "entity"),
        ("tool", "IsA", "entity"),
        ("animal", "Chases", "animal"),
    }
    assert data["animal", "Chases", "animal"].edge_index.tolist() == [[0, 1, 1], [1, 0, 1]]
    assert data["animal", "Chases", "animal"].edge_weight.tolist() == [1.0, 3.0, 1.0]


def test_only_the_most_frequent_types_are_kept(graph_of):
    pytest.importorskip("torch_geometric")
    data = to_pyg_hetero(graph_of(*TRIPLES), type_relation="IsA", max_types=1)
    assert data.node_types == ["animal", "entity"]


def test_wrong_options_of_types_are_refused(graph_of):
    pytest.importorskip("torch_geometric")
    graph = graph_of(*TRIPLES)
    with pytest.raises(UnknownNameError, match="unknown relation 'isa'"):
        to_pyg_hetero(graph, type_relation="isa")
    with pytest.raises(ConfigError, match="max_types=0"):
        to_pyg_hetero(graph, max_types=0)
    with pytest.raises(ConfigError, match="default_type='animal'"):
        to_pyg_hetero(graph, type_relation="IsA", default_type="animal")


def test_foreign_data_without_ids_and_weights():
    pyg = pytest.importorskip("torch_geometric.data")
    data = pyg.Data(edge_index=torch.tensor([[0], [1]]), edge_type=torch.tensor([0]), num_nodes=2)
    assert list(from_pyg(data, ["a", "b"], ["r"])) == [Triple("a", "r", "b")]
    hetero = pyg.HeteroData()
    hetero["x"].num_nodes, hetero["y"].num_nodes = 1, 2
    hetero["x", "r", "y"].edge_index = torch.tensor([[0], [1]])
    assert list(from_pyg(hetero, ["a", "b", "c"])) == [Triple("a", "r", "c")]


def test_data_that_the_names_do_not_fit_are_refused():
    pyg = pytest.importorskip("torch_geometric.data")
    data = pyg.Data(edge_index=torch.tensor([[0], [1]]), edge_type=torch.tensor([0]), num_nodes=2)
    with pytest.raises(DataError, match="node 1 to 1, but there are 1 names"):
        list(from_pyg(data, ["a"], ["r"]))
    with pytest.raises(DataError, match="edge_type 0 to 0"):
        list(from_pyg(data, ["a", "b"], []))
    with pytest.raises(ConfigError, match="relation_names"):
        list(from_pyg(data, ["a", "b"]))
    with pytest.raises(DataError, match="no edge_type"):
        list(from_pyg(pyg.Data(edge_index=data.edge_index, num_nodes=2), ["a", "b"], ["r"]))
    data.edge_weight = torch.ones(1, 2)
    with pytest.raises(DataError, match="edge_weight has the shape"):
        list(from_pyg(data, ["a", "b"], ["r"]))


def test_without_torch_geometric_the_error_says_what_to_install(graph_of, monkeypatch):
    original = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("torch_geometric"):
            raise ImportError("No module named 'torch_geometric'")
        return original(name, *args, **kwargs)

    for module in [name for name in sys.modules if name.startswith("torch_geometric")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigError, match=r"pip install 'kglm\[pyg\]'"):
        to_pyg(graph_of(*TRIPLES))
