import gc

import numpy as np
import pytest

from kglm.kg import KnowledgeGraph, Triple
from kglm.kg.search.scratch import _FREE, borrowed


def zeros(size):
    return np.zeros(size, dtype=np.int32)


def interrupted(marked):
    marked[0] = 1
    raise RuntimeError("stop")


def test_arrays_are_lent_again_but_never_twice_at_once(graph_of):
    graph = graph_of(Triple("a", "r", "b"))
    with borrowed(graph, zeros) as one, borrowed(graph, zeros) as other:
        assert one is not other
        assert one.tolist() == [0, 0]
    with borrowed(graph, zeros) as again:
        assert again is one or again is other


def test_what_an_error_interrupted_is_not_lent_again(graph_of):
    graph = graph_of(Triple("a", "r", "b"))
    with pytest.raises(RuntimeError, match="stop"), borrowed(graph, zeros) as marked:
        interrupted(marked)
    with borrowed(graph, zeros) as fresh:
        assert fresh.tolist() == [0, 0]


def test_scratch_goes_with_its_graph(graph_of):
    graph = KnowledgeGraph.open(graph_of(Triple("a", "r", "b")).folder)
    with borrowed(graph, zeros):
        pass
    held = len(_FREE)
    del graph
    gc.collect()
    assert len(_FREE) < held
