import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertModel

from kglm.encoders import TextEncoder, text_encoder
from kglm.encoders.text_encoder import batches_by_length, span_shares
from kglm.errors import ConfigError, DataError
from kglm.testing import tiny_bert_config, tiny_tokenizer

TEXTS = ["trowel", "plant some flowers in the garden", "dig", "", "build a house", "trowel"]


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    words = "trowel plant some flowers in the garden dig build a house".split()
    model = BertModel(tiny_bert_config(), add_pooling_layer=False)
    return TextEncoder(model, tiny_tokenizer(words), name="tiny", max_length=32)


@torch.no_grad()
def naive_states(encoder, text):
    """Return one text's last hidden states and the places of its tokens."""
    read = encoder.tokenizer(text, return_tensors="pt", return_offsets_mapping=True, truncation=True, max_length=32)
    places = read.pop("offset_mapping")[0].tolist()
    return encoder.model(**read).last_hidden_state[0].numpy(), places


def naive_vector(encoder, text):
    mean = naive_states(encoder, text)[0].mean(0)
    return mean / np.linalg.norm(mean)


def naive_span(encoder, text, start, end):
    states, places = naive_states(encoder, text)
    touched = [state for state, (first, last) in zip(states, places, strict=True) if first < end and last > start]
    return np.mean(touched, 0) if touched else np.zeros(encoder.dim)


@pytest.mark.parametrize("budget", [1, 12, 4096])
def test_equals_one_text_at_a_time(encoder, monkeypatch, budget):
    monkeypatch.setattr(text_encoder, "BATCH_TOKENS", budget)
    expected = np.stack([naive_vector(encoder, text) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize("budget", [12, 4096])
def test_spans_equal_the_mean_of_the_tokens_that_they_touch(encoder, monkeypatch, budget):
    monkeypatch.setattr(text_encoder, "BATCH_TOKENS", budget)
    # Whole words, two words, half a word, nested and repeated spans, white space, none, and an unknown word's pieces.
    spans = [[(0, 6)], [(0, 5), (6, 18), (8, 9), (6, 18), (5, 6)], [], [(0, 0)], [(8, 13), (0, 13)], [(2, 4)]]
    found = encoder.encode_spans(TEXTS, spans)
    assert found.offsets.tolist() == [0, 1, 6, 6, 7, 9, 10]
    flat = [(text, *span) for text, places in zip(TEXTS, spans, strict=True) for span in places]
    np.testing.assert_allclose(found.vectors, [naive_span(encoder, *span) for span in flat], atol=1e-5)
    np.testing.assert_allclose(found.texts, encoder.encode(TEXTS), atol=1e-6)
    assert not found.vectors[5].any()


def test_a_text_beyond_the_limit_is_cut_and_a_span_there_is_zero(encoder):
    text = "dig " * 40 + "trowel"
    found = encoder.encode_spans([text], [[(160, 166), (0, 3)]])
    assert not found.vectors[0].any()
    assert found.vectors[1].any()


def test_nothing_in_nothing_out(encoder):
    assert encoder.encode([]).shape == (0, 32)
    found = encoder.encode_spans([], [])
    assert (found.vectors.shape, found.texts.shape, found.offsets.tolist()) == ((0, 32), (0, 32), [0])


def test_bad_input_is_told(encoder):
    with pytest.raises(DataError, match="text 1 has a lone surrogate at character 2"):
        encoder.encode(["fine", "a \ud800"])
    with pytest.raises(DataError, match="2 texts, but 1 lists of spans"):
        encoder.encode_spans(["a", "b"], [[]])
    with pytest.raises(ConfigError, match="max_length is 65; allowed with encoder 'tiny': 3 to 64 tokens"):
        TextEncoder(encoder.model, encoder.tokenizer, name="tiny", max_length=65)


def test_the_digest_tells_what_the_vectors_depend_on(encoder):
    shorter = TextEncoder(encoder.model, encoder.tokenizer, name="other name", max_length=16)
    assert shorter.digest != encoder.digest
    assert TextEncoder(encoder.model, encoder.tokenizer, name="x", max_length=32).digest == encoder.digest


@given(st.lists(st.integers(0, 40)), st.integers(1, 60))
def test_batches_hold_every_text_once_within_the_budget(lengths, budget):
    batches = list(batches_by_length(lengths, budget))
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) == 1 or len(rows) * max(lengths[row] for row in rows) <= max(budget, len(rows))


def test_shares_of_no_span_and_of_no_token():
    assert span_shares([(0, 0), (0, 3)], []).shape == (0, 2)
    assert span_shares([], [(0, 3)]).shape == (1, 0)
