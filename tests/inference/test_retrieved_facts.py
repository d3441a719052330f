import shutil

import pytest
import torch

from kglm.data.facts import CorpusOptions, FactOptions
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import BadQuestionError, DataError
from kglm.inference import Answerer, Bundle

TRAIN = [
    MultipleChoiceExample("1", "What digs a deep hole?", ("trowel", "bed"), ("A", "B"), label=0),
    MultipleChoiceExample("2", "What cuts a slice of bread?", ("knife", "bed"), ("A", "B"), label=0),
]
QUESTION, CHOICES = "What do I dig holes with, deep in the garden?", ["trowel", "knife", "pillow"]


@pytest.fixture
def make(make_bundle, tmp_path, tiny_encoder):
    """A function that makes and saves a bundle that reads facts of the graph, of a file and of training questions."""
    (tmp_path / "texts.txt").write_text("A trowel makes holes.\nKnives are in gardens.\n")

    def make(**options):
        corpora = {
            "texts": CorpusOptions(kind="file", path=str(tmp_path / "texts.txt"), mode="hybrid"),
            "asked": CorpusOptions(kind="questions"),
        }
        facts = FactOptions(
            **{
                "source": "all", "max_facts": 4, "max_tokens": 300, "corpora": corpora, "encoder": str(tiny_encoder),
                **options,
            }
        )  # fmt: skip
        bundle = make_bundle(reasons=False, facts=facts, train=TRAIN)
        bundle = Bundle(
            bundle.model, type(bundle.pipeline)(bundle.pipeline.tokenizer, 200, bundle.pipeline.knowledge)
        )
        bundle.save(tmp_path / "bundle")
        return bundle

    return make


def test_an_answer_tells_where_its_facts_came_from_wherever_the_model_lies(make, tmp_path):
    bundle = make()
    (tmp_path / "texts.txt").unlink()
    moved = tmp_path / "elsewhere"
    shutil.move(tmp_path / "bundle", moved)
    answer = Answerer.from_pretrained(moved, device="cpu").answer(QUESTION, CHOICES)
    told = [{(fact.source, fact.text) for fact in facts} for facts in answer.facts]
    assert told == [
        {
            ("graph", "trowel is used for dig."),
            ("graph", "trowel is found at garden."),
            ("texts", "A trowel makes holes."),
            ("asked", "What digs a deep hole? trowel."),
        },
        {("texts", "Knives are in gardens.")},
        set(),
    ]
    assert all(fact.score > 0 for facts in answer.facts for fact in facts)
    direct = Answerer(bundle, "cpu").answer(QUESTION, CHOICES)
    assert answer.facts == direct.facts
    assert [choice.logit for choice in answer.choices] == [choice.logit for choice in direct.choices]
    Bundle.load(moved).save(tmp_path / "again")
    assert (tmp_path / "again" / "bundle.json").read_bytes() == (moved / "bundle.json").read_bytes()


def test_a_training_question_asked_again_is_not_answered_by_itself(make, tmp_path):
    make()
    answer = Answerer.from_pretrained(tmp_path / "bundle", device="cpu").answer("what digs deep holes", CHOICES)
    assert "asked" not in {fact.source for facts in answer.facts for fact in facts}


@pytest.mark.parametrize("name", ["texts", "asked"])
def test_a_model_without_its_corpus_is_refused(make, tmp_path, name):
    make()
    shutil.rmtree(tmp_path / "bundle" / "fact_corpora" / name)
    with pytest.raises(DataError, match=f"reads facts from the corpus '{name}', which is missing"):
        Bundle.load(tmp_path / "bundle")


def test_free_text_has_no_question_concept(make, tmp_path):
    make(question_concept=True)
    answerer = Answerer.from_pretrained(tmp_path / "bundle", device="cpu")
    with pytest.raises(BadQuestionError, match="question 'question' has no question_concept"):
        answerer.answer(QUESTION, CHOICES)
    given = MultipleChoiceExample("1", QUESTION, tuple(CHOICES), ("A", "B", "C"), question_concept="dig")
    (answer,) = answerer.answer_all([given])
    graph = [fact.text for facts in answer.facts for fact in facts if fact.source == "graph"]
    assert graph == ["trowel is used for dig."]


def test_batched_equals_single(make, tmp_path):
    bundle = make()
    asked = [MultipleChoiceExample.from_texts(QUESTION, CHOICES), MultipleChoiceExample.from_texts("Why?", CHOICES)]
    answerer = Answerer(bundle, "cpu")
    for one, other in zip(answerer.answer_all(asked, batch_size=2), answerer.answer_all(asked[:1]), strict=False):
        assert one.facts == other.facts
        logits = ([choice.logit for choice in answer.choices] for answer in (one, other))
        assert torch.allclose(*map(torch.tensor, logits), atol=1e-5)
