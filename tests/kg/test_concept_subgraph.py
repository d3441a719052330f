"""Concept subgraphs against networkx, and against their own rules where networkx has none."""

from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.errors import ConfigError
from kglm.kg import Triple
from kglm.kg.concept_subgraph import NodeSets, connect_nodes, extract_subgraphs, gather_nodes
from kglm.kg.concept_subgraph_kernels import BLOCK
from kglm.kg.schema_graph import ConceptSets


def concepts(question, choice):
    return ConceptSets(np.array(question, dtype=np.int32), np.array(choice, dtype=np.int32))


def simple_graph(graph):
    simple = nx.Graph()
    simple.add_nodes_from(range(graph.num_entities))
    ids = {name: index for index, name in enumerate(graph.entities)}
    simple.add_edges_from((ids[t.head], ids[t.tail]) for t in graph.triples() if t.head != t.tail)
    return simple


def naive_nodes(graph, pair, max_nodes, relevance=None):
    """The concepts, then the common neighbours of any two of them, ranked."""
    simple = simple_graph(graph)
    given = [*pair.question.tolist(), *pair.choice.tolist()]
    between = set()
    for a, b in combinations(given, 2):
        between |= set(simple[a]) & set(simple[b])

    def rank(node):
        if relevance is not None:
            return (-relevance[node], node)
        return (-sum(node in simple[concept] for concept in given), simple.degree(node), node)

    return given + sorted(between - set(given), key=rank)[: max(max_nodes - len(given), 0)]


def naive_triples(graph, nodes):
    names = [graph.entities[node] for node in nodes]
    return sorted(
        (names.index(triple.head), graph.relation_id(triple.relation), names.index(triple.tail))
        for triple in graph.triples()
        if triple.head in names and triple.tail in names and triple.head != triple.tail
    )


def part(subgraphs, index):
    """Return nodes and sorted triples of one graph."""
    nodes = subgraphs.nodes[slice(*subgraphs.node_offsets[index : index + 2])].tolist()
    span = slice(*subgraphs.edge_offsets[index : index + 2])
    heads, tails = subgraphs.edges[:, span].tolist()
    return nodes, sorted(zip(heads, subgraphs.edge_relations[span].tolist(), tails, strict=True))


names = st.sampled_from(["a", "Ärger", "犬", "e\u0301", "é", "b c", "🐕", "z", "ﬁ"])
triple = st.builds(Triple, names, st.sampled_from(["r", "s", "关系"]), names, st.just(1.0), st.just(""))


@st.composite
def cases(draw):
    """Triples with multi-edges, self-loops and parts apart, sometimes with hubs; and concept sets."""
    triples = draw(st.lists(triple, min_size=1, max_size=40))
    for hub in range(draw(st.integers(0, 2))):
        triples += [Triple(f"hub{hub}", "r", name) for name in ["a", "Ärger", "犬", "é", "z"]]
        triples += [Triple(f"leaf{leaf}", "s", f"hub{hub}") for leaf in range(40)]
    size = len({name for item in triples for name in (item.head, item.tail)})
    pairs = []
    for _ in range(draw(st.integers(1, 3))):
        order = draw(st.permutations(range(size)))
        question = draw(st.integers(0, min(4, size)))
        choice = draw(st.integers(0, min(4, size - question)))
        pairs.append(concepts(order[:question], order[question : question + choice]))
    return triples, pairs


@settings(max_examples=60)
@given(cases(), st.sampled_from([1, 4, 6, 8, 200]))
def test_nodes_and_triples_equal_those_of_networkx(graph_of, case, max_nodes):
    triples, pairs = case
    graph = graph_of(*triples)
    found = extract_subgraphs(graph, pairs, max_nodes=max_nodes)
    assert len(found) == len(pairs)
    for index, pair in enumerate(pairs):
        nodes = naive_nodes(graph, pair, max_nodes)
        assert part(found, index) == (nodes, naive_triples(graph, nodes))
        assert (found.question_counts[index], found.choice_counts[index]) == tuple(map(len, pair))


