import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.kg import Triple

NAMES = "abcdef"
entity = st.sampled_from(NAMES)
weight = st.sampled_from([0.5, 1.0, 2.0, 3.0])
edges = st.dictionaries(
    st.tuples(entity, st.sampled_from(["r0", "r1", "r2"]), entity), weight, min_size=1, max_size=40
)


def compiled(graph_of, edges):
    """Return the graph, and the edges by the numbers of their names."""
    graph = graph_of(*(Triple(h, r, t, w) for (h, r, t), w in edges.items()))
    numbered = {(graph.entity_id(h), graph.relation_id(r), graph.entity_id(t)): w for (h, r, t), w in edges.items()}
    return graph, numbered


@settings(max_examples=40)
@given(edges)
def test_rows_hold_the_edges_of_each_entity_sorted(graph_of, edges):
    graph, numbered = compiled(graph_of, edges)
    for index in range(graph.num_entities):
        for row, expected in (
            (graph.outgoing.row(index), sorted((t, r, w) for (h, r, t), w in numbered.items() if h == index)),
            (graph.incoming.row(index), sorted((h, r, w) for (h, r, t), w in numbered.items() if t == index)),
        ):
            found = zip(row.neighbors.tolist(), row.relations.tolist(), row.weights.tolist(), strict=True)
            assert list(found) == expected


@settings(max_examples=40)
@given(edges)
def test_links_list_each_neighbour_once_heaviest_first(graph_of, edges):
    graph, numbered = compiled(graph_of, edges)
    heaviest = {}
    for (head, _, tail), value in numbered.items():
        if head != tail:
            for pair in ((head, tail), (tail, head)):
                heaviest[pair] = max(value, heaviest.get(pair, 0.0))
    links = graph.links
    for index in range(graph.num_entities):
        neighbours = [other for one, other in heaviest if one == index]
        expected = sorted(neighbours, key=lambda other: (-heaviest[index, other], other))
        assert links.row(index).tolist() == expected
        weights = links.weights[links.indptr[index] : links.indptr[index + 1]]
        assert weights.tolist() == [heaviest[index, other] for other in expected]


@pytest.mark.parametrize(("distinct", "dtype"), [(1, np.uint8), (256, np.uint8), (257, np.uint16)])
def test_weights_are_coded_in_the_smallest_type(graph_of, distinct, dtype):
    graph = graph_of(*(Triple("a", "r", f"b{i}", 1.0 + i) for i in range(distinct)))
    assert graph.outgoing.weight_codes.dtype == graph.links.weight_codes.dtype == dtype
    assert graph.weight_values.tolist() == [1.0 + i for i in range(distinct)]
    assert sorted(graph.outgoing.weights.tolist()) == graph.weight_values.tolist()


@pytest.mark.parametrize(("relations", "dtype"), [(1, np.uint8), (256, np.uint8), (257, np.uint16)])
def test_relations_are_stored_in_the_smallest_type(graph_of, relations, dtype):
    graph = graph_of(*(Triple("a", f"r{i}", "b") for i in range(relations)))
    assert graph.outgoing.relations.dtype == graph.incoming.relations.dtype == dtype
    assert graph.outgoing.relations.tolist() == list(range(relations))


def test_an_edge_takes_at_most_sixteen_bytes_in_each_direction(graph_of):
    graph = graph_of(*(Triple(f"e{i % 100}", f"r{i % 300}", f"e{i % 97}", 1 + i / 7) for i in range(5000)))
    arrays = [
        f"{rows}.{field}" for rows in ("outgoing", "incoming", "links") for field in ("neighbors", "weight_codes")
    ]
    arrays += [
        "outgoing.relations",
        "incoming.relations",
        *(f"{rows}.indptr" for rows in ("outgoing", "incoming", "links")),
    ]
    assert graph.store.nbytes(*arrays) <= 16 * 2 * graph.num_triples
