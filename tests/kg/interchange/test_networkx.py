import networkx as nx

from kglm.kg import Label, Triple, build_graph
from kglm.kg.interchange import from_networkx, to_networkx

RECORDS = [
    Triple("trowel", "UsedFor", "dig", 2.0),
    Triple("trowel", "AtLocation", "shed"),
    Triple("trowel", "RelatedTo", "dig"),
    Label("trowel", "garden trowel", preferred=True),
]


def test_to_networkx_keeps_entities_labels_relations_and_weights(graph_of):
    copy = to_networkx(graph_of(*RECORDS))
    assert set(copy.nodes) == {"trowel", "dig", "shed"}
    assert copy.nodes["trowel"]["label"] == "garden trowel"
    assert set(copy.edges(keys=True)) == {(t.head, t.tail, t.relation) for t in RECORDS[:3]}
    assert copy.edges["trowel", "dig", "UsedFor"]["weight"] == 2.0


def test_round_trip(graph_of, tmp_path):
    graph = graph_of(*RECORDS)
    again = build_graph(from_networkx(to_networkx(graph)), tmp_path / "again", name="again")
    assert list(again.triples()) == list(graph.triples())
    assert list(again.labels) == list(graph.labels)


def test_a_plain_graph_gets_the_default_relation():
    plain = nx.Graph([("a", "b", {"weight": 0.5}), ("b", "c", {"relation": "PartOf"})])
    assert list(from_networkx(plain, "near")) == [Triple("a", "near", "b", 0.5), Triple("b", "PartOf", "c", 1.0)]
