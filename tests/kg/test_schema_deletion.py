import itertools

import numpy as np
import pytest

from kglm.kg import Triple
from kglm.kg.schema_deletion import one_graph, without_node, without_path
from kglm.kg.schema_graph import ConceptSets, SchemaGraphs, SchemaOptions, extract_schema_graphs

SEED = 3


@pytest.fixture(scope="module", params=["paths", "neighbors"])
def graphs(request, graph_of):
    rng = np.random.default_rng(SEED)
    names = [f"e{i:02}" for i in range(14)]
    triples = {
        (str(h), str(r), str(t))
        for h, r, t in zip(*(rng.choice(pool, 40) for pool in (names, list("RST"), names)), strict=False)
    }
    graph = graph_of(*(Triple(h, r, t, 1.0) for h, r, t in sorted(triples) if h != t), name="random")
    pairs = []
    for _ in range(6):
        chosen = rng.permutation(graph.num_entities)[:5].astype(np.int32)
        pairs.append(ConceptSets(chosen[:3], chosen[3:]))
    pairs.append(ConceptSets(np.zeros(0, np.int32), chosen[3:]))
    found = extract_schema_graphs(graph, pairs, SchemaOptions(source=request.param, max_hops=3, max_paths=12))
    assert request.param == "neighbors" or len(found.path_pair) > 10
    return found


def plain(graphs, index):
    """A graph in terms of entities: what it is, whatever the numbers of its nodes and edges."""
    at = slice(*graphs.node_offsets[[index, index + 1]])
    entities = graphs.nodes[at].tolist()
    question, choice = int(graphs.question_counts[index]), int(graphs.choice_counts[index])
    first, last = graphs.edge_offsets[[index, index + 1]].tolist()
    edges = {}
    for edge in range(first, last):
        source, target = graphs.edges[:, edge].tolist()
        relations = slice(*graphs.edge_relation_offsets[[edge, edge + 1]])
        edges[entities[source], entities[target]] = tuple(sorted(graphs.edge_relations[relations].tolist()))
        back = first + ((edge - first) ^ 1)
        assert graphs.edges[:, back].tolist() == [target, source]
    paths = []
    for path, (nodes, hops) in enumerate(graphs.paths(index)):
        pair = int(graphs.path_pair[graphs.path_offsets[index] + path])
        ends = (entities[pair // choice], entities[question + pair % choice])
        walked = [entities[node] for node in nodes]
        assert ends == (walked[0], walked[-1])
        for at_node, hop in enumerate(hops[:-1]):
            assert graphs.edges[:, first + hop].tolist() == [nodes[at_node], nodes[at_node + 1]]
        assert hops[-1] == -1
        paths.append((tuple(walked), float(graphs.path_scores[graphs.path_offsets[index] + path])))
    return {
        "question": entities[:question],
        "choice": entities[question : question + choice],
        "others": set(entities[question + choice :]),
        "edges": edges,
        "paths": paths,
    }


def inner_edges(graph):
    """Links within the concepts of the question and within those of the choice."""
    return {
        pair: relations
        for pair, relations in graph["edges"].items()
        if set(pair) <= set(graph["question"]) or set(pair) <= set(graph["choice"])
    }


def test_one_graph_is_the_graph(graphs):
    for index in range(len(graphs)):
        assert plain(one_graph(graphs, index), 0) == plain(graphs, index)


def test_without_a_path_the_graph_is_what_the_other_paths_make(graphs):
    for index in range(len(graphs)):
        whole = plain(graphs, index)
        for path in range(len(whole["paths"])):
            found = plain(without_path(graphs, index, path), 0)
            rest = whole["paths"][:path] + whole["paths"][path + 1 :]
            hops = {pair for walked, _ in rest for pair in itertools.pairwise(walked)}
            hops |= {(target, source) for source, target in hops}
            concepts = {*whole["question"], *whole["choice"]}
            assert found == {
                **whole,
                "paths": rest,
                "edges": inner_edges(whole) | {pair: whole["edges"][pair] for pair in hops},
                "others": {entity for walked, _ in rest for entity in walked} - concepts,
            }


def test_without_a_node_all_that_touches_it_is_gone(graphs):
    for index in range(len(graphs)):
        whole = plain(graphs, index)
        at = slice(*graphs.node_offsets[[index, index + 1]])
        for node, entity in enumerate(graphs.nodes[at].tolist()):
            assert plain(without_node(graphs, index, node), 0) == {
                "question": [name for name in whole["question"] if name != entity],
                "choice": [name for name in whole["choice"] if name != entity],
                "others": whole["others"] - {entity},
                "edges": {pair: relations for pair, relations in whole["edges"].items() if entity not in pair},
                "paths": [(walked, score) for walked, score in whole["paths"] if entity not in walked],
            }


def test_pieces_join_into_one_set(graphs):
    parts = [one_graph(graphs, index) for index in range(len(graphs))]
    joined = SchemaGraphs.concatenate(parts)
    for name, array in graphs.arrays().items():
        np.testing.assert_array_equal(joined.arrays()[name], array, err_msg=name)
