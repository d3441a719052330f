import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kglm.kg.adjacency import Adjacency, Links, row_pointers

SIZE = 6
entity = st.integers(0, SIZE - 1)
weight = st.sampled_from([0.5, 1.0, 2.0, 3.0])
edges = st.dictionaries(st.tuples(entity, st.integers(0, 2), entity), weight, max_size=40)


def columns(edges):
    rows = np.array([(h, r, t) for h, r, t in edges], dtype=np.int64).reshape(-1, 3)
    return rows[:, 0], rows[:, 1], rows[:, 2], np.array(list(edges.values()), dtype=np.float32)


@given(edges)
def test_rows_hold_the_edges_of_each_entity_sorted(edges):
    heads, relations, tails, weights = columns(edges)
    adjacency = Adjacency.from_edges(SIZE, heads, tails, relations, weights)
    for index in range(SIZE):
        expected = sorted((t, r, w) for (h, r, t), w in edges.items() if h == index)
        row = adjacency.row(index)
        found = zip(row.neighbors.tolist(), row.relations.tolist(), row.weights.tolist(), strict=True)
        assert list(found) == expected


@given(edges)
def test_links_list_each_neighbour_once_heaviest_first(edges):
    heads, _, tails, weights = columns(edges)
    links = Links.from_triples(SIZE, heads, tails, weights)
    heaviest = {}
    for (head, _, tail), value in edges.items():
        if head != tail:
            for pair in ((head, tail), (tail, head)):
                heaviest[pair] = max(value, heaviest.get(pair, 0.0))
    for index in range(SIZE):
        neighbours = [other for one, other in heaviest if one == index]
        expected = sorted(neighbours, key=lambda other: (-heaviest[index, other], other))
        assert links.row(index).tolist() == expected


@given(st.lists(entity))
def test_row_pointers_count_the_elements_before_each_row(rows):
    pointers = row_pointers(np.array(rows, dtype=np.int64), SIZE)
    assert pointers.tolist() == [sum(row < index for row in rows) for index in range(SIZE + 1)]
