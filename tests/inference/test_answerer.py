import json
import random
from itertools import pairwise

import pytest

from kglm.data.facts.options import FactOptions
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import BadQuestionError
from kglm.inference import Answerer
from kglm.inference.answerer import NOTHING_JOINED

QUESTION = "I dug in the garden to plant flowers. What did I dig with?"
CHOICES = ["trowel", "excavator", "knife", "the spade, of course", "pillow"]
TEXT_ALONE = "the answer comes from the text alone"


@pytest.fixture(scope="module")
def answerer(bundle):
    return Answerer(bundle, device="cpu")


@pytest.fixture(scope="module")
def text_answerer(text_bundle):
    return Answerer(text_bundle, device="cpu")


@pytest.fixture(scope="module")
def answer(answerer):
    return answerer.answer(QUESTION, CHOICES)


def assert_same(one, other):
    """Assert that two answers are equal up to the rounding of another batch."""
    assert (one.id, one.question, one.predicted, one.mentions, one.notes) == (
        other.id, other.question, other.predicted, other.mentions, other.notes,
    )  # fmt: skip
    for mine, theirs in zip(one.choices, other.choices, strict=True):
        assert (mine.label, mine.text) == (theirs.label, theirs.text)
        assert mine.logit == pytest.approx(theirs.logit, abs=1e-4)
        assert mine.probability == pytest.approx(theirs.probability, abs=1e-5)
    mine, theirs = ({(p.choice, p.entities, p.relations): p.attention for p in a.paths} for a in (one, other))
    assert mine == pytest.approx(theirs, abs=1e-5)


def test_probabilities_sum_to_one_and_the_best_is_predicted(answer):
    probabilities = [choice.probability for choice in answer.choices]
    assert sum(probabilities) == pytest.approx(1, abs=1e-6)
    assert answer.best.probability == max(probabilities)
    assert [choice.text for choice in answer.choices] == CHOICES
    assert [choice.label for choice in answer.choices] == list("ABCDE")
    assert sorted(range(5), key=lambda i: answer.choices[i].logit) == sorted(range(5), key=probabilities.__getitem__)


def test_attention_shares_of_a_choice_sum_to_at_most_one(answer):
    assert len({path.choice for path in answer.paths}) > 1
    for label in "ABCDE":
        shares = [path.attention for path in answer.evidence(label)]
        assert all(share >= 0 for share in shares)
        assert sum(shares) <= 1 + 1e-5
        assert shares == sorted(shares, reverse=True)


def test_attention_shares_sum_to_one_where_paths_join_the_only_concept_pair(answerer):
    answer = answerer.answer("How to dig?", ["excavator", "pillow"])
    assert answer.evidence("A")
    assert sum(path.attention for path in answer.evidence("A")) == pytest.approx(1, abs=1e-5)


def test_every_path_is_in_the_graph_and_joins_question_and_choice(answer, graph):
    linked = {}
    for mention in answer.mentions:
        linked.setdefault(mention.source, set()).add(mention.entity)
    assert answer.paths
    for path in answer.paths:
        assert path.entities[0] in linked["question"]
        assert path.entities[-1] in linked[path.choice]
        assert len(path.relations) == len(path.entities) - 1
        assert len(set(path.entities)) == len(path.entities)
        for (source, target), names in zip(pairwise(path.entities), path.relations, strict=True):
            real = {t.relation for t in graph.triples() if (t.head, t.tail) == (source, target)}
            real |= {f"^{t.relation}" for t in graph.triples() if (t.head, t.tail) == (target, source)}
            assert set(names) == real
            assert len(names) == len(real)
        for entity in path.entities:
            assert graph.labels[graph.entity_id(entity)] in path.line


def test_a_known_path_is_found_and_drawn(answer):
    lines = {path.line for path in answer.evidence("A")}
    assert "plant flowers ←UsedFor— trowel" in lines
    assert "garden ←AtLocation— trowel" in lines


def test_mentions_stand_where_they_say(answer, graph):
    texts = {"question": QUESTION, **dict(zip("ABCDE", CHOICES, strict=True))}
    assert {mention.source for mention in answer.mentions} == {"question", "A", "B", "C", "D"}
    for mention in answer.mentions:
        assert texts[mention.source][mention.start : mention.end] == mention.text
        assert graph.entity_id(mention.entity) >= 0
        assert 0 < mention.probability <= 1
    found = [(mention.text, mention.entity) for mention in answer.mentions if mention.source == "question"]
    assert found == [
        ("dug", "dig"), ("garden", "garden"), ("plant flowers", "plant_flowers"), ("dig", "dig"),
    ]  # fmt: skip


def test_offsets_count_characters_of_the_text_as_given(answerer):
    question = "  \U0001f33b Überall — plant\u00a0flowers?\n"
    answer = answerer.answer(question, ["trowel", "knife"])
    (mention,) = [mention for mention in answer.mentions if mention.source == "question"]
    assert question[mention.start : mention.end] == mention.text == "plant\u00a0flowers"


def test_nothing_linked_is_said(answerer):
    answer = answerer.answer("How are you?", ["trowel", "knife"])
    assert answer.paths == ()
    assert answer.notes == (f"no concept of the question is in the graph; {TEXT_ALONE}.",)
    assert f"Note: no concept of the question is in the graph; {TEXT_ALONE}." in str(answer)


def test_no_path_is_said(answerer):
    answer = answerer.answer("I cut wood.", ["garden", "pillow"])
    assert answer.paths == ()
    assert answer.notes == (NOTHING_JOINED,)


