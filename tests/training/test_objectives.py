from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator
from torch.nn import functional

from kglm.errors import DataError
from kglm.models import FusionEncoderForPreTraining
from kglm.testing import random_entity_batch, tiny_fusion_encoder
from kglm.training.objectives import ObjectiveLog, ObjectiveSums, measure_objectives


def batch(seed, size):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(size, 4, 5, generator=generator)
    labels = torch.randint(-1, 5, (size, 4), generator=generator)
    known = labels >= 0
    loss = functional.cross_entropy(logits[known], labels[known])
    output = SimpleNamespace(
        token_logits=None, sentence_logits=None, entity_logits=logits, entity_loss=loss, token_loss=None
    )
    return output, {"entity_labels": labels}, torch.randint(0, 3, (size, 4), generator=generator)


def test_means_are_over_all_that_was_to_be_predicted():
    sums = ObjectiveSums()
    losses, right, fates = [], [], []
    for seed, size in ((0, 2), (1, 5)):
        output, inputs, fate = batch(seed, size)
        sums.add(output, inputs, fate)
        for row in range(size):
            for place in range(4):
                label = int(inputs["entity_labels"][row, place])
                if label >= 0:
                    scores = output.entity_logits[row, place]
                    losses.append(-torch.log_softmax(scores, 0)[label].item())
                    right.append(int(scores.argmax()) == label)
                    fates.append(int(fate[row, place]))
    means = sums.means()
    assert set(means) == {
        "entity_loss",
        "entity_accuracy",
        *(f"entity_accuracy_{f}" for f in ("kept", "replaced", "masked")),
    }
    assert means["entity_loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert means["entity_accuracy"] == sum(right) / len(right)
    for number, name in enumerate(("kept", "replaced", "masked")):
        of = [hit for hit, fate in zip(right, fates, strict=True) if fate == number]
        assert means[f"entity_accuracy_{name}"] == sum(of) / len(of)


def test_training_is_logged_and_evaluation_is_not():
    model = tiny_fusion_encoder(FusionEncoderForPreTraining).train()
    inputs = random_entity_batch()
    labels = torch.full_like(inputs["input_ids"], -100)
    labels[:, 1] = 7
    logged = []
    tracker = SimpleNamespace(log=lambda metrics, step: logged.append((step, metrics)))
    log = ObjectiveLog(model, [tracker], every=2)
    for step in (1, 2, 3):
        loss = model(**inputs, labels=labels).token_loss.item()
        measured = measure_objectives(model, [{**inputs, "labels": labels, "ids": "abc"}], Accelerator(cpu=True))
        assert measured["loss"] == measured["token_loss"]
        assert model.training
        log(SimpleNamespace(step=step, total_steps=3))
    assert [step for step, _ in logged] == [2, 3]
    assert logged[1][1]["train/token_loss"] == pytest.approx(loss)
    log.close()
    model(**inputs, labels=labels)
    log(SimpleNamespace(step=3, total_steps=3))
    assert logged[-1][1] == {}


def test_nothing_to_predict_is_refused():
    model = tiny_fusion_encoder(FusionEncoderForPreTraining)
    with pytest.raises(DataError, match="nothing is to be predicted"):
        measure_objectives(model, [random_entity_batch()], Accelerator(cpu=True))
