import numpy as np
import pytest

from kglm.embeddings.description_table import described, description_table
from kglm.encoders import TextEncoder
from kglm.kg.records import Description, Label, Triple


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    return TextEncoder.load(str(tiny_encoder))


def test_labels_and_descriptions_are_read_once(graph_of, encoder, tmp_path, monkeypatch):
    graph = graph_of(Triple("a", "r", "b"), Label("a", "spade", preferred=True), Description("a", "a tool"))
    table = description_table(graph, encoder, tmp_path)
    expected = encoder.encode(["spade: a tool", graph.labels[graph.entity_id("b")]])
    rows = table.rows(np.array([graph.entity_id("a"), graph.entity_id("b")]))
    np.testing.assert_allclose(rows, expected, atol=2e-3)  # float16
    assert table.fingerprint == graph.fingerprint
    monkeypatch.setattr(TextEncoder, "encode", lambda *arguments: pytest.fail("read twice"))
    np.testing.assert_array_equal(description_table(graph, encoder, tmp_path).vectors, table.vectors)


def test_an_entity_without_description_is_its_label():
    assert described("spade", "") == "spade"
    assert described("spade", "a tool") == "spade: a tool"