def test_a_model_without_reasoner_says_so(text_answerer):
    answer = text_answerer.answer(QUESTION, CHOICES)
    assert (answer.paths, answer.mentions) == ((), ())
    assert answer.notes == (f"this model takes in no graph; {TEXT_ALONE}.",)
    assert sum(choice.probability for choice in answer.choices) == pytest.approx(1, abs=1e-6)


def test_a_question_of_ten_thousand_words_is_answered_with_a_note(answerer):
    words = [random.Random(0).choice(["garden", "dig", "word", "excavator", "the"]) for _ in range(10_000)]
    answer = answerer.answer(" ".join(words), ["trowel", "excavator"])
    assert answer.notes[0] == "the question is longer than 48 tokens; what lies beyond was not read."
    assert sum(choice.probability for choice in answer.choices) == pytest.approx(1, abs=1e-6)
    assert answer.paths


def test_a_choice_too_long_to_read_is_refused(answerer):
    with pytest.raises(BadQuestionError, match="choice B of question 'question' is longer than 44 tokens"):
        answerer.answer("What do I dig with?", ["trowel", "pillow " * 500])


def test_batched_equals_single_with_two_to_ten_choices(answerer, examples):
    batched = list(answerer.answer_all(examples, batch_size=len(examples)))
    assert [len(answer.choices) for answer in batched] == list(range(2, 11))
    assert [answer.id for answer in batched] == [example.id for example in examples]
    assert any(answer.paths for answer in batched)
    for size in (1, 4):
        for one, other in zip(answerer.answer_all(examples, batch_size=size), batched, strict=True):
            assert_same(one, other)
    for one, example in zip(batched, examples, strict=True):
        assert one.predicted == answerer.answer(example.question, example.choices).predicted


def test_batched_equals_single_without_reasoner(text_answerer, examples):
    batched = list(text_answerer.answer_all(examples, batch_size=len(examples)))
    for one, other in zip(text_answerer.answer_all(examples, batch_size=1), batched, strict=True):
        assert_same(one, other)


def test_the_order_of_choices_does_not_matter(answerer, answer):
    turned = answerer.answer(QUESTION, CHOICES[::-1])
    for mine, theirs in zip(turned.choices, answer.choices[::-1], strict=True):
        assert mine.text == theirs.text
        assert mine.probability == pytest.approx(theirs.probability, abs=1e-5)
    assert turned.best.text == answer.best.text


def test_a_choice_that_the_question_names_has_no_path_from_itself(answerer):
    answer = answerer.answer("Did I dig with an excavator?", ["excavator", "trowel"])
    assert answer.evidence("A")
    assert all(path.entities[0] != path.entities[-1] for path in answer.paths)


def test_answers_are_json_and_whole(answerer, examples):
    for answer in answerer.answer_all(examples):
        told = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
        assert told["answer"] == answer.best.text
        assert told["answer_label"] == answer.best.label
        assert [choice["probability"] for choice in told["choices"]] == [c.probability for c in answer.choices]
        assert [path["line"] for path in told["paths"]] == [path.line for path in answer.paths]
        assert [mention["entity"] for mention in told["mentions"]] == [m.entity for m in answer.mentions]


def test_no_question_gives_no_answer(answerer):
    assert list(answerer.answer_all([])) == []


@pytest.mark.parametrize(
    ("question", "choices", "message"),
    [
        ("", ["a", "b"], "the question is empty"),
        ("q", [], r"0 choice\(s\), expected 2 to 10"),
        ("q", ["a"], r"1 choice\(s\), expected 2 to 10"),
        ("q", list("abcdefghijk"), r"11 choice\(s\), expected 2 to 10"),
        ("q", ["a", "\t"], "choice 2 is empty"),
        ("q", ["a", "A "], "choice 'a' stands twice"),
        ("\ud800", ["a", "b"], "is not valid Unicode text"),
    ],
)
def test_bad_questions_are_refused(answerer, question, choices, message):
    with pytest.raises(BadQuestionError, match=message):
        answerer.answer(question, choices)


def test_examples_keep_their_own_labels(answerer):
    example = MultipleChoiceExample("x", "What do I dig with?", ("trowel", "pillow"), ("yes", "no"), label=0)
    (answer,) = answerer.answer_all([example])
    assert [choice.label for choice in answer.choices] == ["yes", "no"]
    assert {path.choice for path in answer.paths} == {"yes"}


def test_facts_are_shown_with_the_choice_that_they_were_read_with(make_bundle, tmp_path):
    bundle = make_bundle(reasons=False, facts=FactOptions(max_facts=1))
    bundle.save(tmp_path / "bundle")
    choices = ["trowel", "pillow"]
    answer = Answerer.from_pretrained(tmp_path / "bundle", device="cpu").answer("What do I dig with?", choices)
    ((fact,), none) = answer.facts
    assert (fact.text, fact.source, none) == ("trowel is used for dig.", "graph", ())
    assert fact.score > 0
    assert answer.notes == ()
    shown = answer.format()
    told = f"trowel is used for dig.  (graph, {fact.score:.3g})"
    assert (told in shown) == (answer.best.text == "trowel")
    assert json.loads(json.dumps(answer.to_dict()))["facts"][0] == [vars(fact)]
    bare = make_bundle(reasons=False).pipeline
    informed = bundle.pipeline.prepare([MultipleChoiceExample.from_texts("What do I dig with?", choices)])
    plain = bare.prepare([MultipleChoiceExample.from_texts("What do I dig with?", choices)])
    assert len(informed.dataset[0].statements[0]) > len(plain.dataset[0].statements[0])
    assert informed.dataset[0].statements[1] == plain.dataset[0].statements[1]
