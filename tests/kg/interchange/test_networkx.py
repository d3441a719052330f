import networkx as nx
import pytest
from hypothesis import given
from interchange_records import content, few, records, said

from kglm.errors import DataError, GraphError
from kglm.kg.interchange import from_networkx, to_networkx
from kglm.kg.records import Description, Label, Triple

RECORDS = [
    Triple("trowel", "UsedFor", "dig", 2.0),
    Triple("trowel", "AtLocation", "shed", 1.0, "a catalogue"),
    Triple("trowel", "RelatedTo", "dig"),
    Triple("trowel", "RelatedTo", "trowel"),
    Label("trowel", "garden trowel", preferred=True),
    Label("trowel", "hand spade"),
    Description("trowel", "a small garden tool"),
]
EDGES = {(record.head, record.tail, record.relation) for record in RECORDS[:4]}


def test_to_networkx_keeps_entities_texts_relations_weights_and_sources(graph_of):
    copy = to_networkx(graph_of(*RECORDS), aliases=True)
    assert list(copy.nodes) == ["dig", "shed", "trowel"]
    assert copy.nodes["trowel"] == {
        "label": "garden trowel",
        "description": "a small garden tool",
        "aliases": ["hand spade"],
    }
    assert copy.nodes["dig"] == {"label": "dig"}
    assert set(copy.edges(keys=True)) == EDGES
    assert copy.edges["trowel", "dig", "UsedFor"] == {"weight": 2.0}
    assert copy.edges["trowel", "shed", "AtLocation"] == {"weight": 1.0, "source": "a catalogue"}


def test_aliases_are_left_out_unless_asked_for(graph_of):
    assert "aliases" not in to_networkx(graph_of(*RECORDS)).nodes["trowel"]


def test_a_part_is_the_subgraph_that_its_entities_induce(graph_of):
    graph = graph_of(*RECORDS)
    chosen = [graph.entity_id(name) for name in ("trowel", "dig", "dig")]
    part = to_networkx(graph, chosen)
    assert nx.utils.graphs_equal(part, to_networkx(graph).subgraph(["trowel", "dig"]).copy())
    assert list(to_networkx(graph, []).nodes) == []


@pytest.mark.parametrize(
    ("chosen", "message"), [([3], "entity id 3, expected 0 to 2"), ([-1], "-1"), (["dig"], "by id")]
)
def test_entities_that_are_not_in_the_graph_are_refused(graph_of, chosen, message):
    with pytest.raises(GraphError, match=message):
        to_networkx(graph_of(*RECORDS), chosen)


@few
@given(records())
def test_round_trip(graph_of, items):
    graph = graph_of(*items)
    assert said(from_networkx(to_networkx(graph, aliases=True))) == content(graph)


def test_a_plain_graph_gets_the_default_relation():
    plain = nx.Graph([("a", "b", {"weight": 0.5}), ("b", "c", {"relation": "PartOf", "asserted_by": "me"})])
    assert list(from_networkx(plain, "near")) == [
        Triple("a", "near", "b", 0.5),
        Triple("b", "PartOf", "c", 1.0, "me"),
    ]


def test_a_directed_graph_keeps_its_direction_and_numbers_become_names():
    assert list(from_networkx(nx.DiGraph([(2, 1)]))) == [Triple("2", "RelatedTo", "1")]


def test_two_nodes_of_one_name_are_refused():
    with pytest.raises(DataError, match="two nodes named '1': 1 and '1'"):
        list(from_networkx(nx.Graph([(1, "1")])))


@pytest.mark.parametrize("weight", ["heavy", None])
def test_a_weight_that_is_no_number_is_refused(weight):
    with pytest.raises(DataError, match="the edge 'a' to 'b' has weight"):
        list(from_networkx(nx.Graph([("a", "b", {"weight": weight})])))
