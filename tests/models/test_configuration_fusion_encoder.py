from __future__ import annotations

import pytest
from transformers import AutoConfig, BertConfig, DistilBertConfig, ElectraConfig

from kglm.errors import ConfigError
from kglm.models import FusionEncoderConfig
from kglm.testing import tiny_bert_config


def make(**fields) -> FusionEncoderConfig:
    return FusionEncoderConfig(**{"backbone_config": tiny_bert_config(), "entity_dim": 8, **fields})


def test_round_trip(tmp_path) -> None:
    config = make(fusion_layers=["plain", "fuse"], fusion_dim=12, alignment="span", num_labels=5, entity_bias="all")
    config.save_pretrained(tmp_path)
    loaded = AutoConfig.from_pretrained(tmp_path)
    assert isinstance(loaded, FusionEncoderConfig)
    assert isinstance(loaded.backbone_config, BertConfig)
    assert (loaded.schedule, loaded.fused_dim, loaded.num_labels) == (("plain", "fuse"), 12, 5)
    assert loaded.to_diff_dict() == config.to_diff_dict()


def test_default_schedule_is_the_references() -> None:
    deep = make(backbone_config=tiny_bert_config(num_hidden_layers=12))
    assert deep.schedule == ("plain",) * 5 + ("mix",) + ("fuse",) * 6
    assert make().schedule == ("mix", "fuse")
    assert make(backbone_config=tiny_bert_config(num_hidden_layers=1)).schedule == ("mix",)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"fusion_layer": []}, "no field 'fusion_layer'; did you mean 'fusion_layers'"),
        ({"fusion_layers": ["mix"]}, "fusion_layers has 1 entries; the backbone has 2 layers"),
        ({"fusion_layers": ["mix", "fused"]}, "fusion_layers[1] is 'fused'; did you mean 'fuse'"),
        ({"fusion_layers": "mix"}, "fusion_layers is 'mix'; allowed: a list"),
        ({"entity_dim": 0}, "entity_dim is 0; allowed: a positive whole number"),
        ({"entity_scale": 0}, "entity_scale is 0; allowed: a number above 0"),
        ({"entity_scale": "auto"}, "entity_scale is 'auto'"),
        ({"fusion_dim": 2.5}, "fusion_dim is 2.5"),
        ({"num_entity_heads": 3}, "num_entity_heads is 3; allowed: divisors of the entities' dimension, 8"),
        ({"alignment": "frist"}, "alignment is 'frist'; did you mean 'first'"),
        ({"entity_bias": True}, "entity_bias is True (allowed: aligned, all)"),
        ({"cls_entity": "alway"}, "cls_entity is 'alway'; did you mean 'always'"),
        ({"zero_init": 1}, "zero_init is 1; allowed: true or false"),
        ({"pooler": "yes"}, "pooler is 'yes'; allowed: true or false"),
        ({"head_dropout": 1.5}, "head_dropout is 1.5"),
        ({"graph_fingerprint": 3}, "graph_fingerprint is 3"),
        ({"sentence_head": 1}, "sentence_head is 1"),
        ({"objective_weights": [1, -1, 0]}, "objective_weights is [1, -1, 0]; allowed: three numbers"),
        ({"objective_weights": 1.0}, "objective_weights is 1.0"),
        ({"backbone_config": None}, "backbone_config is None"),
        ({"backbone_config": DistilBertConfig()}, "backbone_config.model_type is 'distilbert'"),
        (
            {"backbone_config": tiny_bert_config(is_decoder=True)},
            "backbone_config.is_decoder is True; allowed: False",
        ),
        ({"backbone_config": ElectraConfig(), "pooler": True}, "'electra' has no pooler"),
    ],
)
def test_mistakes_are_named(fields: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**fields)
    assert message in str(caught.value)
