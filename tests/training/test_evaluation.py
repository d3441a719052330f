import json
import math
from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator
from toy_choice import ToyData, ToyModel, collate

from kglm.errors import DataError
from kglm.training import DivergedError, evaluate, write_predictions


def batches(data, size):
    return [collate([data[i] for i in range(s, min(s + size, len(data)))]) for s in range(0, len(data), size)]


def test_it_agrees_with_a_naive_computation():
    data, model = ToyData(17), ToyModel()
    result = evaluate(model, batches(data, 5), Accelerator())
    model.eval()
    right, losses = 0, []
    for i, prediction in enumerate(result.predictions):
        example = data[i]
        logits = model.head(model.encoder(example["features"])).flatten().tolist()
        exponentials = [math.exp(x) for x in logits]
        probabilities = [x / sum(exponentials) for x in exponentials]
        assert prediction.id == example["id"]
        assert prediction.label == example["label"]
        assert prediction.logits == pytest.approx(logits, abs=1e-5)
        assert prediction.probabilities == pytest.approx(probabilities, abs=1e-5)
        assert prediction.predicted == logits.index(max(logits))
        assert prediction.correct == (prediction.predicted == example["label"])
        right += prediction.correct
        losses.append(-math.log(probabilities[example["label"]]))
    assert result.accuracy == right / 17
    assert result.loss == pytest.approx(sum(losses) / 17, abs=1e-5)
    assert result.metrics == {"accuracy": result.accuracy, "loss": result.loss}


def test_the_mode_of_the_model_is_left_as_it_was():
    model = ToyModel().train()
    evaluate(model, batches(ToyData(3), 2), Accelerator())
    assert model.training


def test_questions_without_labels_get_predictions_and_no_metrics():
    unlabelled = batches(ToyData(3), 2)
    for batch in unlabelled:
        del batch["labels"]
    result = evaluate(ToyModel(), unlabelled, Accelerator())
    assert result.metrics == {}
    assert [p.label for p in result.predictions] == [None] * 3


def test_bad_batches_are_refused():
    accelerator = Accelerator()
    with pytest.raises(DataError, match="no question"):
        evaluate(ToyModel(), [], accelerator)
    (batch,) = batches(ToyData(3), 3)
    with pytest.raises(DataError, match="lacks 'ids'"):
        evaluate(ToyModel(), [{k: v for k, v in batch.items() if k != "ids"}], accelerator)
    with pytest.raises(DataError, match="2 ids, 3 num_choices"):
        evaluate(ToyModel(), [{**batch, "ids": ["a", "b"]}], accelerator)
    batch["features"][0] = math.nan
    with pytest.raises(DivergedError, match="question 'q0' has logits"):
        evaluate(ToyModel(), [batch], accelerator)


def test_predictions_are_written_one_a_line(tmp_path):
    class Fixed(torch.nn.Module):
        def forward(self, **batch):
            return SimpleNamespace(loss=None, logits=torch.tensor([0.0, 0.0]))

    batch = {"ids": ["a"], "num_choices": torch.tensor([2]), "labels": torch.tensor([1])}
    result = evaluate(Fixed(), [batch], Accelerator())
    write_predictions(tmp_path / "dev.jsonl", result.predictions)
    assert json.loads((tmp_path / "dev.jsonl").read_text()) == {
        "id": "a",
        "logits": [0.0, 0.0],
        "probabilities": [0.5, 0.5],
        "predicted": 0,
        "label": 1,
        "correct": False,
    }
