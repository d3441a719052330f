import json

import pytest

from kglm.errors import UnknownNameError
from kglm.inspection.neighbors import list_neighbors
from kglm.kg import Label, Triple


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(
        Triple("trowel", "UsedFor", "dig", 2.0, "people"),
        Triple("trowel", "IsA", "tool", 1.0, "a dictionary"),
        Triple("bricklayer", "HasA", "trowel", 3.0, "people"),
        Triple("trowel", "SimilarTo", "trowel", 0.5, ""),
        Label("trowel", "hand trowel"),
        name="tools",
    )


def listed(graph, **options):
    found = list_neighbors(graph, graph.entity_id("trowel"), **options)
    return [(one.direction, one.relation, one.name, one.weight) for one in found.neighbors]


def test_neighbours_stand_heaviest_first(graph):
    assert listed(graph) == [
        ("in", "HasA", "bricklayer", 3.0),
        ("out", "UsedFor", "dig", 2.0),
        ("out", "IsA", "tool", 1.0),
        ("out", "SimilarTo", "trowel", 0.5),
    ]


def test_filters(graph):
    assert [row[2] for row in listed(graph, direction="in")] == ["bricklayer", "trowel"]
    assert [row[2] for row in listed(graph, relations=["IsA", "HasA"])] == ["bricklayer", "tool"]
    assert [row[2] for row in listed(graph, min_weight=2)] == ["bricklayer", "dig"]
    with pytest.raises(UnknownNameError, match="unknown relation 'isa'; did you mean 'IsA'"):
        listed(graph, relations=["isa"])


def test_the_total_is_that_without_the_limit(graph):
    found = list_neighbors(graph, graph.entity_id("trowel"), limit=1)
    assert (found.total, len(found.neighbors)) == (4, 1)


def test_who_asserts_a_triple_and_the_json(graph):
    document = json.loads(json.dumps(list_neighbors(graph, graph.entity_id("trowel")).to_dict()))
    assert document["graph"] == "tools"
    assert document["entity"]["aliases"] == ["hand trowel"]
    assert document["entity"]["degree"] == 3
    assert [one["asserted_by"] for one in document["neighbors"]] == ["people", "people", "a dictionary", ""]