@settings(max_examples=25)
@given(cases(), st.sampled_from([1, 4, 6, 200]), st.data())
def test_given_relevance_ranks_the_nodes(graph_of, case, max_nodes, data):
    triples, pairs = case
    graph = graph_of(*triples)
    number = st.sampled_from([-np.inf, -2.5, -1e-30, -0.0, 0.0, 1e-30, 0.5, 0.75, np.inf])
    relevance = np.array(data.draw(st.lists(number, min_size=graph.num_entities, max_size=graph.num_entities)))
    found = gather_nodes(graph, pairs, max_nodes=max_nodes, relevance=relevance)
    for index, pair in enumerate(pairs):
        nodes = found.nodes[slice(*found.node_offsets[index : index + 2])].tolist()
        assert nodes == naive_nodes(graph, pair, max_nodes, relevance)


@settings(max_examples=25)
@given(cases(), st.sampled_from([1, 4, 6, 200]), st.data())
def test_scoring_the_nodes_of_each_graph_in_between(graph_of, case, max_nodes, data):
    triples, pairs = case
    graph = graph_of(*triples)
    every = gather_nodes(graph, pairs, max_nodes=10**9)
    size = len(every.nodes)
    relevance = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=size, max_size=size)))
    kept = every.keep_best(relevance, max_nodes)
    for index in range(len(pairs)):
        start, end = every.node_offsets[index : index + 2]
        fixed = start + every.question_counts[index] + every.choice_counts[index]
        others = sorted(range(fixed, end), key=lambda place: -relevance[place])
        expected = [*range(start, fixed), *others][: max(max_nodes, fixed - start)]
        assert kept.nodes[slice(*kept.node_offsets[index : index + 2])].tolist() == every.nodes[expected].tolist()
    found = connect_nodes(graph, kept)
    for index in range(len(pairs)):
        nodes, edges = part(found, index)
        assert edges == naive_triples(graph, nodes)


@pytest.fixture(scope="module")
def many(graph_of):
    """A dense graph with rows longer than a block, and more pairs than one chunk holds."""
    rng = np.random.default_rng(3)
    size = 2 * BLOCK
    ends = np.concatenate(
        [rng.integers(0, size, (4000, 2)), np.stack([rng.integers(0, 6, 9000), rng.integers(0, size, 9000)], 1)]
    )
    graph = graph_of(
        *(Triple(f"e{head:04}", "rst"[(head + tail) % 3], f"e{tail:04}") for head, tail in ends.tolist())
    )
    pairs = []
    for _ in range(600):
        chosen = rng.choice(graph.num_entities if rng.random() < 0.5 else 40, rng.integers(0, 9), replace=False)
        cut = rng.integers(0, len(chosen) + 1)
        pairs.append(concepts(chosen[:cut], chosen[cut:]))
    return graph, pairs


@pytest.mark.parametrize("workers", [2, 3])
def test_the_number_of_workers_does_not_change_the_result(many, workers):
    graph, pairs = many
    first, second = extract_subgraphs(graph, pairs), extract_subgraphs(graph, pairs, workers=workers)
    for name, array in vars(first).items():
        assert array.dtype == getattr(second, name).dtype
        np.testing.assert_array_equal(array, getattr(second, name), name)


def test_triples_of_hubs_are_all_found(many):
    graph, pairs = many
    assert np.diff(graph.links.indptr).max() > BLOCK
    found = extract_subgraphs(graph, pairs, max_nodes=60)
    triples = [
        (int(head), int(relation), int(tail))
        for head in range(graph.num_entities)
        for tail, relation, _ in zip(*graph.out_edges(head), strict=True)
        if head != tail
    ]
    for index in range(0, len(pairs), 40):
        nodes, edges = part(found, index)
        place = {node: number for number, node in enumerate(nodes)}
        assert edges == sorted((place[h], r, place[t]) for h, r, t in triples if h in place and t in place)


