from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from transformers import AutoModel, AutoModelForPreTraining, ElectraConfig

from kglm.models import FusionEncoderForPreTraining
from kglm.testing import random_entity_batch, tiny_bert_config, tiny_fusion_encoder

BATCH = random_entity_batch()
LABELS = torch.full_like(BATCH["input_ids"], -100)
LABELS[0, 2], LABELS[0, 5], LABELS[1, 1] = 7, 300, 12
TARGETS = {
    "candidate_embeds": torch.randn(5, 8, generator=torch.Generator().manual_seed(1)),
    "target_tokens": torch.tensor([[1, 3], [4, -1], [-1, -1]]),
    "entity_labels": torch.tensor([[4, 0], [2, -100], [-100, -100]]),
}


def test_losses_are_those_of_the_paper() -> None:
    model = tiny_fusion_encoder(FusionEncoderForPreTraining, pooler=True)
    sentences = torch.tensor([0, 1, 1])
    output = model(**BATCH, labels=LABELS, **TARGETS, sentence_labels=sentences)
    encoded = model.encoder(**BATCH)
    hidden = encoded.last_hidden_state

    def transformed(transform, vector):
        return transform.norm(functional.gelu(transform.dense(vector)))

    words = model.get_input_embeddings().weight
    tokens = [
        -torch.log_softmax(words @ transformed(model.token_head.transform, hidden[b, t]) + model.token_head.bias, -1)[
            y
        ]
        for b, t, y in [(0, 2, 7), (0, 5, 300), (1, 1, 12)]
    ]
    entities = [
        -torch.log_softmax(TARGETS["candidate_embeds"] @ transformed(model.entity_head, hidden[b, t]), -1)[y]
        for b, t, y in [(0, 1, 4), (0, 3, 0), (1, 4, 2)]
    ]
    sentence = functional.cross_entropy(model.sentence_head(encoded.pooler_output), sentences)
    torch.testing.assert_close(output.token_loss, sum(tokens) / 3)
    torch.testing.assert_close(output.entity_loss, sum(entities) / 3)
    torch.testing.assert_close(output.sentence_loss, sentence)
    torch.testing.assert_close(output.loss, output.token_loss + output.entity_loss + output.sentence_loss)
    output.loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_only_the_tokens_asked_for_need_be_scored() -> None:
    model = tiny_fusion_encoder(FusionEncoderForPreTraining)
    every = model(**BATCH, labels=LABELS)
    places = torch.tensor([[5, 2], [1, -1], [-1, -1]])
    labels = torch.tensor([[300, 7], [12, -100], [-100, -100]])
    some = model(**BATCH, labels=labels, labelled_tokens=places)
    torch.testing.assert_close(some.token_loss, every.token_loss)
    torch.testing.assert_close(some.token_logits[0, 1], every.token_logits[0, 2])
    nothing = model(**BATCH, labels=labels[:, :0], labelled_tokens=places[:, :0])
    assert nothing.token_loss == 0
    assert nothing.token_logits.shape == (3, 0, every.token_logits.shape[-1])


def test_objectives_are_weighed_and_sentences_judged_without_a_pooler(tmp_path) -> None:
    model = tiny_fusion_encoder(
        FusionEncoderForPreTraining, sentence_head=True, objective_weights=[2.0, 0.5, 0.0], pooler=False
    )
    sentences = torch.tensor([0, 1, -100])
    output = model(**BATCH, labels=LABELS, **TARGETS, sentence_labels=sentences)
    torch.testing.assert_close(output.loss, 2 * output.token_loss + 0.5 * output.entity_loss)
    first = model.encoder(**BATCH).last_hidden_state[:2, 0]
    logits = model.sentence_head(model.sentence_dense(first).tanh())
    torch.testing.assert_close(output.sentence_loss, functional.cross_entropy(logits, sentences[:2]))
    model.save_pretrained(tmp_path)
    again = AutoModelForPreTraining.from_pretrained(tmp_path)
    assert again.config.objective_weights == [2.0, 0.5, 0.0]
    torch.testing.assert_close(again(**BATCH).sentence_logits, output.sentence_logits)


def test_nothing_to_predict_is_no_loss() -> None:
    model = tiny_fusion_encoder(FusionEncoderForPreTraining)
    assert model(**BATCH).loss is None
    output = model(**BATCH, labels=torch.full_like(LABELS, -100))
    assert output.loss.item() == 0
    output.loss.backward()


def test_denoised_entities_are_learnt() -> None:
    torch.manual_seed(0)
    model = tiny_fusion_encoder(FusionEncoderForPreTraining).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        output = model(**BATCH, labels=LABELS, **TARGETS)
        output.loss.backward()
        optimizer.step()
        losses.append((output.token_loss.item(), output.entity_loss.item()))
    assert losses[-1][0] < 0.3 * losses[0][0]
    assert losses[-1][1] < 0.3 * losses[0][1]


@pytest.mark.parametrize("backbone", ["bert", "electra"])
def test_round_trip_after_new_tokens(backbone, tmp_path) -> None:
    configs = {
        "bert": tiny_bert_config(num_hidden_layers=3),
        "electra": ElectraConfig(
            vocab_size=512, embedding_size=12, hidden_size=16, num_hidden_layers=2, num_attention_heads=2
        ),
    }
    model = tiny_fusion_encoder(FusionEncoderForPreTraining, backbone_config=configs[backbone])
    before = model(**BATCH).token_logits
    model.resize_token_embeddings(520)
    after = model(**BATCH).token_logits
    assert after.shape[-1] == 520
    torch.testing.assert_close(after[..., :512], before)
    model.save_pretrained(tmp_path)
    loaded = AutoModelForPreTraining.from_pretrained(tmp_path)
    assert type(loaded) is FusionEncoderForPreTraining
    assert loaded.config.backbone_config.vocab_size == 520
    torch.testing.assert_close(loaded(**BATCH).token_logits, after)
    encoder = AutoModel.from_pretrained(tmp_path)
    torch.testing.assert_close(encoder(**BATCH).last_hidden_state, model.encoder(**BATCH).last_hidden_state)


def test_a_head_the_checkpoint_lacks_is_initialised(tmp_path) -> None:
    model = tiny_fusion_encoder(FusionEncoderForPreTraining)
    model.encoder.save_pretrained(tmp_path)
    loaded = FusionEncoderForPreTraining.from_pretrained(tmp_path)
    assert not loaded.token_head.bias.any()
    assert loaded.token_head.transform.norm.weight.eq(1).all()
    assert loaded(**BATCH, labels=LABELS, **TARGETS).loss.isfinite()


def test_mistakes_are_named() -> None:
    model = tiny_fusion_encoder(FusionEncoderForPreTraining)
    with pytest.raises(ValueError, match="must be given together"):
        model(**BATCH, target_tokens=TARGETS["target_tokens"])
    with pytest.raises(ValueError, match="entity_labels are given, but candidate_embeds"):
        model(**BATCH, entity_labels=TARGETS["entity_labels"])
    with pytest.raises(ValueError, match="sentence_labels are given, but the backbone's pooler"):
        model(**BATCH, sentence_labels=torch.tensor([0, 1, 1]))
