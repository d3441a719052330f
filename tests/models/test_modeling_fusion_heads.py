from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from transformers import (
    AutoModelForMultipleChoice,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertModel,
    Trainer,
    TrainingArguments,
)

from kglm.models import (
    FusionEncoderForMultipleChoice,
    FusionEncoderForSequenceClassification,
    FusionEncoderForTokenClassification,
    FusionEncoderModel,
)
from kglm.testing import random_entity_batch, tiny_bert_config, tiny_fusion_encoder

BATCH = random_entity_batch()
CHOICES = {name: torch.stack((value, value.roll(1, 0)), 1) for name, value in BATCH.items()}  # [3, 2, ...]
OUTPUT = ("outward.weight", "outward.bias", "norm.weight", "norm.bias")
TASKS = [
    (FusionEncoderForSequenceClassification, AutoModelForSequenceClassification, BATCH, torch.tensor([2, 0, 1])),
    (FusionEncoderForTokenClassification, AutoModelForTokenClassification, BATCH, BATCH["input_ids"] % 3),
    (FusionEncoderForMultipleChoice, AutoModelForMultipleChoice, CHOICES, torch.tensor([1, 0, 1])),
]


@pytest.mark.parametrize(("model_class", "auto_class", "batch", "labels"), TASKS)
@pytest.mark.parametrize("pooler", [False, True])
def test_task(model_class, auto_class, batch, labels, pooler, tmp_path) -> None:
    model = tiny_fusion_encoder(model_class, num_labels=3, pooler=pooler)
    output = model(**batch, labels=labels)
    expected = functional.cross_entropy(output.logits.flatten(0, -2), labels.flatten()).item()
    assert output.loss.item() == pytest.approx(expected, rel=1e-5)
    model.save_pretrained(tmp_path)
    loaded = auto_class.from_pretrained(tmp_path)
    assert type(loaded) is model_class
    torch.testing.assert_close(loaded(**batch).logits, output.logits)
    torch.testing.assert_close(model(**batch, return_dict=False)[0], output.logits)


@pytest.mark.parametrize(("model_class", "auto_class", "batch", "labels"), TASKS)
def test_it_learns(model_class, auto_class, batch, labels) -> None:
    torch.manual_seed(0)
    backbone = BertModel(tiny_bert_config(), add_pooling_layer=False)
    model = model_class.from_backbone(backbone, entity_dim=8, num_labels=3, head_dropout=0.0).train()
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = model(**batch, labels=labels).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert all(block.fusion.inward.weight.any() for block in model.encoder.blocks)


def test_choices_are_scored_one_by_one() -> None:
    model = tiny_fusion_encoder(FusionEncoderForMultipleChoice)
    logits = model(**CHOICES).logits
    assert logits.shape == (3, 2)
    first = model(**{name: value[:, :1] for name, value in CHOICES.items()}).logits
    torch.testing.assert_close(first, logits[:, :1])
    torch.testing.assert_close(logits[:, 1], logits[:, 0].roll(1, 0))


def test_several_labels_at_once() -> None:
    model = tiny_fusion_encoder(
        FusionEncoderForSequenceClassification, num_labels=4, problem_type="multi_label_classification"
    )
    labels = torch.tensor([[1.0, 0, 1, 0], [0, 0, 0, 0], [0, 1, 1, 1]])
    output = model(**BATCH, labels=labels)
    expected = functional.binary_cross_entropy_with_logits(output.logits, labels)
    torch.testing.assert_close(output.loss, expected)


def test_a_head_starts_from_a_saved_encoder(tmp_path) -> None:
    encoder = tiny_fusion_encoder(FusionEncoderModel)
    encoder.save_pretrained(tmp_path)
    model = FusionEncoderForSequenceClassification.from_pretrained(tmp_path, num_labels=5)
    given = encoder.state_dict()
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(given[name], value), name
    unread = given.keys() - model.encoder.state_dict().keys()
    assert unread == {f"blocks.2.fusion.{part}" for part in OUTPUT}
    assert model(**BATCH).logits.shape == (3, 5)


@pytest.mark.parametrize(("model_class", "auto_class", "batch", "labels"), TASKS)
@pytest.mark.parametrize("schedule", [None, ["mix", "fuse", "plain"], ["plain"] * 3])
@pytest.mark.parametrize("mentions", [True, False])
def test_every_trainable_parameter_gets_a_gradient(
    model_class, auto_class, batch, labels, schedule, mentions
) -> None:
    """Otherwise data-parallel training would wait for it."""
    model = tiny_fusion_encoder(model_class, num_labels=3, fusion_layers=schedule, fusion_dim=6)
    if schedule == ["plain"] * 3:
        model.encoder.entity_projection.requires_grad_(False)
    if not mentions:
        batch = {**batch, "entity_tokens": torch.full_like(batch["entity_tokens"], -1)}
    model(**batch, labels=labels).loss.backward()
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


def test_new_tokens_for_markers(tmp_path) -> None:
    model = tiny_fusion_encoder(FusionEncoderForSequenceClassification, num_labels=3)
    model.resize_token_embeddings(516)
    marked = {**BATCH, "input_ids": BATCH["input_ids"].clamp(min=514)}
    model.save_pretrained(tmp_path)
    loaded = FusionEncoderForSequenceClassification.from_pretrained(tmp_path)
    torch.testing.assert_close(loaded(**marked).logits, model(**marked).logits)


def test_it_trains_with_trainer(tmp_path) -> None:
    labels = torch.tensor([2, 0, 1])
    rows = [{**{name: value[i] for name, value in BATCH.items()}, "labels": labels[i]} for i in range(3)]
    model = tiny_fusion_encoder(FusionEncoderForSequenceClassification, num_labels=3)
    before = model.head.classifier.weight.clone()
    arguments = TrainingArguments(
        tmp_path, per_device_train_batch_size=3, max_steps=2, report_to="none", use_cpu=True, disable_tqdm=True
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, eval_dataset=rows)
    trainer.train()
    assert not torch.equal(model.head.classifier.weight, before)
    assert trainer.predict(rows).predictions.shape == (3, 3)