def test_the_default_prefers_more_concepts_then_fewer_links(graph_of):
    triples = [Triple(f"c{i}", "r", "hub") for i in range(3)] + [Triple(f"leaf{i}", "r", "hub") for i in range(9)]
    triples += [
        Triple("c0", "r", "special"),
        Triple("special", "r", "c1"),
        Triple("c0", "r", "vague"),
        Triple("c1", "r", "vague"),
    ]
    triples += [Triple("vague", "r", "leaf0")]
    graph = graph_of(*triples)
    pair = concepts([graph.entity_id("c0"), graph.entity_id("c1")], [graph.entity_id("c2")])
    found = gather_nodes(graph, [pair])
    assert [graph.entities[node] for node in found.nodes] == ["c0", "c1", "c2", "hub", "special", "vague"]


def test_no_pairs_give_no_graphs(many):
    found = extract_subgraphs(many[0], [])
    assert len(found) == 0
    assert found.node_offsets.tolist() == found.edge_offsets.tolist() == [0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_nodes": 0}, ConfigError, "max_nodes is 0, expected at least 1"),
        ({"workers": 0}, ConfigError, "workers is 0"),
        (
            {"relevance": np.zeros(3)},
            ValueError,
            r"relevance has shape \(3,\), expected \(2,\), one number an entity",
        ),
        ({"relevance": np.array([0.0, np.nan])}, ValueError, r"relevance\[1\] is not a number"),
    ],
)
def test_options_are_validated(graph_of, options, error, message):
    graph = graph_of(Triple("a", "r", "b"))
    with pytest.raises(error, match=message):
        extract_subgraphs(graph, [concepts([0], [1])], **options)


def test_concepts_that_break_the_contract_are_refused(graph_of):
    graph = graph_of(Triple("a", "r", "b"))
    with pytest.raises(ValueError, match="entity id 2 is outside the graph of 2 entities"):
        extract_subgraphs(graph, [concepts([0], [2])])
    with pytest.raises(ValueError, match="entity id 1 stands twice"):
        extract_subgraphs(graph, [concepts([1], [1])])
    nodes = gather_nodes(graph, [concepts([0], [1])])
    with pytest.raises(ValueError, match=r"relevance has shape \(3,\), expected \(2,\), one number a node"):
        nodes.keep_best(np.zeros(3), 5)
    with pytest.raises(ConfigError, match="max_nodes is 0"):
        nodes.keep_best(np.zeros(2), 0)


@pytest.mark.data
def test_commonsense_concepts_over_conceptnet_equal_networkx(conceptnet):
    rng = np.random.default_rng(5)
    degrees = np.diff(conceptnet.links.indptr)
    popular = np.argsort(-degrees.astype(np.int64))[:2000]
    pairs = [
        concepts(chosen[:4], chosen[4:]) for chosen in (rng.choice(popular, 6, replace=False) for _ in range(20))
    ]
    found = extract_subgraphs(conceptnet, pairs, max_nodes=10**6)
    simple = nx.Graph()
    heads, relations, tails = [], [], []
    for head in range(conceptnet.num_entities):
        row = conceptnet.out_edges(head)
        heads += [head] * len(row.neighbors)
        relations += row.relations.tolist()
        tails += row.neighbors.tolist()
    simple.add_edges_from((h, t) for h, t in zip(heads, tails, strict=True) if h != t)
    for index, pair in enumerate(pairs):
        given = [*pair.question.tolist(), *pair.choice.tolist()]
        between = set().union(*(set(simple[a]) & set(simple[b]) for a, b in combinations(given, 2))) - set(given)
        nodes, edges = part(found, index)
        assert nodes[:6] == given
        assert set(nodes[6:]) == between
        ranks = [
            (-sum(node in simple[concept] for concept in given), simple.degree(node), node) for node in nodes[6:]
        ]
        assert all(first < second for first, second in pairwise(ranks))
        place = {node: number for number, node in enumerate(nodes)}
        triples = zip(heads, relations, tails, strict=True)
        assert edges == sorted((place[h], r, place[t]) for h, r, t in triples if h in place and t in place and h != t)
        assert isinstance(found, NodeSets)
