import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.embeddings.triples import graph_triples, hold_out, read_triples
from kglm.errors import ConfigError, DataError
from kglm.kg import Triple

ROWS = [Triple("ann", "knows", "bob"), Triple("bob", "knows", "cat"), Triple("cat", "likes", "ann")]


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(*ROWS)


def test_the_triples_of_a_graph_are_ids_of_its_names(graph):
    names = {(graph.entities[h], graph.relations[r], graph.entities[t]) for h, r, t in graph_triples(graph).tolist()}
    assert names == {row[:3] for row in ROWS}


def test_a_file_is_looked_up_and_what_is_unknown_is_counted(graph, tmp_path):
    path = tmp_path / "test.tsv"
    path.write_text("ann\tlikes\tbob\nann\tlikes\tdog\nann\thates\tbob\nbob\tknows\tbob\n")
    held = read_triples(path, graph)
    assert [(graph.entities[h], graph.relations[r], graph.entities[t]) for h, r, t in held.ids.tolist()] == [
        ("ann", "likes", "bob"),
        ("bob", "knows", "bob"),
    ]
    assert (held.unknown, len(held)) == (2, 4)


def test_a_file_of_other_words_is_refused(graph, tmp_path):
    (tmp_path / "test.tsv").write_text("x\tlikes\ty\n")
    with pytest.raises(DataError, match=r"none of the 1 triples of '.*test.tsv' is in the words of .*'x', 'likes'"):
        read_triples(tmp_path / "test.tsv", graph)


rows = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2), st.integers(0, 7)), min_size=1, max_size=40).map(
    lambda found: np.unique(np.array(found), axis=0)
)


@settings(max_examples=60)
@given(rows, st.floats(0.05, 0.9), st.integers(0, 5))
def test_what_is_held_out_leaves_every_name_in_training(triples, share, seed):
    try:
        train, held = hold_out(triples, share, seed)
    except DataError:
        return
    assert sorted(map(tuple, np.concatenate([train, held]).tolist())) == sorted(map(tuple, triples.tolist()))
    assert 1 <= len(held) <= max(1, round(share * len(triples)))
    assert set(train[:, [0, 2]].ravel()) == set(triples[:, [0, 2]].ravel())
    assert set(train[:, 1]) == set(triples[:, 1])
    again = hold_out(triples, share, seed)
    assert np.array_equal(again[0], train)
    assert np.array_equal(again[1], held)


def test_a_part_is_chosen_by_the_seed():
    triples = np.array([(a, 0, b) for a in range(9) for b in range(9)])
    assert len(hold_out(triples, 0.1, 0)[1]) == 8
    assert not np.array_equal(hold_out(triples, 0.1, 0)[1], hold_out(triples, 0.1, 1)[1])


def test_impossible_parts_are_refused():
    with pytest.raises(ConfigError, match=r"held_out is 1\.5"):
        hold_out(np.array([(0, 0, 1)]), 1.5, 0)
    with pytest.raises(DataError, match="no triple can be held out"):
        hold_out(np.array([(0, 0, 1)]), 0.5, 0)
