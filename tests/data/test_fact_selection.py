import pytest

from kglm.data.fact_selection import join_facts
from kglm.data.graph_facts import Fact
from kglm.testing import tiny_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer("one two three four five six".split())


FACTS = [Fact("one two three four", 1, 3.0), Fact("five six", 1, 2.0), Fact("one", 1, 1.0)]


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
    joined = join_facts([FACTS, []], tokenizer, max_facts=max_facts, max_tokens=max_tokens)
    assert joined == [text, ""]
    assert len(tokenizer(joined[0], add_special_tokens=False)["input_ids"]) <= max_tokens


def test_no_pairs(tokenizer):
    assert join_facts([], tokenizer, max_facts=1, max_tokens=1) == []
