import random

import numpy as np
import pytest

from kglm.kg import Triple
from kglm.kg.concept_schema import schema_arrays
from kglm.kg.concept_subgraph import extract_subgraphs
from kglm.kg.schema_graph import ConceptSets, SchemaGraphs, SchemaOptions, extract_schema_graphs


@pytest.fixture(scope="module")
def graph(graph_of):
    source = random.Random(1)
    names = [f"e{number:02}" for number in range(25)]
    return graph_of(*(Triple(source.choice(names), source.choice("rst"), source.choice(names)) for _ in range(150)))


def pairs_of(*sets):
    return [ConceptSets(np.array(q, dtype=np.int32), np.array(c, dtype=np.int32)) for q, c in sets]


PAIRS = pairs_of(([0, 1], [2]), ([], []), ([3], []), ([4, 5, 6], [7, 8]))


def naive(graph, subgraphs, index):
    """Each ordered pair of joined nodes with the set of its relations."""
    nodes = subgraphs.nodes[subgraphs.node_offsets[index] : subgraphs.node_offsets[index + 1]].tolist()
    edges = {}
    for i, source in enumerate(nodes):
        for j, target in enumerate(nodes):
            relations = set(graph.relations_between(source, target))
            if i != j and relations:
                edges[i, j] = relations
    return edges


@pytest.mark.parametrize("max_nodes", [4, 9, 200])
def test_against_the_graph(graph, max_nodes):
    subgraphs = extract_subgraphs(graph, PAIRS, max_nodes=max_nodes)
    found = extract_schema_graphs(graph, PAIRS, SchemaOptions(source="neighbors", max_nodes=max_nodes))
    assert len(found) == len(PAIRS)
    assert len(found.path_pair) == 0
    for index in range(len(PAIRS)):
        start, end = found.edge_offsets[index : index + 2]
        edges = found.edges[:, start:end].T.tolist()
        assert edges[1::2] == [edge[::-1] for edge in edges[::2]]
        bags = {}
        for place, edge in enumerate(edges, start=start):
            bag = found.edge_relations[slice(*found.edge_relation_offsets[place : place + 2])].tolist()
            assert len(bag) == len(set(bag))
            bags[tuple(edge)] = set(bag)
        assert len(bags) == len(edges)
        assert bags == naive(graph, subgraphs, index)


def test_the_arrays_have_the_types_of_schema_graphs(graph):
    paths = extract_schema_graphs(graph, PAIRS)
    found = SchemaGraphs(**schema_arrays(extract_subgraphs(graph, PAIRS), graph.num_relations))
    for name, array in paths.arrays().items():
        other = getattr(found, name)
        assert (array.dtype, array.ndim) == (other.dtype, other.ndim), name


def test_workers_change_nothing(graph):
    options = SchemaOptions(source="neighbors", max_nodes=9)
    one, two = (extract_schema_graphs(graph, PAIRS * 300, options, workers) for workers in (1, 2))
    assert all(np.array_equal(array, two.arrays()[name]) for name, array in one.arrays().items())


def test_no_pairs_at_all(graph):
    assert len(extract_schema_graphs(graph, [], SchemaOptions(source="neighbors"))) == 0
