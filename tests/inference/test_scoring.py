import math
from dataclasses import replace

import pytest
import torch

from kglm.errors import DataError
from kglm.inference import Answerer
from kglm.inference.scoring import batches, score


@pytest.fixture(scope="module", params=["graph", "text"])
def either(request, bundle, text_bundle):
    return bundle if request.param == "graph" else text_bundle


def test_scores_are_the_answerers(either, examples):
    result = score(either, examples, batch_size=4)
    for prediction, answer in zip(
        result.predictions, Answerer(either).answer_all(examples, batch_size=4), strict=True
    ):
        assert (prediction.id, prediction.predicted) == (answer.id, answer.predicted)
        assert prediction.logits == tuple(choice.logit for choice in answer.choices)
        assert prediction.probabilities == pytest.approx([choice.probability for choice in answer.choices], abs=1e-6)


def test_accuracy_counts_labelled_questions_only(bundle, examples):
    result = score(bundle, examples, batch_size=1)
    marks = [p.predicted == e.label for p, e in zip(result.predictions, examples, strict=True) if e.label is not None]
    assert len(marks) == len(examples) - 1
    assert result.accuracy == sum(marks) / len(marks)


def test_loss_is_the_mean_over_labelled_questions(bundle, examples):
    labelled = [example for example in examples if example.label is not None]
    result = score(bundle, labelled, batch_size=3)
    naive = [-math.log(p.probabilities[e.label]) for p, e in zip(result.predictions, labelled, strict=True)]
    assert result.loss == pytest.approx(sum(naive) / len(naive), abs=1e-4)


def test_without_labels_there_is_no_accuracy(bundle, examples):
    result = score(bundle, [replace(example, label=None) for example in examples], batch_size=4)
    assert (result.accuracy, result.loss, result.metrics) == (None, None, {})


@pytest.mark.parametrize("size", [1, 2, 100])
def test_the_batch_size_does_not_matter(either, examples, size):
    expected = score(either, examples, batch_size=4).predictions
    for mine, theirs in zip(score(either, examples, batch_size=size).predictions, expected, strict=True):
        assert mine.logits == pytest.approx(theirs.logits, abs=1e-4)
        assert mine.predicted == theirs.predicted


def test_a_cache_gives_the_same_scores(bundle, examples, tmp_path):
    plain = score(bundle, examples, batch_size=4)
    assert score(bundle, examples, batch_size=4, cache_dir=tmp_path) == plain
    assert score(bundle, examples, batch_size=4, cache_dir=tmp_path) == plain
    assert len(list((tmp_path / "features").iterdir())) == 1


def test_scoring_leaves_the_model_as_it_was(bundle, examples):
    before = {name: value.clone() for name, value in bundle.model.state_dict().items()}
    bundle.model.train()
    try:
        score(bundle, examples, batch_size=4)
        assert bundle.model.training
    finally:
        bundle.model.eval()
    assert all(torch.equal(value, before[name]) for name, value in bundle.model.state_dict().items())


def test_batches_hold_every_question_once_in_order(bundle, examples):
    made = list(batches(bundle.pipeline.prepare(examples), 4))
    assert [len(batch["ids"]) for batch in made] == [4, 4, 1]
    assert [name for batch in made for name in batch["ids"]] == [example.id for example in examples]


def test_nothing_to_score_is_refused(text_bundle):
    with pytest.raises(DataError, match="there is no question to evaluate on"):
        score(text_bundle, [], batch_size=4)
