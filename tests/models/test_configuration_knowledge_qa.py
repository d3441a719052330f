from __future__ import annotations

import copy
import json

import pytest
from transformers import AutoConfig, DistilBertConfig, T5Config

from kglm.errors import ConfigError
from kglm.models import KnowledgeQAConfig
from kglm.testing import tiny_bert_config, tiny_kagnet


def make(**fields) -> KnowledgeQAConfig:
    return KnowledgeQAConfig(**{"encoder_config": tiny_bert_config(), **fields})


def test_round_trip(tmp_path) -> None:
    config = make(reasoner=tiny_kagnet(), graph_fingerprint="ab12", freeze_word_embeddings=True, cosine_scale=3.5)
    config.save_pretrained(tmp_path)
    loaded = AutoConfig.from_pretrained(tmp_path)
    assert isinstance(loaded, KnowledgeQAConfig)
    assert loaded.reasoner == config.reasoner
    assert (loaded.graph_fingerprint, loaded.freeze_word_embeddings, loaded.cosine_scale) == ("ab12", True, 3.5)
    assert type(loaded.encoder_config) is type(config.encoder_config)
    assert loaded.encoder_config.to_diff_dict() == config.encoder_config.to_diff_dict()
    assert loaded.to_diff_dict() == config.to_diff_dict()


def test_encoder_may_be_a_dict_or_another_encoder() -> None:
    assert make(encoder_config={"model_type": "bert", "hidden_size": 24}).hidden_size == 24
    assert make(encoder_config=DistilBertConfig(dim=36, n_heads=2)).hidden_size == 36
    assert json.loads(make().to_json_string())["encoder_config"]["model_type"] == "bert"
    assert copy.deepcopy(make()).to_dict() == make().to_dict()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cosine_scal": 3}, "no field 'cosine_scal'; did you mean 'cosine_scale'"),
        ({"encoder": 3}, "allowed: encoder_config, reasoner,"),
        ({"cosine_scale": -1}, "cosine_scale is -1; allowed"),
        ({"cosine_scale": "ten"}, "cosine_scale is 'ten'"),
        ({"head_dropout": 1.0}, "head_dropout is 1.0; allowed"),
        ({"freeze_word_embeddings": "no"}, "freeze_word_embeddings is 'no'; allowed: true or false"),
        ({"graph_fingerprint": 12}, "graph_fingerprint is 12; allowed"),
        ({"reasoner": {"name": "qagn"}}, "reasoner.name is 'qagn'; did you mean 'qagnn'"),
        ({"reasoner": {}}, "reasoner.name is None"),
        ({"encoder_config": None}, "encoder_config is None; allowed"),
        ({"encoder_config": {"model_type": "bertt"}}, "'bertt'; did you mean 'bert'"),
        ({"encoder_config": T5Config()}, "'t5' encoder-decoder"),
    ],
)
def test_mistakes_are_named(fields: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**fields)
    assert message in str(caught.value)
