import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.errors import ConfigError
from kglm.kg import Triple
from kglm.kg.schema_graph import CHUNK, ConceptSets, SchemaGraphs, SchemaOptions, extract_schema_graphs

SIZE = 40


def random_triples(source, count=160):
    return [
        Triple(
            f"e{source.randrange(SIZE):02}",
            source.choice("rst"),
            f"e{source.randrange(SIZE):02}",
            source.random() + 0.5,
        )
        for _ in range(count)
    ]


def random_pairs(source, size, count):
    pairs = []
    for _ in range(count):
        chosen = source.sample(range(size), source.randrange(min(6, size + 1)))
        cut = source.randrange(len(chosen) + 1)
        pairs.append(ConceptSets(np.array(chosen[:cut], dtype=np.int32), np.array(chosen[cut:], dtype=np.int64)))
    return pairs


@st.composite
def cases(draw, pairs=8):
    source = random.Random(draw(st.integers(0, 2**32)))
    triples = random_triples(source, draw(st.integers(1, 200)))
    size = len({name for item in triples for name in (item.head, item.tail)})
    return triples, random_pairs(source, size, pairs)


def take(schemas, offsets, index, values):
    start, end = getattr(schemas, offsets)[index : index + 2]
    return getattr(schemas, values)[..., start:end]


def assert_equal(first, second):
    for name, array in first.arrays().items():
        other = getattr(second, name)
        assert array.dtype == other.dtype, name
        np.testing.assert_array_equal(array, other, name)


options = st.builds(SchemaOptions, max_hops=st.integers(1, 4), max_paths=st.sampled_from([1, 4, 100]))


@settings(max_examples=50)
@given(cases(), options)
def test_nodes_are_the_concepts_then_the_inner_nodes_as_they_appear(graph_of, case, options):
    triples, pairs = case
    schemas = extract_schema_graphs(graph_of(*triples), pairs, options)
    assert len(schemas) == len(pairs)
    for index, (question, choice) in enumerate(pairs):
        nodes = take(schemas, "node_offsets", index, "nodes")
        inner = [node for local, _ in schemas.paths(index) for node in nodes[local].tolist()]
        assert nodes.tolist() == list(dict.fromkeys([*question.tolist(), *choice.tolist(), *inner]))
        assert schemas.question_counts[index] == len(question)
        assert schemas.choice_counts[index] == len(choice)
        for pair, (local, _) in zip(
            take(schemas, "path_offsets", index, "path_pair"), schemas.paths(index), strict=True
        ):
            assert divmod(pair, len(choice)) == (local[0], local[-1] - len(question))


@settings(max_examples=50)
@given(cases(), options)
def test_edges_are_the_hops_and_the_links_within_each_set_with_all_their_relations(graph_of, case, options):
    triples, pairs = case
    graph = graph_of(*triples)
    schemas = extract_schema_graphs(graph, pairs, options)
    relations_of = {}
    for triple in triples:
        head, relation, tail = (
            graph.entity_id(triple.head),
            graph.relation_id(triple.relation),
            graph.entity_id(triple.tail),
        )
        relations_of.setdefault((head, tail), set()).add(relation)
        relations_of.setdefault((tail, head), set()).add(relation + graph.num_relations)
    for index, (question, choice) in enumerate(pairs):
        nodes = take(schemas, "node_offsets", index, "nodes").tolist()
        sources, targets = take(schemas, "edge_offsets", index, "edges").tolist()
        edges = [(nodes[u], nodes[v]) for u, v in zip(sources, targets, strict=True)]
        expected = set()
        for local, _ in schemas.paths(index):
            path = [nodes[node] for node in local]
            expected |= {frozenset(hop) for hop in pairwise(path)}
        for concepts in (question.tolist(), choice.tolist()):
            expected |= {frozenset((a, b)) for a in concepts for b in concepts if a != b and (a, b) in relations_of}
        assert edges[1::2] == [(v, u) for u, v in edges[::2]]
        assert len(edges) == 2 * len(expected)
        assert {frozenset(edge) for edge in edges} == expected
        first = schemas.edge_offsets[index]
        for number, edge in enumerate(edges):
            found = take(schemas, "edge_relation_offsets", first + number, "edge_relations").tolist()
            assert len(found) == len(set(found))
            assert set(found) == relations_of[edge]
            assert found == graph.relations_between(*edge)


@settings(max_examples=50)
@given(cases(), options)
def test_each_step_of_a_path_names_the_edge_that_leaves_it(graph_of, case, options):
    triples, pairs = case
    schemas = extract_schema_graphs(graph_of(*triples), pairs, options)
    for index in range(len(pairs)):
        edges = take(schemas, "edge_offsets", index, "edges")
        for nodes, steps in schemas.paths(index):
            assert steps[-1] == -1
            assert edges[:, steps[:-1]].tolist() == [nodes[:-1].tolist(), nodes[1:].tolist()]


