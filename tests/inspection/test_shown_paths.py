import json

import networkx as nx
import pytest

from kglm.errors import ConfigError
from kglm.inspection.paths import list_paths
from kglm.kg import Triple


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(
        Triple("trowel", "UsedFor", "dig", 2.0),
        Triple("shovel", "UsedFor", "dig", 4.0),
        Triple("trowel", "AtLocation", "shed"),
        Triple("shovel", "AtLocation", "shed"),
        Triple("shed", "RelatedTo", "shovel", 0.25),
        Triple("moon", "HasA", "crater"),
        name="tools",
    )


def ids(graph, *names):
    return [graph.entity_id(name) for name in names]


def test_paths_are_told_in_three_ways(graph):
    found = list_paths(graph, ids(graph, "trowel"), ids(graph, "shovel"), max_hops=2, cheapest=True)
    first, second = found.paths
    assert first.names == first.labels == ("trowel", "dig", "shovel")
    assert first.relations == (("UsedFor",), ("^UsedFor",))
    assert (first.hops, first.score) == (2, 8.0)
    assert first.drawn == "trowel —UsedFor→ dig ←UsedFor— shovel"
    assert first.words == "trowel is used for dig; shovel is used for dig"
    assert second.relations == (("AtLocation",), ("RelatedTo", "^AtLocation"))
    plain = nx.Graph()
    for triple in graph.triples():
        cost = min(1 / triple.weight, plain.get_edge_data(triple.head, triple.tail, {"cost": 9})["cost"])
        plain.add_edge(triple.head, triple.tail, cost=cost)
    assert found.cheapest.score == pytest.approx(nx.shortest_path_length(plain, "trowel", "shovel", "cost"))
    assert list(found.cheapest.names) == nx.shortest_path(plain, "trowel", "shovel", "cost")


def test_no_path_and_json(graph):
    found = list_paths(graph, ids(graph, "trowel", "shed"), ids(graph, "moon"), cheapest=True)
    assert (found.paths, found.cheapest) == ((), None)
    document = list_paths(graph, ids(graph, "trowel"), ids(graph, "dig"), cheapest=True).to_dict()
    assert json.loads(json.dumps(document))["paths"][0]["hops"] == 1
    assert document["cheapest"]["hops"] == 1


def test_what_both_sides_name_is_the_targets(graph):
    found = list_paths(graph, ids(graph, "trowel", "dig"), ids(graph, "dig"))
    assert found.sources == ("trowel",)
    with pytest.raises(ConfigError, match="two different ends"):
        list_paths(graph, ids(graph, "dig"), ids(graph, "dig"))
