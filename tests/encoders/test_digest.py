import pytest
import torch
from transformers import BertModel

from kglm.encoders.digest import tokenizer_digest, weights_digest
from kglm.testing import tiny_bert_config, tiny_tokenizer


@pytest.fixture
def model():
    torch.manual_seed(0)
    return BertModel(tiny_bert_config(), add_pooling_layer=False).eval()


def test_the_digest_changes_with_any_weight(model):
    before = weights_digest(model)
    assert weights_digest(model) == before
    with torch.no_grad():
        model.encoder.layer[1].output.dense.bias[3] += 1e-3
    assert weights_digest(model) != before


def test_the_tokenizers_digest_is_of_its_vocabulary_not_of_its_last_call():
    tokenizer = tiny_tokenizer(["trowel"])
    before = tokenizer_digest(tokenizer)
    tokenizer(["trowel", "dig a hole"], padding=True, truncation=True, max_length=3)
    assert tokenizer_digest(tokenizer) == before
    assert tokenizer_digest(tiny_tokenizer(["spade"])) != before
