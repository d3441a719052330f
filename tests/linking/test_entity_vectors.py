import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linking.tiny_linking import DIM, WordEncoder

from kglm.linking.entity_vectors import LazyVectors


@given(st.lists(st.lists(st.integers(0, 30), max_size=8), max_size=6), st.integers(0, 10))
def test_rows_are_those_of_a_full_table(asked, known):
    encoder = WordEncoder()
    table = WordEncoder().encode([f"entity {i}" for i in range(31)])
    lazy = LazyVectors(encoder, lambda i: f"entity {i}", 3 * table[:known] if known else None)
    for ids in asked:
        np.testing.assert_allclose(lazy.rows(np.array(ids, dtype=np.int64)), table[ids].reshape(-1, DIM), atol=1e-6)
    wanted = {i for ids in asked for i in ids if i >= known}
    assert sorted(encoder.read) == sorted(f"entity {i}" for i in wanted)
    assert len(lazy) == len(wanted)


def test_known_vectors_have_the_encoders_size():
    with pytest.raises(ValueError, match="64"):
        LazyVectors(WordEncoder(), str, np.zeros((2, 3), np.float32))
