from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_graph import PlainGraph, filters, known, several, triples

from kglm.errors import ConfigError
from kglm.kg import Triple
from kglm.kg.search import random_walks, verbalize_walks, walk_texts
from kglm.kg.verbalization import verbalize_path

WAYS = {
    "weighted": st.booleans(),
    "backtrack": st.booleans(),
    "restart": st.sampled_from([0.0, 0.3]),
    "seed": st.integers(0, 2**64 - 1),
}


@settings(max_examples=25)
@given(triples(60), several(st.tuples(filters(), st.fixed_dictionaries(WAYS))))
def test_walks_take_permitted_edges_and_end_only_where_none_is_left(graph_of, items, cases):
    graph = graph_of(*items)
    plain = PlainGraph(graph)
    for options, ways in cases:
        options = known(graph, options)
        walks = random_walks(graph, length=5, walks_per_start=2, **ways, **options)
        assert len(walks) == 2 * graph.num_entities
        for index, (entities, relations) in enumerate(walks):
            assert (entities[0], relations[-1]) == (index // 2, -1)
            assert_is_a_walk(plain, entities.tolist(), relations.tolist(), options, **ways)


def assert_is_a_walk(plain, entities, relations, options, restart, backtrack, **others):
    start, here, previous = entities[0], entities[0], None
    for there, relation in zip(entities[1:], relations, strict=False):
        if relation < 0:
            assert restart > 0
            assert (there, here != start) == (start, True)
            here, previous = start, None
            continue
        assert (relation, there) in {(r, other) for r, other, _ in plain.steps(here, **options)}
        assert there != here
        assert backtrack or there != previous
        here, previous = there, here
    if len(entities) < 6:
        left = {other for _, other, _ in plain.steps(here, **options)} - {here} - (set() if backtrack else {previous})
        assert not left
        assert restart == 0 or here == start


def steps_taken(walks):
    return Counter((int(entities[1]), int(relations[0])) for entities, relations in walks)


def assert_in_proportion(counts, expected):
    """Compare counts with shares by a chi-squared bound that holds but once in a million."""
    total, weight = sum(counts.values()), sum(expected.values())
    assert set(counts) <= set(expected)
    score = sum((counts[k] - total * w / weight) ** 2 / (total * w / weight) for k, w in expected.items())
    freedom = len(expected) - 1
    assert score < freedom + 7 * (2 * freedom) ** 0.5 + 25


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("direction", ["out", "both"])
@pytest.mark.parametrize("relations", [None, ["s"]])
@pytest.mark.parametrize("leaves", [6, 60])
def test_steps_are_in_proportion(graph_of, weighted, direction, relations, leaves):
    items = [Triple("hub", "r", f"leaf{i}", 1.0 + i % 3) for i in range(leaves)]
    items += [Triple(f"leaf{i}", "s", "hub", 2.0) for i in range(leaves // 3)]
    items += [Triple("hub", "s", "leaf1", 9.0), Triple("hub", "r", "hub", 50.0)]
    graph = graph_of(*items)
    hub = graph.entity_id("hub")
    options = {"direction": direction, "relations": relations}
    expected = {
        (other, relation): weight if weighted else 1.0
        for relation, other, weight in PlainGraph(graph).steps(hub, **options)
        if other != hub
    }
    walks = random_walks(graph, ["hub"], length=1, walks_per_start=20_000, weighted=weighted, seed=5, **options)
    assert_in_proportion(steps_taken(walks), expected)


def test_jumps_come_as_often_as_asked(graph_of):
    graph = graph_of(*(Triple(f"e{i}", "r", f"e{(i + 1) % 50}") for i in range(50)))
    walks = random_walks(graph, ["e0"], length=400, walks_per_start=100, restart=0.2, direction="out", seed=1)
    jumps = hops = 0
    for entities, relations in walks:
        away = entities[:-1] != entities[0]
        jumps += int((relations[:-1] < 0).sum())
        hops += int(away.sum())
    assert jumps / hops == pytest.approx(0.2, abs=0.01)


def test_the_walks_of_an_entity_depend_on_the_seed_alone(graph_of):
    graph = graph_of(*(Triple(f"e{i % 400}", "r", f"e{i * 7 % 401}", 1.0 + i % 3) for i in range(2000)))
    options = {"length": 6, "walks_per_start": 2}
    one, three = (random_walks(graph, workers=workers, **options) for workers in (1, 3))
    for field in ("offsets", "entities", "relations"):
        assert getattr(one, field).tolist() == getattr(three, field).tolist()
    alone = random_walks(graph, [300], **options)
    assert [entities.tolist() for entities, _ in alone] == [one[i][0].tolist() for i in (600, 601)]
    fewer = random_walks(graph, walks_per_start=1, length=6)
    assert fewer[300][0].tolist() == one[600][0].tolist()
    other = random_walks(graph, seed=1, **options)
    assert other.entities.tolist() != one.entities.tolist()
    distinct = {tuple(entities.tolist()) for entities, _ in one}
    assert len(distinct) > 0.9 * len(one)


def test_texts_tell_the_hops_and_skip_walks_without_any(graph_of):
    graph = graph_of(Triple("dog", "IsA", "pet_animal"), Triple("loner", "IsA", "loner"))
    texts = list(walk_texts(graph, length=2))
    assert texts == ["dog is a kind of pet animal; dog is a kind of pet animal"] * 2
    assert list(walk_texts(graph, ["dog"], length=2, direction="out")) == ["dog is a kind of pet animal"]
    walks = random_walks(graph, ["dog"], length=3, direction="out", restart=0.5)
    assert walks.relations.tolist() == [0, -1, 0, -1]
    assert list(verbalize_walks(graph, walks)) == ["dog is a kind of pet animal; dog is a kind of pet animal"]


def test_texts_are_those_of_paths(graph_of):
    graph = graph_of(*(Triple(f"e_{i % 40}", "UsedFor", f"e_{i * 7 % 41}") for i in range(80)))
    walks = random_walks(graph, length=5, backtrack=False)
    paths = [
        (entities.tolist(), [[relation] for relation in relations[:-1].tolist()]) for entities, relations in walks
    ]
    assert list(verbalize_walks(graph, walks)) == [verbalize_path(graph, *path) for path in paths if path[1]]


def test_texts_do_not_depend_on_the_batch(graph_of):
    graph = graph_of(*(Triple(f"e{i % 40}", "r", f"e{i * 7 % 41}", 1.0 + i % 3) for i in range(200)))
    assert list(walk_texts(graph, batch_size=7)) == list(walk_texts(graph))
    assert sum(1 for _ in walk_texts(graph)) == graph.num_entities


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 0}, "length is 0, expected a whole number of at least 1"),
        ({"walks_per_start": 0}, "walks_per_start is 0, expected a whole number of at least 1"),
        ({"restart": 1.0}, "restart is 1.0, expected a number of at least 0 and below 1"),
        ({"seed": -1}, "seed is -1, expected a whole number of at least 0"),
        ({"seed": 2**64}, "seed is 18446744073709551616, expected a whole number below"),
    ],
)
def test_a_bad_option_is_named_at_once(graph_of, options, message):
    graph = graph_of(Triple("a", "r", "b"))
    for function in (random_walks, walk_texts):
        with pytest.raises(ConfigError, match=message):
            function(graph, [0], **options)
    with pytest.raises(ValueError, match="entity id 7 is outside the graph of 2 entities"):
        random_walks(graph, [7])


def test_pairs_of_a_long_walk_are_edges(graph_of):
    graph = graph_of(*(Triple(f"e{i}", "r", f"e{j}") for i, j in np.random.default_rng(0).integers(0, 30, (200, 2))))
    entities, _ = random_walks(graph, [0], length=1000, seed=3)[0]
    joined = {(edge.head, edge.tail) for edge in PlainGraph(graph).edges}
    assert all((a, b) in joined or (b, a) in joined for a, b in pairwise(entities.tolist()))
    assert len(set(entities.tolist())) == graph.num_entities
