import numpy as np
import pytest

from kglm.data.entity_vectors import MentionVectors, ShuffledVectors, check_vectors
from kglm.embeddings import EntityTable
from kglm.errors import ConfigError, FingerprintMismatchError

TABLE = EntityTable(np.arange(20, dtype=np.float16).reshape(10, 2), "abc", {})


def test_shuffling_deals_the_same_vectors_out_otherwise():
    shuffled = ShuffledVectors(TABLE, 10, seed=1)
    rows = shuffled.rows(np.arange(10))
    assert sorted(map(tuple, rows)) == sorted(map(tuple, TABLE.rows(np.arange(10))))
    assert (rows != TABLE.rows(np.arange(10))).any(1).sum() >= 8
    assert np.array_equal(rows, ShuffledVectors(TABLE, 10, seed=1).rows(np.arange(10)))
    assert not np.array_equal(rows, ShuffledVectors(TABLE, 10, seed=2).rows(np.arange(10)))
    assert (shuffled.dim, shuffled.fingerprint) == (2, "abc")


def test_vectors_of_another_graph_are_refused():
    check_vectors(TABLE, "abc", "the vectors")
    with pytest.raises(FingerprintMismatchError, match="the vectors was made on the graph with fingerprint abc"):
        check_vectors(TABLE, "xyz", "the vectors")


def test_vectors_of_mentions():
    vectors = MentionVectors(np.ones((3, 4), dtype=np.float16), "abc")
    assert vectors.dim == 4
    assert vectors.rows(np.array([2, 0])).dtype == np.float32
    with pytest.raises(ConfigError, match="have the shape"):
        MentionVectors(np.ones(3), "abc")
