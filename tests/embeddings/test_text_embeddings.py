import numpy as np
import pytest
import torch
from transformers import BertModel

from kglm.embeddings.entity_texts import CONTENTS, entity_texts
from kglm.embeddings.text_embeddings import label_table, text_table
from kglm.encoders import TextEncoder
from kglm.kg.records import Description, Label, Triple
from kglm.testing import tiny_bert_config, tiny_tokenizer


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    model = BertModel(tiny_bert_config(), add_pooling_layer=False)
    return TextEncoder(model, tiny_tokenizer("trowel dig".split()), name="tiny", max_length=32)


def test_label_table_reads_labels_and_is_made_once(encoder, graph_of, tmp_path, monkeypatch):
    graph = graph_of(Triple("t", "UsedFor", "dig"), Label("t", "trowel", preferred=True))
    table = label_table(graph, encoder, tmp_path)
    np.testing.assert_allclose(table.rows(np.arange(2)), encoder.encode(list(graph.labels)), atol=1e-3)
    assert table.source["encoder"] == "tiny"
    monkeypatch.setattr(TextEncoder, "encode", lambda *_: pytest.fail("made again"))
    assert np.array_equal(label_table(graph, encoder, tmp_path).vectors, table.vectors)


@pytest.mark.parametrize("content", CONTENTS)
def test_every_content_has_a_table_of_its_own(encoder, graph_of, tmp_path, content):
    graph = graph_of(Triple("t", "UsedFor", "dig"), Description("t", "dig"))
    table = text_table(graph, encoder, tmp_path, content=content)
    expected = encoder.encode(list(entity_texts(graph, content)))
    np.testing.assert_allclose(table.rows(np.arange(2)), expected, atol=1e-3)
    assert (table.structural, table.source["kind"]) == (None, content)
    other = text_table(graph, encoder, tmp_path, content="label")
    assert (other.folder == table.folder) == (content == "label")
