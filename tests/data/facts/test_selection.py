import pytest

from kglm.data.facts import Fact
from kglm.data.facts.selection import joined, select_facts
from kglm.testing import tiny_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer("one two three four five six".split())


FACTS = [Fact("one two three four", 3.0), Fact("five six", 2.0), Fact("one", 1.0, "corpus")]


@pytest.mark.parametrize(
    ("max_facts", "max_tokens", "text"),
    [
        (3, 100, "one two three four. five six. one."),
        (2, 100, "one two three four. five six."),
        (3, 5, "one two three four."),
        (3, 4, "five six."),
        (3, 7, "one two three four. one."),
        (3, 1, ""),
    ],
)
def test_whole_facts_within_the_budget(tokenizer, max_facts, max_tokens, text):
    chosen = select_facts([FACTS, []], tokenizer, max_facts=max_facts, max_tokens=max_tokens)
    assert [joined(facts) for facts in chosen] == [text, ""]
    assert len(tokenizer(text, add_special_tokens=False)["input_ids"]) <= max_tokens


@pytest.mark.parametrize(
    ("caps", "expected"),
    [({"graph": 1}, [0, 2]), ({"corpus": 1}, [0, 1, 2]), ({"graph": 2, "corpus": 0}, [0, 1])],
)
def test_no_more_of_a_source_than_its_cap(tokenizer, caps, expected):
    (chosen,) = select_facts([FACTS], tokenizer, max_facts=3, max_tokens=100, caps=caps)
    assert chosen == tuple(FACTS[i] for i in expected)


def test_what_is_said_twice_is_read_once(tokenizer):
    facts = [Fact("One two", 3.0), Fact("one two.", 2.0, "corpus"), Fact("one", 1.0)]
    (chosen,) = select_facts([facts], tokenizer, max_facts=3, max_tokens=100)
    assert chosen == (facts[0], facts[2])


def test_sentences_end_once():
    assert joined([Fact("one", 1.0), Fact("two.", 1.0), Fact("three?", 1.0)]) == "one. two. three?"


def test_no_pairs(tokenizer):
    assert select_facts([], tokenizer, max_facts=1, max_tokens=1) == []
