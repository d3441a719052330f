import numpy as np
import pytest
import torch
from transformers import BertModel

from kglm.embeddings import text_embeddings
from kglm.embeddings.text_embeddings import embed_texts, label_table, weights_digest
from kglm.kg import Label, Triple
from kglm.testing import tiny_bert_config, tiny_tokenizer

TEXTS = ["trowel", "plant some flowers in the garden", "dig", "build a house", "trowel"]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer("trowel plant some flowers in the garden dig build a house".split())


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return BertModel(tiny_bert_config(), add_pooling_layer=False).eval()


@torch.no_grad()
def naive(text, encoder, tokenizer):
    hidden = encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
    mean = hidden.mean(0)
    return (mean / mean.norm()).numpy()


def test_equals_one_text_at_a_time(encoder, tokenizer, monkeypatch):
    monkeypatch.setattr(text_embeddings, "BATCH_TOKENS", 12)
    vectors = embed_texts(TEXTS, encoder, tokenizer)
    expected = np.stack([naive(text, encoder, tokenizer) for text in TEXTS])
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_label_table_reads_labels_and_is_made_once(encoder, tokenizer, graph_of, tmp_path, monkeypatch):
    graph = graph_of(Triple("t", "UsedFor", "dig"), Label("t", "trowel", preferred=True))
    make = lambda: label_table(graph, encoder, tokenizer, encoder_name="tiny", cache_dir=tmp_path)  # noqa: E731
    table = make()
    expected = np.stack([naive(label, encoder, tokenizer) for label in graph.labels])
    np.testing.assert_allclose(table.rows(np.arange(2)), expected, atol=1e-3)
    assert table.source["encoder"] == "tiny"
    monkeypatch.setattr(text_embeddings, "embed_texts", lambda *_, **__: pytest.fail("made again"))
    assert np.array_equal(make().vectors, table.vectors)


def test_the_digest_changes_with_any_weight(encoder):
    before = weights_digest(encoder)
    with torch.no_grad():
        encoder.encoder.layer[1].output.dense.bias[3] += 1e-3
    changed = weights_digest(encoder)
    with torch.no_grad():
        encoder.encoder.layer[1].output.dense.bias[3] -= 1e-3
    assert changed != before
