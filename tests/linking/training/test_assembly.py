import numpy as np
import pytest

from kglm.encoders import TextEncoder
from kglm.linking.entity_linker import EntityLinker
from kglm.linking.evaluation.sense_tagged import read_sense_tagged
from kglm.linking.evaluation.wsd import describe, evaluate_wsd, find_senses, judge
from kglm.linking.training.assembly import assemble, sense_problem
from kglm.linking.training.examples import sense_examples


@pytest.fixture(scope="module")
def examples(wordnet, tagged):
    return sense_examples(wordnet, read_sense_tagged(tagged), counted=True)


@pytest.fixture(scope="module")
def linker(wordnet, tiny_encoder, examples):
    encoder = TextEncoder.load(str(tiny_encoder), max_length=64)
    # What a sentence's reader would have of each bank: the context decides, if it is weighed at all.
    contexts = encoder.encode([examples[0].text, examples[4].text])
    vectors = np.random.default_rng(0).normal(size=(wordnet.num_entities, encoder.dim)).astype(np.float32)
    vectors[[wordnet.entity_id("n00000700"), wordnet.entity_id("n00000800")]] = contexts
    return assemble(wordnet, encoder, vectors, examples)


def test_fitted_weights_take_what_tells_the_senses(linker, examples, tagged):
    report = judge(linker, examples)
    assert report.scores.f1 == 1.0
    assert report.first_sense.f1 == pytest.approx(0.75)  # half of the banks, all dogs
    assert (report.instances, set(report.by_part)) == (64, {"n"})
    assert linker.weights.scorer.nil is None
    problem, gold = sense_problem(linker, examples)
    assert problem.features.names == ("log_prior", "context", "mention")
    assert len(gold) == 64
    assert "F1 100.0 over 64 instances (nouns 100.0)" in describe(report, "text")


def test_a_word_that_the_graph_lacks_stays_unanswered(linker, tagged):
    sentences = read_sense_tagged(tagged)
    word = sentences[0].words[0]
    lost = sentences[0].words[0]._replace(lemma="unheard_of")
    sentences[0] = type(sentences[0])(sentences[0].id, "d000", sentences[0].text, (lost, sentences[0].words[1]))
    report = evaluate_wsd(linker, sentences)
    assert (report.instances, len(report.answers)) == (64, 63)
    assert report.scores.recall == pytest.approx(63 / 64)
    assert report.scores.precision == 1.0
    assert word.id not in {answer[0] for answer in report.answers}
    assert report.metrics()["instances"] == 64


def test_mentions_that_are_not_given_are_found(linker, tagged):
    scores = find_senses(linker, read_sense_tagged(tagged))
    assert 0 < scores.recall <= 1


def test_a_saved_linker_says_the_same(linker, wordnet, examples, tmp_path):
    linker.save(tmp_path / "linker")
    again = EntityLinker.load(tmp_path / "linker", wordnet)
    first, second = judge(linker, examples), judge(again, examples)
    assert [answer[:2] for answer in first.answers] == [answer[:2] for answer in second.answers]
    np.testing.assert_allclose([a[2] for a in first.answers], [a[2] for a in second.answers], atol=1e-3)
