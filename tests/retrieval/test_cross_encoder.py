import numpy as np
import pytest
import torch
from transformers import BertForSequenceClassification

from kglm.errors import ConfigError
from kglm.retrieval import TextIndex
from kglm.retrieval.cross_encoder import CrossEncoder
from kglm.testing import tiny_bert_config, tiny_tokenizer


@pytest.fixture
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return BertForSequenceClassification(tiny_bert_config(num_labels=1)).eval()


def test_each_pair_gets_the_score_that_it_gets_alone(model):
    tokenizer = tiny_tokenizer(["dig", "bread"])
    reader = CrossEncoder(model, tokenizer, batch_size=2, max_length=32)
    pairs = [("dig", "a long text about digging holes " * 9), ("bread", "dig"), ("dig bread", "cut"), ("a", "b")]
    scores = reader(pairs)
    assert scores.dtype == np.float32
    for score, (query, text) in zip(scores, pairs, strict=True):
        batch = tokenizer(query, text, truncation="only_second", max_length=32, return_tensors="pt")
        with torch.no_grad():
            assert score == pytest.approx(model(**batch).logits.item(), abs=1e-4)


def test_it_reranks_and_comes_from_a_folder(model, tmp_path):
    model.save_pretrained(tmp_path / "m")
    tiny_tokenizer(["dig"]).save_pretrained(tmp_path / "m")
    reader = CrossEncoder.load(str(tmp_path / "m"), max_length=32)
    texts = ["dig here", "dig there", "do not dig"]
    found = TextIndex.build(texts, tmp_path / "i").search("dig", 3, reranker=reader)
    expected = reader([("dig", text) for text in texts])
    assert found.ids[0].tolist() == np.argsort(-expected, kind="stable").tolist()
    np.testing.assert_allclose(found.scores[0], np.sort(expected)[::-1], atol=1e-5)


def test_what_is_no_cross_encoder(tmp_path):
    model = BertForSequenceClassification(tiny_bert_config(num_labels=3))
    with pytest.raises(ConfigError, match="has 3 labels; expected 1"):
        CrossEncoder(model, tiny_tokenizer())
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="cannot be loaded"):
        CrossEncoder.load(str(tmp_path / "empty"))
