import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_graph import PlainGraph, filters, known, several, triples

from kglm.errors import ConfigError, UnknownNameError
from kglm.kg import Triple
from kglm.kg.search import find_neighbors


def plain_neighbors(plain, entity, limit, options):
    steps = sorted(plain.steps(entity, **options), key=lambda step: (-step[2], step[0], step[1]))
    return steps[:limit]


def as_steps(edges):
    return list(zip(edges.relations.tolist(), edges.neighbors.tolist(), edges.weights.tolist(), strict=True))


@settings(max_examples=20)
@given(triples(), several(st.tuples(filters(), st.none() | st.integers(1, 5))))
def test_neighbors_follow_the_rule(graph_of, items, cases):
    graph = graph_of(*items)
    plain, asked = PlainGraph(graph), [*range(graph.num_entities), 0]
    for options, limit in cases:
        options = known(graph, options)
        found = find_neighbors(graph, asked, limit=limit, **options)
        assert len(found) == len(asked)
        for entity, edges in zip(asked, found, strict=True):
            assert as_steps(edges) == plain_neighbors(plain, entity, limit, options)


def test_a_hub_is_ranked_and_cut(graph_of):
    graph = graph_of(*(Triple("hub", f"r{i % 3}", f"leaf{i}", 1.0 + i % 7) for i in range(3000)))
    plain, hub = PlainGraph(graph), graph.entity_id("hub")
    for limit in (1, 10, 2999, 3000, None):
        (edges,) = find_neighbors(graph, "hub", limit=limit)
        assert as_steps(edges) == plain_neighbors(plain, hub, limit, {"direction": "out"})


def test_names_are_taken_for_ids_and_types_are_as_told(graph_of):
    graph = graph_of(Triple("中文", "IsA", "b", 2.0), Triple("b", "IsA", "b"))
    found = find_neighbors(graph, ["中文", "b"], direction="both", relations="IsA")
    b, chinese = graph.entity_id("b"), graph.entity_id("中文")
    assert [as_steps(edges) for edges in found] == [[(0, b, 2.0)], [(1, chinese, 2.0), (0, b, 1.0)]]
    assert (found.offsets.dtype, found.entities.dtype) == (np.int64, np.int32)
    assert (found.relations.dtype, found.weights.dtype) == (np.int32, np.float32)
    assert as_steps(found[-1]) == as_steps(found[1])
    with pytest.raises(IndexError):
        found[2]


def test_the_result_does_not_depend_on_workers(graph_of):
    graph = graph_of(*(Triple(f"e{i % 40}", "r", f"e{i * 7 % 41}", 1.0 + i % 3) for i in range(200)))
    asked = np.arange(1000) % graph.num_entities
    one, three = (find_neighbors(graph, asked, direction="both", limit=3, workers=workers) for workers in (1, 3))
    for field in ("offsets", "entities", "relations", "weights"):
        assert getattr(one, field).tolist() == getattr(three, field).tolist()


def test_nothing_asked_nothing_found(graph_of):
    found = find_neighbors(graph_of(Triple("a", "r", "b")), [])
    assert len(found) == 0
    assert list(found) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "up"}, "direction is 'up', expected one of 'out', 'in', 'both'"),
        ({"limit": 0}, "limit is 0, expected a whole number of at least 1"),
        ({"limit": 2.5}, "limit is 2.5, expected a whole number of at least 1"),
        ({"min_weight": -1}, "min_weight is -1, expected a finite number of at least 0"),
        ({"min_weight": float("nan")}, "min_weight is nan"),
        ({"relations": [1]}, "relations holds 1, expected ids of 0 to 0, or names"),
        ({"relations": []}, "relations is empty, expected at least one relation, or None for all"),
        ({"workers": 0}, "workers is 0, expected a whole number of at least 1"),
    ],
)
def test_a_bad_option_is_named(graph_of, options, message):
    with pytest.raises(ConfigError, match=message):
        find_neighbors(graph_of(Triple("a", "r", "b")), [0], **options)


@pytest.mark.parametrize("entities", [[-1], [2], np.array([2**40]), [[0]], [0.5]])
def test_entities_outside_the_graph_are_refused(graph_of, entities):
    with pytest.raises(ValueError, match=r"outside the graph of 2 entities|whole numbers|one dimension"):
        find_neighbors(graph_of(Triple("a", "r", "b")), entities)


def test_unknown_names_are_refused(graph_of):
    graph = graph_of(Triple("shovel", "UsedFor", "digging"))
    with pytest.raises(UnknownNameError, match="did you mean 'shovel'"):
        find_neighbors(graph, "shovle")
    with pytest.raises(UnknownNameError, match="did you mean 'UsedFor'"):
        find_neighbors(graph, "shovel", relations=["UsdFor"])


def test_the_smallest_weight_permitted_is_compared_as_it_is_stored(graph_of):
    graph = graph_of(Triple("a", "r", "b", 0.1), Triple("a", "r", "c", 0.2))
    assert len(find_neighbors(graph, "a", min_weight=0.1).entities) == 2
    assert len(find_neighbors(graph, "a", min_weight=0.2).entities) == 1
    assert len(find_neighbors(graph, "a", min_weight=5).entities) == 0
