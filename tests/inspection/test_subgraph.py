import json

import pytest

from kglm.inspection.subgraph import Subgraph, SubgraphEdge, SubgraphNode

DIG = SubgraphNode(id=3, name="dig", label="dig", role="question", degree=9)
TROWEL = SubgraphNode(id=7, name="garden_trowel", label="trowel", role="choice", description="a small tool", degree=4)
SOIL = SubgraphNode(id=9, name="soil", label="soil", hops=1)
EDGES = (
    SubgraphEdge(source=7, target=3, relation="UsedFor", weight=2.0, asserted_by="people"),
    SubgraphEdge(source=7, target=9, relation="AtLocation"),
    SubgraphEdge(source=3, target=9, relation="AtLocation"),
)


def subgraph(nodes=(DIG, TROWEL, SOIL), edges=EDGES):
    return Subgraph(title="dig", graph_name="g", fingerprint="ab", nodes=nodes, edges=edges, total_nodes=5)


def test_relations_are_counted_most_frequent_first():
    assert list(subgraph().relations.items()) == [("AtLocation", 2), ("UsedFor", 1)]


def test_nodes_by_role():
    assert subgraph().with_role("choice") == [TROWEL]
    assert subgraph().with_role("seed") == []


def test_it_survives_json():
    part = subgraph()
    assert Subgraph.from_dict(json.loads(json.dumps(part.to_dict()))) == part


def test_an_entity_stands_once():
    with pytest.raises(ValueError, match="stands twice"):
        subgraph(nodes=(DIG, DIG, TROWEL, SOIL))


def test_an_edge_stays_inside():
    with pytest.raises(ValueError, match="7 AtLocation 9 leads out"):
        subgraph(nodes=(DIG, TROWEL))
