import numpy as np
import pytest

from kglm.errors import DataError, FingerprintMismatchError
from kglm.kg import Triple
from kglm.kg.link_scores import LinkScores


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(Triple("a", "r", "b"), Triple("b", "r", "c"))


@pytest.fixture
def scores(graph):
    values = np.linspace(0.1, 1, len(graph.links.neighbors), dtype=np.float32)
    return LinkScores(values, graph.fingerprint, {"kind": "test"})


def test_a_round_trip(graph, scores, tmp_path):
    scores.save(tmp_path / "scores")
    loaded = LinkScores.open(tmp_path / "scores", graph)
    np.testing.assert_array_equal(loaded.values, scores.values)
    assert (loaded.source, loaded.digest) == (scores.source, scores.digest)


def test_those_of_another_graph_are_refused(scores, graph_of, tmp_path):
    scores.save(tmp_path / "scores")
    with pytest.raises(FingerprintMismatchError, match="link scores"):
        LinkScores.open(tmp_path / "scores", graph_of(Triple("a", "r", "c"), Triple("b", "r", "c")))


def test_damage_is_told(graph, scores, tmp_path):
    with pytest.raises(DataError, match="holds no link scores"):
        LinkScores.open(tmp_path / "nowhere", graph)
    LinkScores(scores.values[:-1], scores.fingerprint, {}).save(tmp_path / "short")
    with pytest.raises(DataError, match="expected 4"):
        LinkScores.open(tmp_path / "short", graph)
