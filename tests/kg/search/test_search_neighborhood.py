import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_graph import PlainGraph, filters, known, several, triples

from kglm.errors import ConfigError
from kglm.kg import Triple
from kglm.kg.search import extract_neighborhoods


def plain_neighborhood(plain, seeds, hops, fanouts, max_nodes, options):
    """Return nodes, distances and edges by the rule, with dicts and sorting."""
    found = dict.fromkeys(seeds, 0)
    level = list(found)
    for hop in range(hops):
        room = max_nodes - len(found)
        if room <= 0:
            break
        proposed = {}
        for entity in level:
            new = {other: w for other, w in plain.link_weights(entity, **options).items() if other not in found}
            for other in sorted(new, key=lambda one: (-new[one], one))[: fanouts[hop]]:
                proposed[other] = max(proposed.get(other, 0.0), new[other])
        level = sorted(proposed, key=lambda one: (-proposed[one], one))[:room]
        found.update(dict.fromkeys(level, hop + 1))
    nodes = list(found)
    edges = [
        (nodes.index(edge.head), nodes.index(edge.tail), edge.relation, edge.weight)
        for head in nodes
        for edge in sorted(
            plain.permitted(options["relations"], options["min_weight"]), key=lambda e: (e.tail, e.relation)
        )
        if edge.head == head and edge.tail in found
    ]
    return nodes, list(found.values()), edges


def compiled(found):
    edges = zip(*found.edges.tolist(), found.edge_relations.tolist(), found.edge_weights.tolist(), strict=True)
    return found.nodes.tolist(), found.distances.tolist(), list(edges)


@settings(max_examples=25)
@given(
    triples(60),
    several(
        st.tuples(
            filters(), st.integers(0, 3), st.lists(st.none() | st.integers(1, 3), min_size=3, max_size=3),
            st.none() | st.integers(1, 8),
        )
    ),
    st.data(),
)  # fmt: skip
def test_neighborhoods_follow_the_rule(graph_of, items, cases, data):
    graph = graph_of(*items)
    plain = PlainGraph(graph)
    sets = data.draw(st.lists(st.lists(st.integers(0, graph.num_entities - 1), max_size=3), max_size=4))
    for options, hops, fanouts, max_nodes in cases:
        options = known(graph, options)
        found = extract_neighborhoods(graph, sets, hops=hops, fanout=fanouts[:hops], max_nodes=max_nodes, **options)
        assert len(found) == len(sets)
        for index, seeds in enumerate(sets):
            expected = plain_neighborhood(plain, seeds, hops, fanouts, max_nodes or 1000, options)
            assert compiled(found[index]) == expected


@pytest.mark.parametrize("relations", [None, ["r"]])
@pytest.mark.parametrize("fanout", [None, 7])
def test_hubs_are_cut_by_the_rule_and_their_edges_found(graph_of, relations, fanout):
    items = [Triple("hub", "r", f"leaf{i}", 1.0 + i % 9) for i in range(2000)]
    items += [Triple(f"leaf{i}", "r", f"leaf{i + 1}", 1.0) for i in range(0, 2000, 3)] + [Triple("x", "s", "hub")]
    graph = graph_of(*items)
    plain = PlainGraph(graph)
    options = {"direction": "both", "relations": relations, "min_weight": 0.0}
    seeds = [graph.entity_id("leaf3")]
    found = extract_neighborhoods(graph, [seeds], hops=3, fanout=fanout, max_nodes=50, **options)
    assert compiled(found[0]) == plain_neighborhood(plain, seeds, 3, [fanout] * 3, 50, options)


def test_the_result_does_not_depend_on_workers_or_company(graph_of):
    graph = graph_of(*(Triple(f"e{i % 40}", "r", f"e{i * 7 % 41}", 1.0 + i % 3) for i in range(200)))
    sets = [[i % graph.num_entities, i * 3 % graph.num_entities] for i in range(600)]
    one, three = (extract_neighborhoods(graph, sets, fanout=2, max_nodes=9, workers=workers) for workers in (1, 3))
    assert one.node_offsets.tolist() == three.node_offsets.tolist()
    assert one.edge_offsets.tolist() == three.edge_offsets.tolist()
    assert compiled(one) == compiled(three)
    assert compiled(extract_neighborhoods(graph, sets[599:], fanout=2, max_nodes=9)) == compiled(one[-1])


def test_seeds_are_kept_beyond_the_cap(graph_of):
    graph = graph_of(Triple("a", "r", "b"), Triple("b", "r", "c"))
    found = extract_neighborhoods(graph, [["c", "a", "c"]], max_nodes=1)
    assert found.nodes.tolist() == [graph.entity_id("c"), graph.entity_id("a")]
    assert found.distances.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hops": 256}, "hops is 256, expected 0 to 255"),
        ({"hops": 1.5}, "hops is 1.5, expected 0 to 255"),
        ({"fanout": [1]}, r"fanout has 1 numbers \(\[1\]\), expected one for each of 2 hops"),
        ({"fanout": [1, 0]}, "fanout is 0, expected a whole number of at least 1"),
        ({"max_nodes": 0}, "max_nodes is 0, expected a whole number of at least 1"),
        ({"direction": None}, "direction is None, expected one of"),
    ],
)
def test_a_bad_option_is_named(graph_of, options, message):
    with pytest.raises(ConfigError, match=message):
        extract_neighborhoods(graph_of(Triple("a", "r", "b")), [[0]], **options)


def test_bad_seeds_are_refused(graph_of):
    graph = graph_of(Triple("a", "r", "b"))
    with pytest.raises(ValueError, match="entity id 2 is outside the graph of 2 entities"):
        extract_neighborhoods(graph, [[0], [1, 2]])
    with pytest.raises(ValueError, match="one entity"):
        extract_neighborhoods(graph, "a")