@pytest.fixture(scope="module")
def many(graph_of):
    """A graph and more pairs than one chunk holds."""
    source = random.Random(7)
    graph = graph_of(*random_triples(source))
    assert graph.num_entities == SIZE
    return graph, random_pairs(source, SIZE, 2 * CHUNK + 50)


@pytest.mark.parametrize("workers", [2, 3])
def test_the_number_of_workers_does_not_change_the_result(many, workers):
    graph, pairs = many
    assert_equal(extract_schema_graphs(graph, pairs, workers=1), extract_schema_graphs(graph, pairs, workers=workers))


def test_all_at_once_equals_one_by_one(many):
    graph, pairs = many
    options = SchemaOptions(max_paths=20)
    single = [extract_schema_graphs(graph, [pair], options) for pair in pairs]
    assert_equal(extract_schema_graphs(graph, pairs, options), SchemaGraphs.concatenate(single))


def test_no_pairs_give_no_graphs(many):
    schemas = extract_schema_graphs(many[0], [])
    assert len(schemas) == 0
    assert {name: array.size for name, array in schemas.arrays().items() if array.size} == {
        name: 1 for name in schemas.arrays() if name.endswith("_offsets")
    }


@pytest.mark.parametrize(("question", "choice"), [([], []), ([0, 1], []), ([], [0, 1])])
def test_an_empty_concept_set_gives_nodes_but_no_paths(graph_of, question, choice):
    graph = graph_of(Triple("a", "r", "b"))
    schemas = extract_schema_graphs(graph, [ConceptSets(np.array(question, dtype=int), np.array(choice, dtype=int))])
    assert schemas.nodes.tolist() == question + choice
    assert schemas.path_offsets.tolist() == [0, 0]
    assert schemas.edges.tolist() == ([[0, 1], [1, 0]] if schemas.nodes.size else [[], []])


@pytest.mark.parametrize(
    ("question", "choice", "message"),
    [
        ([2], [0], "entity id 2 is outside the graph of 2 entities"),
        ([0], [-1], "entity id -1 is outside the graph of 2 entities"),
        ([1], [0, 1], "entity id 1 stands twice among the concepts of one question-choice pair"),
        ([0, 0], [1], "entity id 0 stands twice among the concepts of one question-choice pair"),
    ],
)
def test_concepts_that_break_the_contract_are_refused(graph_of, question, choice, message):
    graph = graph_of(Triple("a", "r", "b"))
    fine = ConceptSets(np.array([0]), np.array([1]))
    with pytest.raises(ValueError, match=message):
        extract_schema_graphs(graph, [fine, ConceptSets(np.array(question), np.array(choice)), fine])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("max_hops", 0, "max_hops is 0, expected 1 to 4"),
        ("max_hops", 5, "max_hops is 5, expected 1 to 4"),
        ("max_paths", 0, "max_paths is 0, expected at least 1"),
        ("max_nodes", 0, "max_nodes is 0, expected at least 1"),
        ("min_path_score", -0.1, "min_path_score is -0.1, expected a number of at least 0"),
        ("min_path_score", float("nan"), "min_path_score is nan"),
        ("source", "neighbors", "min_path_score is 0.5; allowed with source 'paths' only"),
        ("source", "path", "source is 'path'; allowed: paths, neighbors"),
    ],
)
def test_options_are_validated(field, value, message):
    with pytest.raises(ConfigError, match=message):
        SchemaOptions(**{"min_path_score": 0.5 if value == "neighbors" else 0.0, field: value})


@settings(max_examples=20)
@given(cases(), st.sampled_from([0.3, 0.9, 1.0, 1.7, 9.0]))
def test_pruned_graphs_are_those_of_the_paths_that_are_left(graph_of, case, least):
    """Each with its nodes in the order of the paths, and edges of nothing else."""
    triples, pairs = case
    graph = graph_of(*triples)
    whole = extract_schema_graphs(graph, pairs, SchemaOptions(max_hops=3, max_paths=20))
    pruned = extract_schema_graphs(graph, pairs, SchemaOptions(max_hops=3, max_paths=20, min_path_score=least))

    def told(schemas, index):
        entities = take(schemas, "node_offsets", index, "nodes")
        scores = take(schemas, "path_offsets", index, "path_scores").tolist()
        return [
            (entities[nodes].tolist(), score) for (nodes, _), score in zip(schemas.paths(index), scores, strict=True)
        ]

    for index in range(len(pairs)):
        assert told(pruned, index) == [row for row in told(whole, index) if row[1] >= least * (1 - 1e-7)]
        concepts = int(pruned.question_counts[index] + pruned.choice_counts[index])
        inner = take(pruned, "node_offsets", index, "nodes")[concepts:].tolist()
        assert sorted(inner) == sorted(
            {node for path, _ in told(pruned, index) for node in path[1:-1]}
            - set(take(pruned, "node_offsets", index, "nodes")[:concepts].tolist())
        )
