"""The multiple-choice model on a fusion encoder."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers import BertModel

from kglm.errors import ConfigError
from kglm.models import FusionEncoderConfig, FusionEncoderModel, KnowledgeQAConfig, KnowledgeQAForMultipleChoice
from kglm.testing import random_graph_batch, tiny_bert_config, tiny_knowledge_qa, tiny_reasoner
from kglm.training.config import TrainingConfig
from kglm.training.optimization import parameter_groups

GRAPH = random_graph_batch()
REASONERS = [None, "kagnet", "greaselm"]
ENTITY_DIM = 8


def make_batch(*, mentions: bool = True) -> dict[str, Tensor]:
    """Two questions of two and three choices; of the texts some have no entity."""
    generator = torch.Generator().manual_seed(0)
    batch = {}
    for prefix, rows, width in (("", 5, 12), ("question_", 2, 8), ("choice_", 5, 4)):
        mask = torch.ones(rows, width, dtype=torch.long)
        mask[0, width - 2 :] = 0
        batch[f"{prefix}attention_mask"] = mask
        batch[f"{prefix}input_ids"] = torch.randint(5, 500, mask.shape, generator=generator) * mask
        tokens = torch.tensor([[1, -1], [2, 3], [-1, -1]]).repeat(rows, 1, 1)
        tokens[1] = -1
        batch[f"{prefix}entity_tokens"] = tokens if mentions else torch.full_like(tokens, -1)
        batch[f"{prefix}entity_embeds"] = torch.randn(rows, 3, ENTITY_DIM, generator=generator)
    return {**batch, "num_choices": torch.tensor([2, 3]), "labels": torch.tensor([1, 2])}


BATCH = make_batch()
PLAIN_BATCH = {name: value for name, value in BATCH.items() if "entity" not in name}


def make_model(reasoner: str | None = None, *, seed: int = 0, **fusion: object) -> KnowledgeQAForMultipleChoice:
    fields = {"entity_dim": ENTITY_DIM, "num_entity_heads": 2, "fusion_dim": 6, **fusion}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        backbone = BertModel(tiny_bert_config(num_hidden_layers=3), add_pooling_layer=False)
        encoder = FusionEncoderModel.from_backbone(backbone, **fields)
        spec = None if reasoner is None else tiny_reasoner(reasoner)
        model = KnowledgeQAForMultipleChoice.from_encoder(encoder, reasoner=spec).eval()
        for parameter in model.score_head.parameters():
            nn.init.normal_(parameter)
    return model


def make_random(reasoner: str | None = None) -> KnowledgeQAForMultipleChoice:
    model = make_model(reasoner)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.2)
    return model


@pytest.mark.parametrize("reasoner", REASONERS)
def test_untrained_it_is_the_plain_model(reasoner: str | None) -> None:
    model = make_model(reasoner)
    plain = tiny_knowledge_qa(
        encoder_config=tiny_bert_config(num_hidden_layers=3),
        reasoner=None if reasoner is None else tiny_reasoner(reasoner),
    )
    plain.encoder.load_state_dict(model.encoder.backbone.state_dict())
    plain.score_head.load_state_dict(model.score_head.state_dict())
    if reasoner is not None:
        plain.reasoner.load_state_dict(model.reasoner.state_dict())
    expected = plain(**PLAIN_BATCH, graph=GRAPH).logits
    torch.testing.assert_close(model(**BATCH, graph=GRAPH).logits, expected)
    torch.testing.assert_close(make_random_like(model)(**PLAIN_BATCH, graph=GRAPH).logits, expected)


def make_random_like(model: KnowledgeQAForMultipleChoice) -> KnowledgeQAForMultipleChoice:
    """Change all that the fusion adds; without entities it must not matter."""
    for name, parameter in model.named_parameters():
        if name.startswith(model.fresh_parameters):
            nn.init.normal_(parameter)
    return model


@pytest.mark.parametrize("reasoner", REASONERS)
@pytest.mark.parametrize("part", ["", "question_", "choice_"])
def test_the_entities_of_each_text_count(reasoner: str | None, part: str) -> None:
    model = make_random(reasoner)
    changed = {**BATCH, f"{part}entity_embeds": BATCH[f"{part}entity_embeds"] + 1}
    difference = (model(**changed, graph=GRAPH).logits - model(**BATCH, graph=GRAPH).logits).abs()
    touched = torch.tensor([True, part == "question_", True, True, True])  # the second text has no entity
    if part == "question_":
        touched = torch.tensor([True, True, False, False, False])
    assert difference[touched].min() > 1e-6
    assert difference[~touched].max() < 1e-5


@pytest.mark.parametrize("reasoner", REASONERS)
def test_the_order_of_entities_and_their_padding_are_of_no_account(reasoner: str | None) -> None:
    model, order, batch = make_random(reasoner), torch.tensor([2, 0, 1]), dict(BATCH)
    for part in ("", "question_", "choice_"):
        batch[f"{part}entity_tokens"] = BATCH[f"{part}entity_tokens"][:, order]
        batch[f"{part}entity_embeds"] = BATCH[f"{part}entity_embeds"][:, order]
        batch[f"{part}entity_embeds"][:, 0] = torch.nan
    expected = model(**BATCH, graph=GRAPH).logits
    torch.testing.assert_close(model(**batch, graph=GRAPH).logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("reasoner", REASONERS)
@pytest.mark.parametrize("mentions", [True, False])
def test_every_trainable_parameter_gets_a_gradient(reasoner: str | None, mentions: bool) -> None:
    """Otherwise data-parallel training would wait for it."""
    model = make_random(reasoner)
    model(**make_batch(mentions=mentions), graph=GRAPH).loss.backward()
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


@pytest.mark.parametrize("reasoner", REASONERS)
def test_save_and_load_keeps_every_weight(reasoner: str | None, tmp_path) -> None:
    model = make_random(reasoner)
    model.save_pretrained(tmp_path)
    loaded = KnowledgeQAForMultipleChoice.from_pretrained(tmp_path)
    assert loaded.config.entity_dim == ENTITY_DIM
    assert loaded.state_dict().keys() == model.state_dict().keys()
    torch.testing.assert_close(loaded(**BATCH, graph=GRAPH).logits, model(**BATCH, graph=GRAPH).logits)


def test_new_layers_learn_at_the_rate_of_new_parameters() -> None:
    model = make_model("kagnet")
    groups = parameter_groups(model, TrainingConfig(encoder_lr=1e-5, reasoner_lr=1e-3))
    rate = {id(p): group["lr"] for group in groups for p in group["params"]}
    for name, parameter in model.named_parameters():
        assert rate[id(parameter)] == (1e-5 if name.startswith("encoder.backbone.") else 1e-3), name


def test_a_frozen_vocabulary_is_that_of_the_backbone(tmp_path) -> None:
    encoder = make_model().encoder
    model = KnowledgeQAForMultipleChoice.from_encoder(encoder, freeze_word_embeddings=True)
    model.save_pretrained(tmp_path)
    for each in (model, KnowledgeQAForMultipleChoice.from_pretrained(tmp_path)):
        assert not each.encoder.backbone.embeddings.word_embeddings.weight.requires_grad
        assert each.encoder.blocks[-1].fusion.inward.weight.requires_grad


def test_inputs_that_do_not_fit_are_refused() -> None:
    lacking = {name: value for name, value in BATCH.items() if name != "choice_entity_tokens"}
    with pytest.raises(ValueError, match="must be given together"):
        make_model()(**lacking)
    with pytest.raises(ValueError, match="BertModel takes in no entities"):
        tiny_knowledge_qa(reasoner=None)(**BATCH)


def test_configurations_that_cannot_be_are_refused() -> None:
    backbone = tiny_bert_config()
    with pytest.raises(ConfigError, match=r"encoder_config\.pooler is True"):
        KnowledgeQAConfig(encoder_config=FusionEncoderConfig(backbone_config=backbone, entity_dim=8, pooler=True))
    fused = FusionEncoderConfig(backbone_config=backbone, entity_dim=8)
    with pytest.raises(ConfigError, match=r"reasoner\.num_layers is 3; allowed: at most 2"):
        KnowledgeQAConfig(encoder_config=fused, reasoner=tiny_reasoner("greaselm", num_layers=3))
